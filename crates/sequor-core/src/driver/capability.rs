//! [`ServerInfo`]: which server answered.

/// The server behind a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    /// The product.
    pub product: Product,
    /// Major, minor, patch.
    pub version: (u32, u32, u32),
    /// Whether this server only reads now (a standby).
    pub read_only: bool,
}

/// The database products that Sequor speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// PostgreSQL.
    Postgres,
    /// MySQL.
    Mysql,
    /// MariaDB.
    Mariadb,
    /// SQLite.
    Sqlite,
}
