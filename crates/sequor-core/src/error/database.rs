//! [`Detail`]: what an error of the database is about.

use std::fmt;
use std::panic::Location;

/// What is known about an error beside its kind. Every part is optional; none holds a value of the data.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// let error = db.execute_sql_script("SELECT nonsense").await.unwrap_err();
/// let detail = error.detail().ok_or_else(|| Error::usage("a database's error has details"))?;
/// assert!(detail.message.contains("nonsense"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Detail {
    /// The server's or our own sentence, without values.
    pub message: String,
    /// The model.
    pub model: Option<String>,
    /// The column or field.
    pub column: Option<String>,
    /// The table, as the server names it.
    pub table: Option<String>,
    /// The constraint, as the server names it.
    pub constraint: Option<String>,
    /// The database's own code.
    pub code: Option<String>,
    /// What was being done: `find`, `create`, ..
    pub operation: Option<&'static str>,
    /// Where the program asked for it.
    pub site: Option<&'static Location<'static>>,
    /// What to do next.
    pub hint: Option<String>,
    /// The text that a model gives for a taken unique key.
    pub custom_message: Option<String>,
    /// Whether the whole transaction may succeed when run again.
    pub retryable: bool,
    /// The error underneath.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Detail {
    /// A detail with a message only.
    #[cold]
    pub fn message(message: impl Into<String>) -> Detail {
        Detail { message: message.into(), ..Detail::default() }
    }

    pub(super) fn subject(&self, fields: &[String]) -> String {
        let owner = self.model.as_deref().or(self.table.as_deref());
        let fields = fields.join(", ");
        match (owner, fields.is_empty()) {
            (Some(owner), false) => format!("{owner}.{fields}"),
            (Some(owner), true) => match &self.constraint {
                Some(constraint) => format!("{owner} ({constraint})"),
                None => owner.to_owned(),
            },
            (None, false) => fields,
            (None, true) => self.constraint.clone().unwrap_or_else(|| "a constraint".into()),
        }
    }

    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, what: &str) -> fmt::Result {
        f.write_str(what)?;
        match (&self.model, &self.column) {
            (Some(model), Some(column)) => write!(f, " {model}.{column}")?,
            (Some(model), None) => write!(f, " {model}")?,
            (None, Some(column)) => write!(f, " {column}")?,
            (None, None) => {}
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        self.write_tail(f)
    }

    /// What is wrong with a foreign key: no database has an error for either side, but what was done mostly says which it is.
    pub(super) fn write_key(&self, f: &mut fmt::Formatter<'_>, fields: &[String]) -> fmt::Result {
        match self.operation {
            Some("create" | "bulk_create") => {
                write!(f, "{} points to a row that is not there: create that one first", self.subject(fields))
            }
            Some("destroy" | "destroy_all" | "truncate") => {
                let row = self.model.as_deref().unwrap_or("the row");
                // In both cases databases name the table that points.
                let others = self.table.as_ref().map_or_else(|| "other rows".to_owned(), |table| format!("rows of {table}"));
                write!(f, "{row} is still pointed to by {others}: destroy those first, or say by `on_delete` what becomes of them")
            }
            _ => write!(f, "{} points to a row that is not there, or is still pointed to", self.subject(fields)),
        }
    }

    pub(super) fn write_tail(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        if f.alternate() {
            for (name, value) in [("code", &self.code), ("table", &self.table), ("constraint", &self.constraint)] {
                if let Some(value) = value {
                    write!(f, "\n  {name}: {value}")?;
                }
            }
            if let Some(operation) = self.operation {
                write!(f, "\n  operation: {operation}")?;
            }
            if let Some(site) = self.site {
                write!(f, "\n  at {site}")?;
            }
        }
        Ok(())
    }
}
