//! [`Db::expect_queries`]: counts the statements of a piece of code.

use super::Db;
use sequor_core::error::{Error, Result};
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

type Seen = Arc<Mutex<Vec<(Arc<str>, &'static Location<'static>)>>>;

tokio::task_local! {
    static SEEN: Seen;
}

/// Notes statements for the counter around them, if there is one.
pub(super) fn note(texts: &[Arc<str>], site: &'static Location<'static>) {
    let _ = SEEN.try_with(|seen| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.extend(texts.iter().map(|text| (text.clone(), site)));
    });
}

impl Db {
    /// Runs a closure and checks how many statements it sent (BEGIN and COMMIT do not count).
    ///
    /// # Errors
    /// `Usage` that lists the statements with their call sites; those of the closure.
    pub async fn expect_queries<T, E, F>(&self, count: usize, f: F) -> Result<T>
    where
        F: AsyncFnOnce() -> Result<T, E>,
        Error: From<E>,
    {
        let seen: Seen = Arc::default();
        let value = SEEN.scope(seen.clone(), f()).await?;
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() == count {
            return Ok(value);
        }
        let list: Vec<String> = seen.iter().map(|(text, site)| format!("  {site}: {text}")).collect();
        Err(Error::usage(format!("{count} statements were expected, {} were sent:\n{}", seen.len(), list.join("\n"))))
    }
}
