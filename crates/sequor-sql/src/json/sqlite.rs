//! SQLite's JSON.

use super::{TEXT, path_text};
use crate::writer::SqlWriter;
use sequor_core::Value;
use sequor_core::error::Result;
use sequor_core::statement::{Expr, JsonAs, JsonSegment};

impl SqlWriter {
    /// The path's value, where it is of these kinds.
    fn sqlite_typed(&mut self, (expr, path): (&Expr, &[JsonSegment]), kinds: &str) -> Result<()> {
        self.push("(CASE WHEN ");
        self.extract("json_type", expr, path)?;
        self.push(" IN (");
        self.push(kinds);
        self.push(") THEN ");
        self.extract("json_extract", expr, path)?;
        self.push(" END)");
        Ok(())
    }

    pub(super) fn json_sqlite(&mut self, expr: &Expr, path: &[JsonSegment], take: JsonAs) -> Result<()> {
        match take {
            JsonAs::Json => {
                self.nested(expr)?;
                self.push(" -> ");
                self.bind(Value::Text(path_text(path)), TEXT);
                Ok(())
            }
            JsonAs::Text | JsonAs::Loose if path.is_empty() => {
                self.push("CAST(");
                self.expr(expr)?;
                self.push(" AS TEXT)");
                Ok(())
            }
            JsonAs::Loose => self.extract("json_extract", expr, path),
            JsonAs::Text => {
                // json_extract gives numbers and truth values as such; text is compared with text.
                self.push("(CASE ");
                self.extract("json_type", expr, path)?;
                self.push(" WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(");
                self.extract("json_extract", expr, path)?;
                self.push(" AS TEXT) END)");
                Ok(())
            }
            JsonAs::Number | JsonAs::Exact => self.sqlite_typed((expr, path), "'integer', 'real'"),
            JsonAs::Boolean => self.sqlite_typed((expr, path), "'true', 'false'"),
            JsonAs::DateTime => {
                // strftime knows no more than milliseconds.
                self.push("sequor_instant(");
                self.sqlite_typed((expr, path), "'text'")?;
                self.push(")");
                Ok(())
            }
            JsonAs::Exists => {
                self.extract("json_type", expr, path)?;
                self.push(" IS NOT NULL");
                Ok(())
            }
            JsonAs::Length => {
                self.push("(CASE ");
                self.extract("json_type", expr, path)?;
                self.push(" WHEN 'array' THEN ");
                self.extract("json_array_length", expr, path)?;
                self.push(" WHEN 'object' THEN (SELECT count(*) FROM ");
                self.extract("json_each", expr, path)?;
                self.push(") END)");
                Ok(())
            }
            JsonAs::Kind => {
                self.push("(CASE ");
                self.extract("json_type", expr, path)?;
                self.push(" WHEN 'text' THEN 'string' WHEN 'integer' THEN 'number' WHEN 'real' THEN 'number' WHEN 'true' THEN 'boolean' WHEN 'false' THEN 'boolean' ELSE ");
                self.extract("json_type", expr, path)?;
                self.push(" END)");
                Ok(())
            }
        }
    }
}
