//! JSON paths: the same meaning on every database, keys bound and never copied. A key asks objects alone, a place lists alone.

mod compare;
mod mysql;
mod postgres;
mod sqlite;

use crate::Dialect;
use crate::writer::SqlWriter;
use sequor_core::Value;
use sequor_core::error::Result;
use sequor_core::statement::{Expr, JsonAs, JsonSegment};
use sequor_core::types::{BindType, ScalarType};

const TEXT: BindType = BindType::one(ScalarType::Text);

/// A calendar date, perhaps a time of day, perhaps a distance from UTC: what every database reads as the same instant. For regular expressions.
const INSTANT: &str = "^(?!0000)([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))\
    |([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)\
    ([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?(Z| ?[+-](0[0-9]|1[0-4]):?[0-5][0-9])?)?$";

/// The path as SQL/JSON spells it: `$."a"[0]`.
fn path_text(path: &[JsonSegment]) -> String {
    let mut text = String::from("$");
    for segment in path {
        match segment {
            JsonSegment::Index(place) => {
                text.push('[');
                text.push_str(&place.to_string());
                text.push(']');
            }
            JsonSegment::Key(key) => {
                text.push('.');
                text.push_str(&serde_json::Value::String(key.to_string()).to_string());
            }
        }
    }
    text
}

impl SqlWriter {
    pub(crate) fn json(&mut self, expr: &Expr, path: &[JsonSegment], take: JsonAs) -> Result<()> {
        match self.dialect {
            Dialect::Postgres => self.json_postgres(expr, path, take),
            Dialect::Mysql | Dialect::Mariadb => self.json_mysql(expr, path, take),
            Dialect::Sqlite => self.json_sqlite(expr, path, take),
        }
    }

    /// `function(document, path)`.
    fn extract(&mut self, function: &str, expr: &Expr, path: &[JsonSegment]) -> Result<()> {
        self.push(function);
        self.push("(");
        self.expr(expr)?;
        self.push(", ");
        self.bind(Value::Text(path_text(path)), TEXT);
        self.push(")");
        Ok(())
    }

    /// A document with a path set, or without it. Whoever asks has seen to it that what the path leads through is there.
    pub(crate) fn json_set(&mut self, expr: &Expr, path: &[JsonSegment], value: Option<&Expr>) -> Result<()> {
        let Some(value) = value else {
            return match self.dialect {
                Dialect::Postgres => self.json_remove_postgres(expr, path),
                Dialect::Mysql => self.mysql_remove(expr, path),
                Dialect::Mariadb => self.extract("JSON_REMOVE", expr, path),
                Dialect::Sqlite => self.extract("json_remove", expr, path),
            };
        };
        if self.dialect == Dialect::Postgres {
            return self.json_set_postgres(expr, path, value);
        }
        self.push(if self.dialect == Dialect::Sqlite { "json_set(" } else { "JSON_SET(" });
        self.expr(expr)?;
        self.push(", ");
        self.bind(Value::Text(path_text(path)), TEXT);
        self.push(if self.dialect == Dialect::Sqlite { ", json(" } else { ", JSON_EXTRACT(" });
        self.expr(value)?;
        self.push(if self.dialect == Dialect::Sqlite { "))" } else { ", '$'))" });
        Ok(())
    }
}
