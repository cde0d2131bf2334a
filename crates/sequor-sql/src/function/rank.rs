//! What stands in an order that the database does not have by itself.

use crate::Dialect;
use crate::writer::SqlWriter;
use sequor_core::error::{Error, Result};
use sequor_core::statement::{Expr, Ranking};
use sequor_core::types::{BindType, ScalarType};
use sequor_core::{Name, Value};

fn only(args: &[Expr]) -> Result<&Expr> {
    args.first().ok_or_else(|| Error::bug("a mark without its expression"))
}

impl SqlWriter {
    /// Something that stands in the order of the values. PostgreSQL has the order of enums, MySQL sorts
    /// by it and compares texts, SQLite knows texts only; UUIDs and bytes are compared by all, and PostgreSQL lacks their smallest.
    pub(super) fn ranked(&mut self, ranking: &Ranking, args: &[Expr]) -> Result<()> {
        let value = only(args)?;
        match (ranking, self.dialect) {
            (Ranking::Labels(labels), Dialect::Mysql | Dialect::Mariadb) => self.by_label(value, labels, |writer, label, place| {
                writer.label(label);
                writer.push(" THEN ");
                writer.number(place);
            }),
            (Ranking::Uuid, Dialect::Postgres) => self.wrapped_in("(", value, "::text COLLATE \"C\")"),
            (Ranking::Bytes, Dialect::Postgres) => self.wrapped_in("(encode(", value, ", 'hex') COLLATE \"C\")"),
            _ => self.nested(value),
        }
    }

    /// The value again.
    pub(super) fn unranked(&mut self, ranking: &Ranking, args: &[Expr]) -> Result<()> {
        let value = only(args)?;
        match (ranking, self.dialect) {
            (Ranking::Labels(labels), Dialect::Mysql | Dialect::Mariadb) => self.by_label(value, labels, |writer, label, place| {
                writer.number(place);
                writer.push(" THEN ");
                writer.label(label);
            }),
            (Ranking::Uuid, Dialect::Postgres) => self.wrapped_in("(", value, ")::uuid"),
            (Ranking::Bytes, Dialect::Postgres) => self.wrapped_in("decode(", value, ", 'hex')"),
            _ => self.nested(value),
        }
    }

    /// A CASE with an arm for each label and its place.
    fn by_label(&mut self, value: &Expr, labels: &[Name], arm: fn(&mut SqlWriter, &Name, u64)) -> Result<()> {
        self.push("CASE ");
        self.nested(value)?;
        for (place, label) in labels.iter().enumerate() {
            self.push(" WHEN ");
            arm(self, label, u64::try_from(place).unwrap_or(u64::MAX));
        }
        self.push(" END");
        Ok(())
    }

    fn label(&mut self, label: &Name) {
        self.bind(Value::Text(label.to_string()), BindType::one(ScalarType::Text));
    }

    fn wrapped_in(&mut self, before: &str, value: &Expr, after: &str) -> Result<()> {
        self.push(before);
        self.nested(value)?;
        self.push(after);
        Ok(())
    }
}
