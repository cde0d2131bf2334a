//! What `?` turns into an [`Error`]. There is no blanket conversion: [`Error`] is itself a `std::error::Error`.

use super::Error;

impl From<Box<dyn std::error::Error + Send + Sync>> for Error {
    fn from(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
        match error.downcast::<Error>() {
            Ok(own) => *own,
            Err(other) => Error::Other(other),
        }
    }
}

macro_rules! other {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for Error {
            #[cold]
            fn from(error: $error) -> Error {
                Error::Other(Box::new(error))
            }
        }
    )*};
}

other! {
    std::io::Error, serde_json::Error, std::fmt::Error, std::num::ParseIntError, std::num::ParseFloatError, std::num::TryFromIntError,
    std::str::ParseBoolError, std::str::Utf8Error, std::string::FromUtf8Error, uuid::Error, chrono::ParseError, rust_decimal::Error,
}
