//! [`History`]: the texts of the table `sequor_migrations`, of Sequelize's `SequelizeMeta`, and of the lock.

use crate::writer::SqlWriter;
use crate::{Dialect, Sql};
use sequor_core::error::Result;
use sequor_core::schema::{TableColumn, TableDef, TableName};
use sequor_core::statement::Ddl;
use sequor_core::types::{BindType, ColumnType, ScalarType};
use sequor_core::{Name, Value};

/// The columns of an [`Entry`], in the order of [`History::entries`].
pub const HISTORY_COLUMNS: [&str; 8] = ["name", "checksum", "state", "started", "done", "done_checksum", "message", "applied_at"];
/// The key of PostgreSQL's advisory lock.
const LOCK: i64 = 0x5345_5155_4f52_4d49;

/// What the history knows about one migration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The migration's name.
    pub name: String,
    /// The checksum of its `up.sql` when it ran.
    pub checksum: String,
    /// `applied`, `up` or `down` (on its way, statement by statement).
    pub state: String,
    /// The last statement that was begun.
    pub started: i64,
    /// The last statement that is known to be done.
    pub done: i64,
    /// The checksum of the statements that are done.
    pub done_checksum: String,
    /// What the database said about the statement that failed.
    pub message: String,
    /// When it was applied, and how many milliseconds it took, as text.
    pub applied_at: String,
}

/// Writes the statements of a migrator for one dialect.
#[derive(Clone, Copy, Debug)]
pub struct History {
    dialect: Dialect,
}

impl History {
    /// For this dialect.
    pub fn new(dialect: Dialect) -> History {
        History { dialect }
    }

    /// Makes the table.
    ///
    /// # Errors
    /// None but bugs.
    pub fn create(self) -> Result<Vec<String>> {
        let column = |name: &'static str, ty: ColumnType| TableColumn { nullable: false, ..TableColumn::new(name, ty) };
        let columns = HISTORY_COLUMNS.map(|name| {
            column(
                name,
                match name {
                    "name" => ColumnType::VarChar(255),
                    "started" | "done" => ColumnType::I64,
                    "message" => ColumnType::Text,
                    _ => ColumnType::VarChar(80),
                },
            )
        });
        let table = TableDef { columns: columns.into(), primary_key: vec![Name::Borrowed("name")], ..TableDef::new(table()) };
        crate::render_ddl(&Ddl::CreateTable { table: Box::new(table), if_not_exists: true }, self.dialect)
    }

    /// Which of the two tables are there: one row each with its name.
    pub fn tables(self) -> Sql {
        let text = match self.dialect {
            Dialect::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('sequor_migrations', 'SequelizeMeta')",
            Dialect::Postgres => {
                "SELECT c.relname::text FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p') AND c.relname IN ('sequor_migrations', 'SequelizeMeta') AND pg_catalog.pg_table_is_visible(c.oid)"
            }
            // Names of tables are stored in lower case on some servers.
            Dialect::Mysql | Dialect::Mariadb => {
                "SELECT CASE WHEN lower(table_name) = 'sequelizemeta' THEN 'SequelizeMeta' ELSE 'sequor_migrations' END FROM information_schema.tables WHERE table_schema = DATABASE() AND lower(table_name) IN ('sequor_migrations', 'sequelizemeta')"
            }
        };
        Sql { text: text.to_owned(), params: Vec::new() }
    }

    /// Reads all entries, by name.
    ///
    /// # Errors
    /// None but bugs.
    pub fn entries(self) -> Result<Sql> {
        let mut sql = SqlWriter::new(self.dialect);
        sql.push("SELECT ");
        sql.list(HISTORY_COLUMNS, |sql, name| sql.name(name))?;
        sql.push(" FROM ");
        sql.table(&table())?;
        sql.push(" ORDER BY ");
        sql.name("name")?;
        Ok(sql.finish())
    }

    /// Forgets a migration.
    ///
    /// # Errors
    /// None but bugs.
    pub fn delete(self, name: &str) -> Result<Sql> {
        let mut sql = SqlWriter::new(self.dialect);
        sql.push("DELETE FROM ");
        sql.table(&table())?;
        sql.push(" WHERE ");
        sql.name("name")?;
        sql.push(" = ");
        text(&mut sql, name);
        Ok(sql.finish())
    }

    /// Writes down a new entry.
    ///
    /// # Errors
    /// None but bugs.
    pub fn insert(self, entry: &Entry) -> Result<Sql> {
        let mut sql = SqlWriter::new(self.dialect);
        sql.push("INSERT INTO ");
        sql.table(&table())?;
        sql.push(" (");
        sql.list(HISTORY_COLUMNS, |sql, name| sql.name(name))?;
        sql.push(") VALUES (");
        sql.list(values(entry), |sql, (value, ty)| {
            sql.bind(value, BindType::one(ty));
            Ok(())
        })?;
        sql.push(")");
        Ok(sql.finish())
    }

    /// Brings an entry up to date.
    ///
    /// # Errors
    /// None but bugs.
    pub fn update(self, entry: &Entry) -> Result<Sql> {
        let mut sql = SqlWriter::new(self.dialect);
        sql.push("UPDATE ");
        sql.table(&table())?;
        sql.push(" SET ");
        let changes = HISTORY_COLUMNS.into_iter().zip(values(entry)).skip(1);
        sql.list(changes, |sql, (name, (value, ty))| {
            sql.name(name)?;
            sql.push(" = ");
            sql.bind(value, BindType::one(ty));
            Ok(())
        })?;
        sql.push(" WHERE ");
        sql.name("name")?;
        sql.push(" = ");
        text(&mut sql, &entry.name);
        Ok(sql.finish())
    }

    /// Reads Sequelize's history.
    ///
    /// # Errors
    /// None but bugs.
    pub fn sequelize(self) -> Result<Sql> {
        let mut sql = SqlWriter::new(self.dialect);
        sql.push("SELECT ");
        sql.name("name")?;
        sql.push(" FROM ");
        sql.name("SequelizeMeta")?;
        sql.push(" ORDER BY ");
        sql.name("name")?;
        Ok(sql.finish())
    }

    /// Writes a name into Sequelize's history, or removes it.
    ///
    /// # Errors
    /// None but bugs.
    pub fn tell_sequelize(self, name: &str, applied: bool) -> Result<Sql> {
        let mut sql = SqlWriter::new(self.dialect);
        sql.push(if applied { "INSERT INTO " } else { "DELETE FROM " });
        sql.name("SequelizeMeta")?;
        sql.push(if applied { " (" } else { " WHERE " });
        sql.name("name")?;
        sql.push(if applied { ") VALUES (" } else { " = " });
        text(&mut sql, name);
        sql.push(if applied { ")" } else { "" });
        Ok(sql.finish())
    }

    /// Asks for the lock: one row, true or 1 when it was given. `None` where the write lock of each transaction does.
    ///
    /// A statement that waits would hold a snapshot on PostgreSQL, for which `CREATE INDEX CONCURRENTLY` of the holder waits in turn; so it never waits.
    pub fn lock(self) -> Option<Sql> {
        let text = match self.dialect {
            Dialect::Postgres => format!("SELECT pg_catalog.pg_try_advisory_lock({LOCK})"),
            Dialect::Mysql | Dialect::Mariadb => "SELECT GET_LOCK(CONCAT('sequor:', LEFT(SHA2(DATABASE(), 256), 32)), 0) = 1".to_owned(),
            Dialect::Sqlite => return None,
        };
        Some(Sql { text, params: Vec::new() })
    }

    /// Asks whether the lock is still held by this session.
    pub fn holds_lock(self) -> Option<Sql> {
        let text = match self.dialect {
            Dialect::Postgres => format!(
                "SELECT count(1) = 1 FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_catalog.pg_backend_pid() AND classid = {} AND objid = {}",
                LOCK >> 32,
                LOCK & 0xffff_ffff
            ),
            Dialect::Mysql | Dialect::Mariadb => {
                "SELECT IS_USED_LOCK(CONCAT('sequor:', LEFT(SHA2(DATABASE(), 256), 32))) = CONNECTION_ID()".to_owned()
            }
            Dialect::Sqlite => return None,
        };
        Some(Sql { text, params: Vec::new() })
    }

    /// Reads everything that changes of tables change, a line each, in no order; `None` where such changes are part of a transaction.
    pub fn all_tables(self) -> Option<Sql> {
        const TEXT: &str = "SELECT CONCAT_WS(' ', 't', table_name, table_type, engine, table_collation, create_options, table_comment) \
            FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name <> 'sequor_migrations' \
            UNION ALL SELECT CONCAT_WS(' ', 'c', table_name, ordinal_position, column_name, column_type, is_nullable, \
            COALESCE(column_default, '-'), collation_name, extra, column_comment, generation_expression) \
            FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name <> 'sequor_migrations' \
            UNION ALL SELECT CONCAT_WS(' ', 'i', table_name, index_name, seq_in_index, column_name, non_unique, sub_part, collation, index_type, \
            index_comment) FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name <> 'sequor_migrations' \
            UNION ALL SELECT CONCAT_WS(' ', 'k', table_name, constraint_name, constraint_type) \
            FROM information_schema.table_constraints WHERE constraint_schema = DATABASE() \
            UNION ALL SELECT CONCAT_WS(' ', 'f', table_name, constraint_name, referenced_table_name, delete_rule, update_rule) \
            FROM information_schema.referential_constraints WHERE constraint_schema = DATABASE() \
            UNION ALL SELECT CONCAT_WS(' ', 'h', constraint_name, check_clause) \
            FROM information_schema.check_constraints WHERE constraint_schema = DATABASE() \
            UNION ALL SELECT CONCAT_WS(' ', 'g', trigger_name, event_object_table, event_manipulation, action_timing, action_statement) \
            FROM information_schema.triggers WHERE trigger_schema = DATABASE() \
            UNION ALL SELECT CONCAT_WS(' ', 'r', routine_name, routine_type, routine_definition) \
            FROM information_schema.routines WHERE routine_schema = DATABASE() \
            UNION ALL SELECT CONCAT_WS(' ', 'v', table_name, view_definition) FROM information_schema.views WHERE table_schema = DATABASE()";
        (!self.dialect.transactional_ddl()).then(|| Sql { text: TEXT.to_owned(), params: Vec::new() })
    }

    /// Counts the other sessions that are at this statement; `None` where a statement ends with its session.
    pub fn still_running(self, statement: &str) -> Option<Sql> {
        if self.dialect.transactional_ddl() {
            return None;
        }
        let mut sql = SqlWriter::new(self.dialect);
        sql.push("SELECT count(1) FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND db = DATABASE() AND info = ");
        text(&mut sql, statement);
        Some(sql.finish())
    }

    /// Switches the session's checks of foreign keys, where a table is changed by making it anew: with them, dropping it would delete its children.
    pub fn foreign_keys(self, checked: bool) -> Option<&'static str> {
        (self.dialect == Dialect::Sqlite).then_some(if checked { "PRAGMA foreign_keys = ON" } else { "PRAGMA foreign_keys = OFF" })
    }

    /// Finds rows that point nowhere: one row each with the table's name.
    pub fn dangling(self) -> Option<&'static str> {
        (self.dialect == Dialect::Sqlite).then_some("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1")
    }

    /// Finds indexes that a concurrent build left behind, invalid.
    pub fn invalid_indexes(self) -> Option<&'static str> {
        (self.dialect == Dialect::Postgres).then_some(
            "SELECT c.relname::text FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisvalid AND pg_catalog.pg_table_is_visible(c.oid)",
        )
    }

    /// Drops such an index.
    ///
    /// # Errors
    /// `Usage` for a name with a NUL.
    pub fn drop_invalid_index(self, name: &str) -> Result<String> {
        let mut sql = SqlWriter::new(self.dialect);
        sql.push("DROP INDEX CONCURRENTLY IF EXISTS ");
        sql.name(name)?;
        Ok(sql.finish().text)
    }

    /// Sets how long a statement of the session waits for others' locks.
    pub fn lock_timeout(self, milliseconds: u64) -> Option<String> {
        let seconds = milliseconds.div_ceil(1000).max(1);
        match self.dialect {
            Dialect::Postgres => Some(format!("SET lock_timeout = {milliseconds}")),
            Dialect::Mysql | Dialect::Mariadb => {
                Some(format!("SET SESSION lock_wait_timeout = {seconds}, SESSION innodb_lock_wait_timeout = {seconds}"))
            }
            Dialect::Sqlite => None,
        }
    }

    /// The same for the transaction that is open; `None` where such a limit outlives it.
    pub fn lock_timeout_of_transaction(self, milliseconds: u64) -> Option<String> {
        (self.dialect == Dialect::Postgres).then(|| format!("SET LOCAL lock_timeout = {milliseconds}"))
    }
}

fn table() -> TableName {
    TableName::new("sequor_migrations")
}

fn text(sql: &mut SqlWriter, text: &str) {
    sql.bind(Value::from(text), BindType::one(ScalarType::Text));
}

fn values(entry: &Entry) -> [(Value, ScalarType); 8] {
    let text = |text: &String| (Value::from(text.as_str()), ScalarType::Text);
    [
        text(&entry.name),
        text(&entry.checksum),
        text(&entry.state),
        (Value::I64(entry.started), ScalarType::I64),
        (Value::I64(entry.done), ScalarType::I64),
        text(&entry.done_checksum),
        text(&entry.message),
        text(&entry.applied_at),
    ]
}
