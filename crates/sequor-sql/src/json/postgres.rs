//! PostgreSQL's JSON.

use super::{INSTANT, TEXT};
use crate::writer::SqlWriter;
use sequor_core::Value;
use sequor_core::error::Result;
use sequor_core::statement::{Expr, JsonAs, JsonSegment};
use sequor_core::types::{BindType, ScalarType};

impl SqlWriter {
    /// `(doc -> $1 ->> $2)`. A place is asked by a strict path: `->` takes a number of a scalar too, and `#>` a key of an object for it.
    fn postgres_path(&mut self, expr: &Expr, path: &[JsonSegment], text: bool) -> Result<()> {
        self.push("(");
        let mut steps: Vec<&[JsonSegment]> =
            path.chunk_by(|a, b| matches!((a, b), (JsonSegment::Index(_), JsonSegment::Index(_)))).collect();
        let last = steps.last().filter(|_| text).and_then(|step| step.first());
        let last = match last {
            Some(JsonSegment::Key(key)) => {
                steps.pop();
                Some(key)
            }
            Some(JsonSegment::Index(_)) | None => None,
        };
        self.postgres_steps(expr, &steps)?;
        match last {
            Some(key) => {
                self.push(" ->> ");
                self.bind(Value::Text(key.to_string()), TEXT);
                self.push("::text");
            }
            None if text => self.push(" #>> '{}'"),
            None => {}
        }
        self.push(")");
        Ok(())
    }

    fn postgres_steps(&mut self, expr: &Expr, steps: &[&[JsonSegment]]) -> Result<()> {
        let Some((last, before)) = steps.split_last() else {
            self.nested(expr)?;
            self.push("::jsonb");
            return Ok(());
        };
        if let [JsonSegment::Key(key)] = last {
            self.postgres_steps(expr, before)?;
            self.push(" -> ");
            self.bind(Value::Text(key.to_string()), TEXT);
            self.push("::text");
            return Ok(());
        }
        self.push("jsonb_path_query_first(");
        self.postgres_steps(expr, before)?;
        self.push(", 'strict $");
        for segment in *last {
            if let JsonSegment::Index(place) = segment {
                self.push("[");
                self.number(u64::from(*place));
                self.push("]");
            }
        }
        self.push("', '{}', true)");
        Ok(())
    }

    /// The path's text as a type, where the value is of this kind.
    fn postgres_guarded(&mut self, (expr, path): (&Expr, &[JsonSegment]), kind: &str, cast: &str) -> Result<()> {
        self.push("(CASE WHEN jsonb_typeof");
        self.postgres_path(expr, path, false)?;
        self.push(" = '");
        self.push(kind);
        self.push("' THEN ");
        self.postgres_path(expr, path, true)?;
        self.push(cast);
        self.push(" END)");
        Ok(())
    }

    pub(super) fn json_postgres(&mut self, expr: &Expr, path: &[JsonSegment], take: JsonAs) -> Result<()> {
        match take {
            JsonAs::Json => self.postgres_path(expr, path, false),
            JsonAs::Text | JsonAs::Loose if path.is_empty() => {
                self.nested(expr)?;
                self.push("::text");
                Ok(())
            }
            JsonAs::Text | JsonAs::Loose => self.postgres_path(expr, path, true),
            JsonAs::Number => self.postgres_guarded((expr, path), "number", "::float8"),
            JsonAs::Exact => self.postgres_guarded((expr, path), "number", "::numeric"),
            JsonAs::Boolean => self.postgres_guarded((expr, path), "boolean", "::boolean"),
            JsonAs::DateTime => {
                self.push("(CASE WHEN ");
                self.postgres_path(expr, path, true)?;
                self.push(" ~ '");
                self.push(INSTANT);
                self.push("' THEN ");
                self.postgres_path(expr, path, true)?;
                self.push("::timestamptz END)");
                Ok(())
            }
            JsonAs::Exists => {
                self.postgres_path(expr, path, false)?;
                self.push(" IS NOT NULL");
                Ok(())
            }
            JsonAs::Kind => {
                self.push("jsonb_typeof");
                self.postgres_path(expr, path, false)
            }
            JsonAs::Length => {
                self.push("(CASE jsonb_typeof");
                self.postgres_path(expr, path, false)?;
                self.push(" WHEN 'array' THEN jsonb_array_length");
                self.postgres_path(expr, path, false)?;
                self.push(" WHEN 'object' THEN (SELECT count(*) FROM jsonb_object_keys");
                self.postgres_path(expr, path, false)?;
                self.push(")::int END)");
                Ok(())
            }
        }
    }

    /// The path as `text[]`, bound.
    fn postgres_keys(&mut self, path: &[JsonSegment]) {
        let keys = path.iter().map(|segment| match segment {
            JsonSegment::Key(key) => Value::Text(key.to_string()),
            JsonSegment::Index(place) => Value::Text(place.to_string()),
        });
        self.bind(Value::Array(keys.collect()), BindType::list(ScalarType::Text));
    }

    /// `#-` refuses scalars and keys of lists, and takes the key of an object for a place.
    pub(super) fn json_remove_postgres(&mut self, expr: &Expr, path: &[JsonSegment]) -> Result<()> {
        if matches!(path, [JsonSegment::Key(_)]) && is_object(expr) {
            self.push("(");
            self.nested(expr)?;
            self.push(" #- ");
            self.postgres_keys(path);
            self.push(")");
            return Ok(());
        }
        self.push("(CASE WHEN ");
        self.json_postgres(expr, path, JsonAs::Exists)?;
        self.push(" THEN ");
        self.nested(expr)?;
        self.push(" #- ");
        self.postgres_keys(path);
        self.push(" ELSE ");
        self.nested(expr)?;
        self.push(" END)");
        Ok(())
    }

    pub(super) fn json_set_postgres(&mut self, expr: &Expr, path: &[JsonSegment], value: &Expr) -> Result<()> {
        self.push("jsonb_set(");
        self.expr(expr)?;
        self.push(", ");
        self.postgres_keys(path);
        self.push(", ");
        self.cast_value(value)?;
        self.push(", true)");
        Ok(())
    }
}

/// Whether a document is an object, by how it was made.
fn is_object(expr: &Expr) -> bool {
    match expr {
        Expr::JsonSet { expr, path, value } => (value.is_some() && matches!(path.first(), Some(JsonSegment::Key(_)))) || is_object(expr),
        Expr::Case { otherwise: Some(otherwise), .. } => {
            matches!(&**otherwise, Expr::Value(Value::Json(document), _) if document.as_object().is_some_and(serde_json::Map::is_empty))
        }
        _ => false,
    }
}
