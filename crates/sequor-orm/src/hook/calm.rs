//! Rules and setters are functions of the program, as hooks are: their panic is an error, which undoes the write as any other does.

use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

/// Whose function it is that runs, for the error of its panic.
#[derive(Clone, Copy)]
pub(crate) struct Whose<'a> {
    pub(crate) model: &'a ModelDef,
    /// The field, where it is one's.
    pub(crate) field: Option<&'a str>,
    /// What it is, and its name.
    pub(crate) what: &'static str,
    pub(crate) name: &'a str,
}

impl Whose<'_> {
    #[cold]
    fn panicked(self) -> Error {
        let Whose { model, field, what, name } = self;
        let place = field.map_or_else(|| model.name.to_string(), |field| format!("{}.{field}", model.name));
        let message = format!("the {what} {name} panicked; nothing of its write is stored. Return an `Err` for what it refuses");
        Error::hook(place, message)
    }
}

/// Runs a function of the program.
pub(crate) fn calm<T>(whose: Whose<'_>, run: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| whose.panicked())
}

/// Runs an asynchronous function of the program.
pub(crate) async fn calm_until_done<'a, T>(whose: Whose<'_>, run: impl FnOnce() -> BoxFuture<'a, T>) -> Result<T> {
    let mut running = calm(whose, run)?;
    poll_fn(|cx| match calm(whose, || running.as_mut().poll(cx)) {
        Ok(polled) => polled.map(Ok),
        Err(error) => Poll::Ready(Err(error)),
    })
    .await
}
