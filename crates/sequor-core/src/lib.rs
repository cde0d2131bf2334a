//! Values, schema, statements, the driver contract and errors of Sequor.
//!
//! Pure data: nothing here opens a socket, knows a runtime or writes SQL text. Everything else in the workspace
//! stands on this crate, and the modules below may use those above them, not the other way round.

pub mod decode;
pub mod driver;
pub mod encode;
pub mod error;
pub mod schema;
pub mod statement;
pub mod types;
pub mod value;

pub use error::{Error, Result};
pub use value::Value;

/// A name in the schema: free to clone when it comes from a derive, owned when it comes from data.
///
/// ```
/// let (of_a_derive, of_data): (sequor::Name, sequor::Name) = ("email".into(), String::from("email").into());
/// assert_eq!(of_a_derive, of_data);
/// ```
pub type Name = std::borrow::Cow<'static, str>;
