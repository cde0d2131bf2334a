//! What a description knows by its text alone: extensions, sequences, domains, triggers.

use super::DdlWriter;
use crate::Dialect;
use sequor_core::error::Result;
use sequor_core::schema::{OpaqueDef, OpaqueKind, TableName};

impl DdlWriter {
    /// Makes it. A database that has no such thing has nothing to do.
    pub(super) fn create_other(&mut self, what: &OpaqueDef) -> Result<()> {
        match (what.kind, self.dialect) {
            (OpaqueKind::Extension, Dialect::Postgres) => {
                self.sql.push("CREATE EXTENSION IF NOT EXISTS ");
                self.sql.name(&what.name)?;
            }
            (OpaqueKind::Sequence, Dialect::Postgres | Dialect::Mariadb) => {
                self.sql.push("CREATE SEQUENCE ");
                self.sql.name(&what.name)?;
                if self.dialect == Dialect::Postgres && !what.text.is_empty() {
                    self.sql.push(&format!(" {}", what.text));
                }
            }
            (OpaqueKind::Partition, Dialect::Postgres) => {
                self.sql.push("CREATE TABLE ");
                self.sql.name(&what.name)?;
                self.sql.push(" PARTITION OF ");
                self.table_of(what)?;
                self.sql.push(&format!(" {}", what.text));
            }
            (OpaqueKind::Constraint, Dialect::Postgres) => {
                self.sql.push("ALTER TABLE ");
                self.table_of(what)?;
                self.sql.push(" ADD CONSTRAINT ");
                self.sql.name(&what.name)?;
                self.sql.push(&format!(" {}", what.text));
            }
            (OpaqueKind::Domain, Dialect::Postgres) => {
                self.sql.push("CREATE DOMAIN ");
                self.sql.name(&what.name)?;
                self.sql.push(&format!(" AS {}", what.text));
            }
            (OpaqueKind::Trigger, Dialect::Postgres | Dialect::Sqlite) => self.sql.push(what.text.trim_end_matches(';')),
            (OpaqueKind::Trigger, Dialect::Mysql | Dialect::Mariadb) => self.mysql_trigger(what)?,
            (
                OpaqueKind::Extension | OpaqueKind::Sequence | OpaqueKind::Domain | OpaqueKind::Partition | OpaqueKind::Constraint,
                Dialect::Mysql | Dialect::Mariadb | Dialect::Sqlite,
            ) => return Ok(()),
        }
        self.end();
        Ok(())
    }

    /// The server tells `BEFORE INSERT SET ..`: when, what for, and the body.
    fn mysql_trigger(&mut self, what: &OpaqueDef) -> Result<()> {
        let mut words = what.text.splitn(3, ' ');
        let (time, event, body) = (words.next().unwrap_or_default(), words.next().unwrap_or_default(), words.next().unwrap_or_default());
        self.sql.push("CREATE TRIGGER ");
        self.sql.name(&what.name)?;
        self.sql.push(&format!(" {time} {event} ON "));
        self.table_of(what)?;
        self.sql.push(" FOR EACH ROW ");
        self.sql.push(body);
        Ok(())
    }

    /// Removes it. An extension stays: it may serve others.
    pub(super) fn drop_other(&mut self, what: &OpaqueDef) -> Result<()> {
        match (what.kind, self.dialect) {
            (OpaqueKind::Sequence, Dialect::Postgres | Dialect::Mariadb) => self.sql.push("DROP SEQUENCE IF EXISTS "),
            (OpaqueKind::Domain, Dialect::Postgres) => self.sql.push("DROP DOMAIN IF EXISTS "),
            (OpaqueKind::Partition, Dialect::Postgres) => self.sql.push("DROP TABLE IF EXISTS "),
            (OpaqueKind::Constraint, Dialect::Postgres) => {
                self.sql.push("ALTER TABLE ");
                self.table_of(what)?;
                self.sql.push(" DROP CONSTRAINT IF EXISTS ");
            }
            (OpaqueKind::Trigger, _) => self.sql.push("DROP TRIGGER IF EXISTS "),
            (OpaqueKind::Extension | OpaqueKind::Sequence | OpaqueKind::Domain | OpaqueKind::Partition | OpaqueKind::Constraint, _) => {
                return Ok(());
            }
        }
        self.sql.name(&what.name)?;
        if what.kind == OpaqueKind::Trigger && self.dialect == Dialect::Postgres {
            self.sql.push(" ON ");
            self.table_of(what)?;
        }
        self.end();
        Ok(())
    }

    fn table_of(&mut self, what: &OpaqueDef) -> Result<()> {
        let table = what.table.clone().unwrap_or_default();
        self.sql.table(&TableName { schema: None, name: table })
    }
}
