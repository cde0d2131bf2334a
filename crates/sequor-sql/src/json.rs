//! JSON paths: the same meaning on every database, keys bound and never copied.

use crate::Dialect;
use crate::writer::SqlWriter;
use sequor_core::Value;
use sequor_core::error::Result;
use sequor_core::statement::{Expr, JsonAs, JsonSegment};
use sequor_core::types::{BindType, ScalarType};

const TEXT: BindType = BindType::one(ScalarType::Text);

/// The path as SQL/JSON spells it: `$."a"[0]`.
fn path_text(path: &[JsonSegment]) -> String {
    let mut text = String::from("$");
    for segment in path {
        match segment {
            JsonSegment::Index(index) => {
                text.push('[');
                text.push_str(&index.to_string());
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

    /// `(doc #> $1)` with the path as a bound text[].
    fn postgres_path(&mut self, expr: &Expr, path: &[JsonSegment], text: bool) -> Result<()> {
        self.push("(");
        self.nested(expr)?;
        self.push(if text { "::jsonb #>> " } else { "::jsonb #> " });
        let keys = path.iter().map(|segment| match segment {
            JsonSegment::Key(key) => Value::Text(key.to_string()),
            JsonSegment::Index(index) => Value::Text(index.to_string()),
        });
        self.bind(Value::Array(keys.collect()), BindType::list(ScalarType::Text));
        self.push(")");
        Ok(())
    }

    fn json_postgres(&mut self, expr: &Expr, path: &[JsonSegment], take: JsonAs) -> Result<()> {
        let guarded = |writer: &mut SqlWriter, kind: &str, cast: &str| -> Result<()> {
            writer.push("(CASE WHEN jsonb_typeof(");
            writer.postgres_path(expr, path, false)?;
            writer.push(") = '");
            writer.push(kind);
            writer.push("' THEN ");
            writer.postgres_path(expr, path, true)?;
            writer.push(cast);
            writer.push(" END)");
            Ok(())
        };
        match take {
            JsonAs::Json => self.postgres_path(expr, path, false),
            JsonAs::Loose => self.json_postgres(expr, path, JsonAs::Text),
            JsonAs::Text if path.is_empty() => {
                self.nested(expr)?;
                self.push("::text");
                Ok(())
            }
            JsonAs::Text => self.postgres_path(expr, path, true),
            JsonAs::Number => guarded(self, "number", "::float8"),
            JsonAs::Boolean => guarded(self, "boolean", "::boolean"),
            JsonAs::DateTime => guarded(self, "string", "::timestamptz"),
            JsonAs::Exists => {
                self.postgres_path(expr, path, false)?;
                self.push(" IS NOT NULL");
                Ok(())
            }
            JsonAs::Kind => {
                self.push("jsonb_typeof(");
                self.postgres_path(expr, path, false)?;
                self.push(")");
                Ok(())
            }
            JsonAs::Length => {
                self.push("(CASE jsonb_typeof(");
                self.postgres_path(expr, path, false)?;
                self.push(") WHEN 'array' THEN jsonb_array_length(");
                self.postgres_path(expr, path, false)?;
                self.push(") WHEN 'object' THEN (SELECT count(*) FROM jsonb_object_keys(");
                self.postgres_path(expr, path, false)?;
                self.push("))::int END)");
                Ok(())
            }
        }
    }

    fn extract(&mut self, function: &str, expr: &Expr, path: &[JsonSegment]) -> Result<()> {
        self.push(function);
        self.push("(");
        self.expr(expr)?;
        self.push(", ");
        self.bind(Value::Text(path_text(path)), TEXT);
        self.push(")");
        Ok(())
    }

    fn json_mysql(&mut self, expr: &Expr, path: &[JsonSegment], take: JsonAs) -> Result<()> {
        let typed = |writer: &mut SqlWriter, kinds: &str| -> Result<()> {
            writer.push("(CASE WHEN JSON_TYPE(");
            writer.extract("JSON_EXTRACT", expr, path)?;
            writer.push(") IN (");
            writer.push(kinds);
            writer.push(") THEN ");
            Ok(())
        };
        match take {
            JsonAs::Json => self.extract("JSON_EXTRACT", expr, path),
            JsonAs::Loose => self.json_mysql(expr, path, JsonAs::Text),
            JsonAs::Text if path.is_empty() => {
                self.push("CAST(");
                self.expr(expr)?;
                self.push(" AS CHAR)");
                Ok(())
            }
            JsonAs::Text => {
                // JSON null is NULL, as on the others; JSON_UNQUOTE would give the text 'null'.
                self.push("(CASE WHEN JSON_TYPE(");
                self.extract("JSON_EXTRACT", expr, path)?;
                self.push(") <> 'NULL' THEN JSON_UNQUOTE(");
                self.extract("JSON_EXTRACT", expr, path)?;
                self.push(") END)");
                Ok(())
            }
            JsonAs::Number => {
                typed(self, "'INTEGER', 'DOUBLE', 'DECIMAL', 'UNSIGNED INTEGER'")?;
                self.extract("JSON_EXTRACT", expr, path)?;
                self.push(" + 0.0e0 END)");
                Ok(())
            }
            JsonAs::Boolean => {
                typed(self, "'BOOLEAN'")?;
                self.extract("JSON_EXTRACT", expr, path)?;
                self.push(" = 'true' END)");
                Ok(())
            }
            JsonAs::DateTime => {
                typed(self, "'STRING'")?;
                self.push("CAST(REPLACE(REPLACE(JSON_UNQUOTE(");
                self.extract("JSON_EXTRACT", expr, path)?;
                self.push("), 'T', ' '), 'Z', '') AS DATETIME(6)) END)");
                Ok(())
            }
            JsonAs::Exists => {
                self.push("JSON_CONTAINS_PATH(");
                self.expr(expr)?;
                self.push(", 'one', ");
                self.bind(Value::Text(path_text(path)), TEXT);
                self.push(") = 1");
                Ok(())
            }
            JsonAs::Length => {
                typed(self, "'ARRAY', 'OBJECT'")?;
                self.extract("JSON_LENGTH", expr, path)?;
                self.push(" END)");
                Ok(())
            }
            JsonAs::Kind => {
                self.push("(CASE WHEN JSON_TYPE(");
                self.extract("JSON_EXTRACT", expr, path)?;
                self.push(") IN ('INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', 'DECIMAL') THEN 'number' ELSE LOWER(JSON_TYPE(");
                self.extract("JSON_EXTRACT", expr, path)?;
                self.push(")) END)");
                Ok(())
            }
        }
    }

    fn json_sqlite(&mut self, expr: &Expr, path: &[JsonSegment], take: JsonAs) -> Result<()> {
        let typed = |writer: &mut SqlWriter, kinds: &str| -> Result<()> {
            writer.push("(CASE WHEN ");
            writer.extract("json_type", expr, path)?;
            writer.push(" IN (");
            writer.push(kinds);
            writer.push(") THEN ");
            writer.extract("json_extract", expr, path)?;
            writer.push(" END)");
            Ok(())
        };
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
            JsonAs::Number => typed(self, "'integer', 'real'"),
            JsonAs::Boolean => typed(self, "'true', 'false'"),
            JsonAs::DateTime => {
                self.push("strftime('%Y-%m-%d %H:%M:%f000+00:00', ");
                typed(self, "'text'")?;
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
                self.push(" WHEN 'object' THEN (SELECT count(*) FROM json_each(");
                self.expr(expr)?;
                self.push(", ");
                self.bind(Value::Text(path_text(path)), TEXT);
                self.push(")) END)");
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

    pub(crate) fn json_set(&mut self, expr: &Expr, path: &[JsonSegment], value: Option<&Expr>) -> Result<()> {
        let Some(value) = value else {
            return match self.dialect {
                Dialect::Postgres => {
                    self.push("(");
                    self.nested(expr)?;
                    self.push(" #- ");
                    let keys = path.iter().map(|segment| match segment {
                        JsonSegment::Key(key) => Value::Text(key.to_string()),
                        JsonSegment::Index(index) => Value::Text(index.to_string()),
                    });
                    self.bind(Value::Array(keys.collect()), BindType::list(ScalarType::Text));
                    self.push(")");
                    Ok(())
                }
                Dialect::Mysql | Dialect::Mariadb => self.extract("JSON_REMOVE", expr, path),
                Dialect::Sqlite => self.extract("json_remove", expr, path),
            };
        };
        self.push(match self.dialect {
            Dialect::Postgres => "jsonb_set(",
            Dialect::Mysql | Dialect::Mariadb => "JSON_SET(",
            Dialect::Sqlite => "json_set(",
        });
        self.expr(expr)?;
        self.push(", ");
        if self.dialect == Dialect::Postgres {
            let keys = path.iter().map(|segment| match segment {
                JsonSegment::Key(key) => Value::Text(key.to_string()),
                JsonSegment::Index(index) => Value::Text(index.to_string()),
            });
            self.bind(Value::Array(keys.collect()), BindType::list(ScalarType::Text));
            self.push(", ");
            self.cast_value(value)?;
            self.push(", true)");
            return Ok(());
        }
        self.bind(Value::Text(path_text(path)), TEXT);
        self.push(match self.dialect {
            Dialect::Sqlite => ", json(",
            Dialect::Postgres | Dialect::Mysql | Dialect::Mariadb => ", JSON_EXTRACT(",
        });
        self.expr(value)?;
        self.push(if self.dialect == Dialect::Sqlite { "))" } else { ", '$'))" });
        Ok(())
    }
}
