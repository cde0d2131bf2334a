//! [`Error`]: the one error of Sequor, and [`Result`]. Built only by the constructors here and in `error/`.

mod connection;
mod convert;
mod database;
mod debug;
mod usage;
mod validation;

pub use connection::{ConnectionError, ConnectionErrorKind};
pub use database::Detail;
pub use usage::{Parameter, UsageError, UsageErrorKind};
pub use validation::{ItemKind, Origin, ValidationError, ValidationItem};

use std::fmt;
use std::sync::Arc;

/// What every fallible function of Sequor returns. The second parameter is there so that `Result<T, E>` keeps its meaning.
///
/// ```
/// fn half(number: i64) -> sequor::Result<i64> {
///     if number % 2 == 0 { Ok(number / 2) } else { Err(sequor::Error::usage("an odd number")) }
/// }
/// assert_eq!(half(4)?, 2);
/// # Ok::<(), sequor::Error>(())
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong, by what a program would do about it.
///
/// `Display` is one line; `{:#}` and `{:?}` add code, operation, call site and hint; `{:#?}` shows the parts. No message holds a password, the credentials of a URL or the value of
/// a `sensitive` column.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// fn status(error: &Error) -> u16 {
///     match error {
///         Error::Validation(_) | Error::NotNull { .. } | Error::CheckConstraint { .. } => 422,
///         Error::NotFound { .. } => 404,
///         Error::UniqueConstraint { .. } | Error::OptimisticLock { .. } => 409,
///         Error::Connection(_) | Error::Timeout { .. } => 503,
///         error if error.is_retryable() => 503,
///         _ => 500,
///     }
/// }
///
/// let error = Db::connect("sqlite:///no/such/folder/app.db").await.unwrap_err();
/// assert_eq!((status(&error), status(&Error::not_found("User"))), (503, 404));
/// assert_eq!(Error::not_found("User").sequelize_name(), "SequelizeEmptyResultError");
/// let other = Error::other(std::fmt::Error);
/// assert!(other.detail().is_none() && status(&other) == 500);
/// # Ok(())
/// # }
/// ```
#[non_exhaustive]
pub enum Error {
    /// Values that break a rule of the model; every failure at once.
    Validation(ValidationError),
    /// A unique key is taken.
    UniqueConstraint {
        /// The fields of the key, by the model's names where they are known.
        fields: Vec<String>,
        /// Constraint, table, code and the rest.
        detail: Box<Detail>,
    },
    /// A row that is pointed to is missing, or is still pointed to.
    ForeignKeyConstraint {
        /// The fields of the key, where they are known.
        fields: Vec<String>,
        /// Constraint, table, code and the rest.
        detail: Box<Detail>,
    },
    /// A check of the table failed.
    CheckConstraint {
        /// The name of the check.
        constraint: String,
        /// Table, code and the rest.
        detail: Box<Detail>,
    },
    /// NULL in a column that does not take it.
    NotNull {
        /// The field, where it is known.
        fields: Vec<String>,
        /// Table, code and the rest.
        detail: Box<Detail>,
    },
    /// An exclusion constraint failed (PostgreSQL).
    ExclusionConstraint {
        /// Constraint, table, code and the rest.
        detail: Box<Detail>,
    },
    /// No row where there must be one.
    NotFound {
        /// The model that was searched.
        model: String,
        /// The relation that was followed, if one was.
        relation: Option<String>,
    },
    /// A relation was read that was not loaded.
    NotLoaded {
        /// The model that has the relation.
        model: String,
        /// The relation.
        relation: String,
    },
    /// The row was changed by somebody else since it was read.
    OptimisticLock {
        /// The model of the row.
        model: String,
        /// The version that was expected, and the one found (`None` when the row is gone).
        versions: Box<(i64, Option<i64>)>,
    },
    /// No connection, or it broke.
    Connection(ConnectionError),
    /// A cell does not fit the type that the model gives it.
    Decode {
        /// Model, column and what was found.
        detail: Box<Detail>,
    },
    /// A deadline passed.
    Timeout {
        /// What was running.
        detail: Box<Detail>,
    },
    /// The database ended this transaction to break a circle of locks.
    Deadlock {
        /// Code and the rest.
        detail: Box<Detail>,
    },
    /// The transaction could not be ordered with others; run it again.
    Serialization {
        /// Code and the rest.
        detail: Box<Detail>,
    },
    /// Any other answer of the database.
    Database {
        /// The database's own code (SQLSTATE, MySQL's or SQLite's number).
        code: String,
        /// Message and the rest.
        detail: Box<Detail>,
    },
    /// A hook refused.
    Hook {
        /// The hook's name.
        hook: String,
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A migration or seed failed.
    Migration {
        /// File, place and the rest.
        detail: Box<Detail>,
    },
    /// A write to every row that nobody asked for.
    MissingFilter {
        /// The model.
        model: String,
        /// The operation.
        operation: String,
    },
    /// The program uses Sequor in a way that cannot work.
    Usage(Box<UsageError>),
    /// An error of another library, passed through.
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// An error of your own for a closure or hook to return.
    #[cold]
    #[track_caller]
    pub fn usage(message: impl Into<String>) -> Error {
        Error::of_usage(UsageErrorKind::Other, message)
    }

    /// A usage error of one kind, with the caller's place.
    #[cold]
    #[track_caller]
    pub fn of_usage(kind: UsageErrorKind, message: impl Into<String>) -> Error {
        Error::Usage(Box::new(UsageError::new(kind, message.into(), std::panic::Location::caller())))
    }

    /// What a driver says of a value that it cannot send: which of the statement's it is.
    #[cold]
    #[must_use]
    pub fn unsent(self, place: usize) -> Error {
        let mut error = match self {
            Error::Decode { detail } => Error::of_usage(UsageErrorKind::Refused, detail.message),
            other => other,
        };
        if let Error::Usage(usage) = &mut error {
            usage.parameter.get_or_insert(Parameter { place, statement: None });
        }
        error
    }

    /// Adds the statement to an error about one of its values.
    #[cold]
    #[must_use]
    pub fn in_statement(mut self, text: &Arc<str>) -> Error {
        if let Error::Usage(usage) = &mut self
            && let Some(parameter) = &mut usage.parameter
        {
            parameter.statement.get_or_insert_with(|| text.clone());
        }
        self
    }

    /// Something this database cannot do, with the way out in the message.
    #[cold]
    #[track_caller]
    pub fn unsupported(message: impl Into<String>) -> Error {
        Error::of_usage(UsageErrorKind::Unsupported, message)
    }

    /// Wraps the error of another library.
    #[cold]
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Other(error.into())
    }

    /// A hook's refusal.
    #[cold]
    pub fn hook(hook: impl Into<String>, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Hook { hook: hook.into(), source: error.into() }
    }

    /// A case that cannot happen; if it does, it is our mistake.
    #[cold]
    #[track_caller]
    pub fn bug(message: impl fmt::Display) -> Error {
        Error::of_usage(UsageErrorKind::Other, format!("a bug in Sequor, please report it: {message}"))
    }

    /// No row of this model.
    #[cold]
    pub fn not_found(model: impl Into<String>) -> Error {
        Error::NotFound { model: model.into(), relation: None }
    }

    /// A relation that was not loaded.
    #[cold]
    pub fn not_loaded(model: impl Into<String>, relation: impl Into<String>) -> Error {
        Error::NotLoaded { model: model.into(), relation: relation.into() }
    }

    /// A cell that does not fit: what was found and what was expected, never the value.
    #[cold]
    pub fn decode(message: impl Into<String>) -> Error {
        Error::Decode { detail: Box::new(Detail::message(message)) }
    }

    /// A failed connection.
    #[cold]
    pub fn connection(kind: ConnectionErrorKind, message: impl Into<String>) -> Error {
        Error::Connection(ConnectionError::new(kind, message))
    }

    /// A deadline that passed.
    #[cold]
    pub fn timeout(message: impl Into<String>) -> Error {
        Error::Timeout { detail: Box::new(Detail::message(message)) }
    }

    /// A migration that failed.
    #[cold]
    pub fn migration(message: impl Into<String>) -> Error {
        Error::Migration { detail: Box::new(Detail::message(message)) }
    }

    /// The detail of an error that has one.
    pub fn detail(&self) -> Option<&Detail> {
        match self {
            Error::UniqueConstraint { detail, .. }
            | Error::ForeignKeyConstraint { detail, .. }
            | Error::CheckConstraint { detail, .. }
            | Error::NotNull { detail, .. }
            | Error::ExclusionConstraint { detail }
            | Error::Decode { detail }
            | Error::Timeout { detail }
            | Error::Deadlock { detail }
            | Error::Serialization { detail }
            | Error::Database { detail, .. }
            | Error::Migration { detail } => Some(detail),
            _ => None,
        }
    }

    /// The detail of an error that has one, to add what only the caller knows.
    pub fn detail_mut(&mut self) -> Option<&mut Detail> {
        match self {
            Error::UniqueConstraint { detail, .. }
            | Error::ForeignKeyConstraint { detail, .. }
            | Error::CheckConstraint { detail, .. }
            | Error::NotNull { detail, .. }
            | Error::ExclusionConstraint { detail }
            | Error::Decode { detail }
            | Error::Timeout { detail }
            | Error::Deadlock { detail }
            | Error::Serialization { detail }
            | Error::Database { detail, .. }
            | Error::Migration { detail } => Some(detail),
            _ => None,
        }
    }

    /// Adds the model (and column) to an error that lacks them.
    #[cold]
    #[must_use]
    pub fn at(mut self, model: &str, column: Option<&str>) -> Error {
        if let (Error::Validation(validation), Some(column)) = (&mut self, column) {
            for item in validation.items.iter_mut().filter(|item| item.path.is_empty()) {
                column.clone_into(&mut item.path);
                item.message = format!("{column} {}", item.message);
            }
        }
        if let Some(detail) = self.detail_mut() {
            detail.model.get_or_insert_with(|| model.to_owned());
            if let Some(column) = column {
                detail.column.get_or_insert_with(|| column.to_owned());
            }
        }
        self
    }

    /// Gives an error of a statement the place in the program that ran it, where it knows none but Sequor's own.
    #[cold]
    #[must_use]
    pub fn seen_at(mut self, site: &'static std::panic::Location<'static>) -> Error {
        if let Error::Usage(usage) = &mut self
            && is_own(usage.site.file())
        {
            usage.site = site;
        }
        if let Some(detail) = self.detail_mut() {
            detail.site.get_or_insert(site);
        }
        self
    }

    /// Whether running the whole transaction again may succeed: deadlock, serialization failure, busy database.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Error::Deadlock { .. } | Error::Serialization { .. })
            || matches!(self, Error::Database { detail, .. } if detail.retryable)
            || matches!(self, Error::Timeout { detail } if detail.retryable)
    }

    /// The class that Sequelize would have thrown.
    pub fn sequelize_name(&self) -> &'static str {
        match self {
            Error::Validation(error) if error.bulk => "AggregateError",
            Error::Validation(_) => "SequelizeValidationError",
            Error::UniqueConstraint { .. } => "SequelizeUniqueConstraintError",
            Error::ForeignKeyConstraint { .. } => "SequelizeForeignKeyConstraintError",
            Error::ExclusionConstraint { .. } => "SequelizeExclusionConstraintError",
            Error::NotFound { .. } => "SequelizeEmptyResultError",
            Error::NotLoaded { .. } => "SequelizeEagerLoadingError",
            Error::OptimisticLock { .. } => "SequelizeOptimisticLockError",
            Error::Connection(error) => error.kind.sequelize_name(),
            Error::Timeout { .. } => "SequelizeTimeoutError",
            Error::Usage(error) => error.kind.sequelize_name(),
            Error::CheckConstraint { .. }
            | Error::NotNull { .. }
            | Error::Decode { .. }
            | Error::Deadlock { .. }
            | Error::Serialization { .. }
            | Error::Database { .. } => "SequelizeDatabaseError",
            Error::Hook { .. } | Error::Migration { .. } | Error::MissingFilter { .. } | Error::Other(_) => "Error",
        }
    }
}

/// Whether a file is of one of Sequor's crates, which lie beside each other.
fn is_own(file: &str) -> bool {
    let crates = file!().split_once("sequor-core").map_or("", |(crates, _)| crates);
    file.strip_prefix(crates).is_some_and(|rest| rest.starts_with("sequor-") && (rest.contains("/src/") || rest.contains("\\src\\")))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Validation(error) => error.fmt(f),
            Error::UniqueConstraint { fields, detail } => {
                write!(f, "{} must be unique", detail.subject(fields))?;
                detail.write_tail(f)
            }
            Error::ForeignKeyConstraint { fields, detail } => {
                detail.write_key(f, fields)?;
                detail.write_tail(f)
            }
            Error::CheckConstraint { constraint, detail } => {
                write!(f, "{}: the check {constraint} failed", detail.subject(&[]))?;
                detail.write_tail(f)
            }
            Error::NotNull { fields, detail } => {
                write!(f, "{} cannot be null", detail.subject(fields))?;
                detail.write_tail(f)
            }
            Error::ExclusionConstraint { detail } => {
                write!(f, "{}: the row conflicts with another one", detail.subject(&[]))?;
                detail.write_tail(f)
            }
            Error::NotFound { model, relation: None } => write!(f, "no {model} was found"),
            Error::NotFound { model, relation: Some(relation) } => {
                write!(f, "{model}.{relation}: the row it points to is deleted, filtered out or missing; get() gives an Option")
            }
            Error::NotLoaded { model, relation } => {
                write!(
                    f,
                    "{model}.{relation} is not loaded: add .include({model}::{}) to the query, or load it first",
                    relation.to_uppercase()
                )
            }
            Error::OptimisticLock { model, versions } => match versions.1 {
                Some(found) => write!(
                    f,
                    "this {model} was changed by somebody else: version {} was expected, {found} was found; reload it and try again",
                    versions.0
                ),
                None => write!(f, "this {model} (version {}) is no longer stored; reload it and try again", versions.0),
            },
            Error::Connection(error) => error.fmt(f),
            Error::Decode { detail } => detail.write(f, "cannot read"),
            Error::Timeout { detail } => detail.write(f, "timed out"),
            Error::Deadlock { detail } => detail.write(f, "deadlock; run the transaction again, or use Tx::retry"),
            Error::Serialization { detail } => detail.write(f, "could not serialize access; run the transaction again, or use Tx::retry"),
            Error::Database { code, detail } => detail.write(f, &format!("database error {code}")),
            Error::Hook { hook, source } => write!(f, "the hook {hook} refused: {source}"),
            Error::Migration { detail } => detail.write(f, "migration"),
            Error::MissingFilter { model, operation } => {
                write!(
                    f,
                    "{operation} on {model} has no filter and would reach every row: add .filter(..), or .every_row() if that is meant"
                )
            }
            Error::Usage(error) => error.fmt(f),
            Error::Other(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Hook { source, .. } => Some(&**source),
            Error::Other(source) => source.source(),
            Error::Connection(error) => error.source.as_deref().map(|source| source as _),
            other => other.detail()?.source.as_deref().map(|source| source as _),
        }
    }
}
