//! [`Dialect`] and what it can do. Every difference between databases is a method here or an arm in a writer's own file.

use sequor_core::schema::{Nulls, SortDirection};

/// A dialect of SQL.
///
/// ```
/// use sequor::prelude::*;
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct User { #[field(primary_key, auto_increment)] id: i64, name: String }
///
/// for dialect in [Dialect::Postgres, Dialect::Mysql, Dialect::Mariadb, Dialect::Sqlite] {
///     println!("{}: {}", dialect.name(), User::find_all().filter(User::NAME.icontains("ann")).to_sql(dialect)?);
/// }
/// # Ok::<(), Error>(())
/// ```
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

/// How the keys of many parents travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyList {
    /// As one array.
    Array,
    /// As one JSON list.
    Json,
    /// As a list of parameters, padded by its last member to a power of two; longer ones as JSON.
    Padded {
        /// The longest list of parameters.
        most: usize,
    },
}

/// What many new rows travel fastest by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bulk {
    /// One prepared statement, run once for each row.
    Loop,
    /// One array for each column.
    Arrays,
    /// Lists of values.
    Lists,
}

impl Dialect {
    /// The name in URLs and messages.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::Postgres => "postgres",
            Dialect::Mysql => "mysql",
            Dialect::Mariadb => "mariadb",
            Dialect::Sqlite => "sqlite",
        }
    }

    /// MySQL or MariaDB.
    pub fn is_mysql(self) -> bool {
        matches!(self, Dialect::Mysql | Dialect::Mariadb)
    }

    /// Whether INSERT has RETURNING.
    pub fn insert_returning(self) -> bool {
        self != Dialect::Mysql
    }

    /// Whether an INSERT tells the key that counted itself up beside its answer, without RETURNING.
    pub fn tells_keys(self) -> bool {
        self != Dialect::Postgres
    }

    /// Whether an upsert tells in its RETURNING whether the row is new.
    pub fn upsert_tells(self) -> bool {
        !self.is_mysql()
    }

    /// Whether an upsert meets old rows by the key that it names alone; MySQL's meets them by any.
    pub fn meets_by_named_key(self) -> bool {
        !self.is_mysql()
    }

    /// Whether UPDATE has RETURNING.
    pub fn update_returning(self) -> bool {
        !self.is_mysql()
    }

    /// Whether the rows that UPDATE gives back are what is stored, whatever triggers made of them.
    pub fn update_returns_stored(self) -> bool {
        self == Dialect::Postgres
    }

    /// Whether an UPDATE tells so many columns of the rows that it changes as they were. On SQLite they are the arguments of a function, which takes no more.
    pub fn update_tells(self, columns: usize) -> bool {
        self == Dialect::Sqlite && columns <= 100
    }

    /// A condition that holds for rows that this transaction alone has locked, where rows carry such a mark. In a savepoint they carry another one.
    pub fn locked_here(self) -> Option<&'static str> {
        (self == Dialect::Postgres).then_some("xmax = (SELECT (txid_current() % 4294967296)::text::xid)")
    }

    /// Whether DELETE has RETURNING.
    pub fn delete_returning(self) -> bool {
        self != Dialect::Mysql
    }

    /// The most parameters of one statement.
    pub fn max_params(self) -> usize {
        match self {
            Dialect::Postgres | Dialect::Mysql | Dialect::Mariadb => 65_535,
            Dialect::Sqlite => 32_766,
        }
    }

    /// Writes the mark of the parameter of this number, counted from 1.
    pub fn put_mark(self, number: usize, text: &mut String) {
        match self {
            Dialect::Postgres => text.push_str(&format!("${number}")),
            Dialect::Mysql | Dialect::Mariadb | Dialect::Sqlite => text.push('?'),
        }
    }

    /// How the keys of many parents travel to the statement that reads their children.
    pub fn key_list(self) -> KeyList {
        match self {
            Dialect::Postgres => KeyList::Array,
            Dialect::Sqlite => KeyList::Json,
            Dialect::Mysql | Dialect::Mariadb => KeyList::Padded { most: crate::MOST_MARKS },
        }
    }

    /// Whether a query reads rows for each member of a list (LATERAL, and lists as sources).
    pub fn reads_for_each(self) -> bool {
        self == Dialect::Postgres
    }

    /// What many new rows travel fastest by.
    pub fn bulk(self) -> Bulk {
        match self {
            Dialect::Postgres => Bulk::Arrays,
            Dialect::Sqlite => Bulk::Loop,
            Dialect::Mysql | Dialect::Mariadb => Bulk::Lists,
        }
    }

    /// Whether there are array types.
    pub fn arrays(self) -> bool {
        self == Dialect::Postgres
    }

    /// Whether a truth value is one of its own type; elsewhere a plain row shows 1 and 0.
    pub fn booleans(self) -> bool {
        self == Dialect::Postgres
    }

    /// Whether DDL is part of transactions.
    pub fn transactional_ddl(self) -> bool {
        !self.is_mysql()
    }

    /// Whether DEFAULT stands in VALUES.
    pub fn default_keyword(self) -> bool {
        self != Dialect::Sqlite
    }

    /// Whether many statements and their answers travel in one round trip.
    pub fn flushes(self) -> bool {
        self == Dialect::Postgres
    }

    /// Whether statements that are made from the rows of others reach the database together with those, because it lives in the program.
    pub fn chains(self) -> bool {
        self == Dialect::Sqlite
    }

    /// Where NULL stands in an order that says nothing of it: on PostgreSQL as the largest value, elsewhere as the smallest.
    pub fn nulls(self, direction: SortDirection) -> Nulls {
        if (self == Dialect::Postgres) == (direction == SortDirection::Ascending) { Nulls::Last } else { Nulls::First }
    }

    /// Whether there are row locks.
    pub fn row_locks(self) -> bool {
        self != Dialect::Sqlite
    }

    /// Whether a primary key of one integer is the number of the row, which the database gives where none is given.
    pub fn numbers_rows_by(self, key: &[sequor_core::Name], ty: &str) -> bool {
        self == Dialect::Sqlite && key.len() == 1 && ty == "INTEGER"
    }

    /// Whether the direction of an index's part is told where indexes are shown.
    pub fn tells_directions(self) -> bool {
        self == Dialect::Postgres
    }

    /// Whether a full-text index is a table of its own, which finds rows by their number.
    pub fn indexes_texts_apart(self) -> bool {
        self == Dialect::Sqlite
    }

    /// Whether there are partial indexes.
    pub fn partial_indexes(self) -> bool {
        !self.is_mysql()
    }

    /// Switches the checks of foreign keys off and on for a script that drops tables in any order, where no order and no CASCADE would do.
    pub fn unchecked_drops(self) -> Option<(&'static str, &'static str)> {
        self.is_mysql().then_some(("SET FOREIGN_KEY_CHECKS = 0", "SET FOREIGN_KEY_CHECKS = 1"))
    }

    /// The delimiter of names.
    pub(crate) fn quote(self) -> char {
        if self.is_mysql() { '`' } else { '"' }
    }
}
