//! What a description knows by its text alone: extensions, sequences, domains, functions, triggers.

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
                if !what.text.is_empty() {
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
            (OpaqueKind::Function, Dialect::Postgres) => {
                if is_sql(&what.text) {
                    // Its tables may be made by what follows.
                    self.sql.push("SET LOCAL check_function_bodies = off");
                    self.end();
                }
                self.sql.push(what.text.trim_end().trim_end_matches(';'));
            }
            (OpaqueKind::Function, Dialect::Mysql | Dialect::Mariadb) => self.mysql_function(what)?,
            (OpaqueKind::Trigger, Dialect::Postgres | Dialect::Sqlite) => self.sql.push(what.text.trim_end_matches(';')),
            (OpaqueKind::Trigger, Dialect::Mysql | Dialect::Mariadb) => self.mysql_trigger(what)?,
            (
                OpaqueKind::Extension | OpaqueKind::Sequence | OpaqueKind::Domain | OpaqueKind::Partition | OpaqueKind::Constraint,
                Dialect::Mysql | Dialect::Mariadb | Dialect::Sqlite,
            )
            | (OpaqueKind::Function, Dialect::Sqlite) => return Ok(()),
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
        self.mysql_body(body);
        Ok(())
    }

    /// The catalog tells `FUNCTION (a int) RETURNS int ..` and the body. MySQL writes none over another.
    fn mysql_function(&mut self, what: &OpaqueDef) -> Result<()> {
        let (kind, rest) = what.text.split_once(' ').unwrap_or(("FUNCTION", &what.text));
        self.drop_other(what)?;
        self.sql.push(&format!("CREATE {kind} "));
        self.sql.name(&what.name)?;
        self.sql.push(" ");
        let (head, body) = rest.split_once('\n').unwrap_or((rest, ""));
        self.sql.push(&format!("{head}\n"));
        self.mysql_body(body);
        Ok(())
    }

    /// A body that does not begin with BEGIN and is more than one statement gets one, so that a script is cut behind it.
    fn mysql_body(&mut self, body: &str) {
        let body = body.trim().trim_end_matches(';');
        let whole = !body.contains(';') || body.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("begin"));
        self.sql.push(&if whole { body.to_owned() } else { format!("BEGIN {body}; END") });
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
            (OpaqueKind::Function, Dialect::Mysql | Dialect::Mariadb) => {
                let (kind, _) = what.text.split_once(' ').unwrap_or(("FUNCTION", ""));
                self.sql.push(&format!("DROP {kind} IF EXISTS "));
            }
            (OpaqueKind::Function, Dialect::Postgres) => {
                let kind = if what.text.starts_with("CREATE OR REPLACE PROCEDURE") { "PROCEDURE" } else { "FUNCTION" };
                let (name, takes) = what.name.split_once('(').unwrap_or((&what.name, ")"));
                self.sql.push(&format!("DROP {kind} IF EXISTS "));
                self.sql.name(name)?;
                self.sql.push(&format!("({takes}"));
                self.end();
                return Ok(());
            }
            (OpaqueKind::Trigger, _) => self.sql.push("DROP TRIGGER IF EXISTS "),
            (
                OpaqueKind::Extension
                | OpaqueKind::Sequence
                | OpaqueKind::Domain
                | OpaqueKind::Partition
                | OpaqueKind::Constraint
                | OpaqueKind::Function,
                _,
            ) => return Ok(()),
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

/// Whether a function is written in SQL, whose body is looked at when it is made.
fn is_sql(text: &str) -> bool {
    let head = text.split("\nAS ").next().unwrap_or_default();
    head.lines().any(|line| line.trim_start().to_ascii_uppercase().starts_with("LANGUAGE SQL"))
}
