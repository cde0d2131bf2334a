//! [`Dialect`]: the databases that Sequor writes SQL for.

/// A dialect of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// MySQL 8.
    Mysql,
    /// MariaDB 10.6 and later.
    Mariadb,
    /// SQLite 3.35 and later.
    Sqlite,
}
