//! The JSON of MySQL and MariaDB.

use super::{INSTANT, TEXT, path_text};
use crate::writer::SqlWriter;
use sequor_core::Value;
use sequor_core::error::Result;
use sequor_core::statement::{Expr, JsonAs, JsonSegment};

impl SqlWriter {
    /// Both take what is no list for a list of itself, whose first member it is: each place that could be that one is asked of lists alone.
    fn mysql_lists(&mut self, expr: &Expr, path: &[JsonSegment]) -> Result<bool> {
        let mut any = false;
        for (number, segment) in path.iter().enumerate() {
            if matches!(segment, JsonSegment::Index(0)) {
                self.push(if any { " AND JSON_TYPE(" } else { "JSON_TYPE(" });
                self.extract("JSON_EXTRACT", expr, &path[..number])?;
                self.push(") = 'ARRAY'");
                any = true;
            }
        }
        Ok(any)
    }

    /// What lies at a path.
    pub(super) fn mysql_path(&mut self, expr: &Expr, path: &[JsonSegment]) -> Result<()> {
        if !path.iter().any(|segment| matches!(segment, JsonSegment::Index(0))) {
            return self.extract("JSON_EXTRACT", expr, path);
        }
        self.push("(CASE WHEN ");
        self.mysql_lists(expr, path)?;
        self.push(" THEN ");
        self.extract("JSON_EXTRACT", expr, path)?;
        self.push(" END)");
        Ok(())
    }

    /// A document without what lies at a path.
    pub(super) fn mysql_remove(&mut self, expr: &Expr, path: &[JsonSegment]) -> Result<()> {
        if !path.iter().any(|segment| matches!(segment, JsonSegment::Index(0))) {
            return self.extract("JSON_REMOVE", expr, path);
        }
        self.push("(CASE WHEN ");
        self.mysql_lists(expr, path)?;
        self.push(" THEN ");
        self.extract("JSON_REMOVE", expr, path)?;
        self.push(" ELSE ");
        self.expr(expr)?;
        self.push(" END)");
        Ok(())
    }

    /// `CASE WHEN the path's value is of these kinds THEN`.
    fn mysql_typed(&mut self, (expr, path): (&Expr, &[JsonSegment]), kinds: &str) -> Result<()> {
        self.push("(CASE WHEN JSON_TYPE(");
        self.mysql_path(expr, path)?;
        self.push(") IN (");
        self.push(kinds);
        self.push(") THEN ");
        Ok(())
    }

    pub(super) fn json_mysql(&mut self, expr: &Expr, path: &[JsonSegment], take: JsonAs) -> Result<()> {
        const NUMBERS: &str = "'INTEGER', 'DOUBLE', 'DECIMAL', 'UNSIGNED INTEGER'";
        match take {
            JsonAs::Json => self.mysql_path(expr, path),
            JsonAs::Loose | JsonAs::Text if path.is_empty() => {
                self.push("CAST(");
                self.expr(expr)?;
                self.push(" AS CHAR)");
                Ok(())
            }
            JsonAs::Loose | JsonAs::Text => {
                // JSON null is NULL, as on the others; JSON_UNQUOTE would give the text 'null'.
                self.push("(CASE WHEN JSON_TYPE(");
                self.mysql_path(expr, path)?;
                self.push(") <> 'NULL' THEN JSON_UNQUOTE(");
                self.extract("JSON_EXTRACT", expr, path)?;
                self.push(") END)");
                Ok(())
            }
            JsonAs::Number => {
                self.mysql_typed((expr, path), NUMBERS)?;
                self.extract("JSON_EXTRACT", expr, path)?;
                self.push(" + 0.0e0 END)");
                Ok(())
            }
            JsonAs::Exact => {
                self.mysql_typed((expr, path), NUMBERS)?;
                self.push("CAST(");
                self.extract("JSON_EXTRACT", expr, path)?;
                self.push(" AS DECIMAL(65,20)) END)");
                Ok(())
            }
            JsonAs::Boolean => {
                self.mysql_typed((expr, path), "'BOOLEAN'")?;
                // What is extracted is no text to MySQL.
                self.push("JSON_UNQUOTE(");
                self.extract("JSON_EXTRACT", expr, path)?;
                self.push(") = 'true' END)");
                Ok(())
            }
            JsonAs::DateTime => self.mysql_instant(expr, path),
            JsonAs::Exists => {
                if self.mysql_lists(expr, path)? {
                    self.push(" AND ");
                }
                self.push("JSON_CONTAINS_PATH(");
                self.expr(expr)?;
                self.push(", 'one', ");
                self.bind(Value::Text(path_text(path)), TEXT);
                self.push(") = 1");
                Ok(())
            }
            JsonAs::Length => {
                self.mysql_typed((expr, path), "'ARRAY', 'OBJECT'")?;
                self.extract("JSON_LENGTH", expr, path)?;
                self.push(" END)");
                Ok(())
            }
            JsonAs::Kind => {
                self.push("(CASE WHEN JSON_TYPE(");
                self.mysql_path(expr, path)?;
                self.push(") IN (");
                self.push(NUMBERS);
                self.push(") THEN 'number' ELSE LOWER(JSON_TYPE(");
                self.mysql_path(expr, path)?;
                self.push(")) END)");
                Ok(())
            }
        }
    }

    /// Neither reads a distance from UTC in a text: it is taken off by hand.
    fn mysql_instant(&mut self, expr: &Expr, path: &[JsonSegment]) -> Result<()> {
        let text = |writer: &mut SqlWriter, before: &str, behind: &str| -> Result<()> {
            writer.push(before);
            writer.push("JSON_UNQUOTE(");
            writer.mysql_path(expr, path)?;
            writer.push(")");
            writer.push(behind);
            Ok(())
        };
        let naive = "CAST(REPLACE(REGEXP_SUBSTR(";
        let as_naive = ", '^[0-9-]{10}([T ][0-9:]{5,8}([.][0-9]+)?)?'), 'T', ' ') AS DATETIME(6))";
        let distance = ", INSERT(RIGHT(REPLACE(";
        let as_distance = ", ':', ''), 4), 3, 0, ':'))";
        text(self, "(CASE WHEN NOT (", " REGEXP '")?;
        self.push(INSTANT);
        text(self, "') THEN NULL WHEN ", " REGEXP '[+][0-9]{2}:?[0-9]{2}$' THEN SUBTIME(")?;
        text(self, naive, as_naive)?;
        text(self, distance, as_distance)?;
        text(self, " WHEN ", " REGEXP ':.*-[0-9]{2}:?[0-9]{2}$' THEN ADDTIME(")?;
        text(self, naive, as_naive)?;
        text(self, distance, as_distance)?;
        self.push(" ELSE ");
        text(self, naive, as_naive)?;
        self.push(" END)");
        Ok(())
    }
}
