//! [`UsageError`]: the program asks for something that cannot work.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// Misuse, with the place where it happened.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// db.close().await?;
/// let error = db.authenticate().await.unwrap_err();
/// assert!(matches!(error, Error::Usage(usage) if usage.kind() == sequor::UsageErrorKind::Closed));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct UsageError {
    /// What kind of misuse.
    pub kind: UsageErrorKind,
    /// What is wrong and what to do instead.
    pub message: String,
    /// The caller's place.
    pub site: &'static Location<'static>,
    /// Which value of a statement it is about, until somebody knows its field.
    pub parameter: Option<Parameter>,
}

/// A value of a statement that could not be sent.
///
/// ```
/// use sequor_core::error::Parameter;
/// assert_eq!(Parameter { place: 0, statement: None }.place, 0);
/// ```
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its place among those of the statement, from 0.
    pub place: usize,
    /// The statement's text, without values.
    pub statement: Option<Arc<str>>,
}

/// The kinds of [`UsageError`].
///
/// ```
/// use sequor::UsageErrorKind;
/// assert_eq!(UsageErrorKind::Scope.sequelize_name(), "SequelizeScopeError");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UsageErrorKind {
    /// A statement on the outer `db` inside a transaction's closure.
    OutsideTransaction,
    /// The transaction has ended.
    TransactionFinished,
    /// The `Db` was closed.
    Closed,
    /// A cursor that does not belong to this query, or was changed.
    Cursor,
    /// A page or a size of pages that there is none of, such as page 0.
    Page,
    /// This database cannot do it.
    Unsupported,
    /// An association that does not exist or is named wrongly (Sequelize's EagerLoadingError).
    Include,
    /// A wrong definition of an association (Sequelize's AssociationError).
    Association,
    /// An unknown scope.
    Scope,
    /// An instance that cannot do this (Sequelize's InstanceError).
    Instance,
    /// A constraint that is not there (Sequelize's UnknownConstraintError).
    Constraint,
    /// A query object of the wrong form (Sequelize's QueryError).
    Query,
    /// A column or a value that the database would refuse, and that is refused before anything is sent (Sequelize's DatabaseError).
    Refused,
    /// Everything else.
    Other,
}

impl UsageErrorKind {
    /// The class that Sequelize would have thrown.
    pub fn sequelize_name(self) -> &'static str {
        match self {
            UsageErrorKind::Include => "SequelizeEagerLoadingError",
            UsageErrorKind::Association => "SequelizeAssociationError",
            UsageErrorKind::Scope => "SequelizeScopeError",
            UsageErrorKind::Instance => "SequelizeInstanceError",
            UsageErrorKind::Constraint => "SequelizeUnknownConstraintError",
            UsageErrorKind::Query => "SequelizeQueryError",
            UsageErrorKind::Refused => "SequelizeDatabaseError",
            UsageErrorKind::OutsideTransaction
            | UsageErrorKind::TransactionFinished
            | UsageErrorKind::Closed
            | UsageErrorKind::Cursor
            | UsageErrorKind::Page
            | UsageErrorKind::Unsupported
            | UsageErrorKind::Other => "Error",
        }
    }
}

impl UsageError {
    pub(super) fn new(kind: UsageErrorKind, message: String, site: &'static Location<'static>) -> UsageError {
        UsageError { kind, message, site, parameter: None }
    }

    /// What kind of misuse.
    pub fn kind(&self) -> UsageErrorKind {
        self.kind
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parameter) = &self.parameter {
            write!(f, "parameter {} cannot be sent: ", parameter.place + 1)?;
        }
        f.write_str(&self.message)?;
        if f.alternate() {
            write!(f, "\n  at {}", self.site)?;
        }
        Ok(())
    }
}
