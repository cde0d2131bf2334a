//! [`Batch`]: statements that belong together, and what came of them.

use super::{Discard, Param, RowSink};
use crate::error::Result;
use std::sync::Arc;

/// Steps for one connection, run in order.
#[derive(Default)]
pub struct Batch {
    /// The steps.
    pub steps: Vec<Step>,
    /// How they belong together.
    pub mode: BatchMode,
}

/// How the steps of a batch belong together, when the connection is not in a transaction already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BatchMode {
    /// Each by itself.
    #[default]
    Plain,
    /// One read-only snapshot around all of them where the database can (PostgreSQL: one flush of `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY` .. `COMMIT`;
    /// SQLite: one read transaction).
    Snapshot,
    /// One transaction around all of them: all or nothing.
    Atomic,
}

/// One statement of a batch.
pub struct Step {
    /// The statement's text.
    pub text: Arc<str>,
    /// The parameters.
    pub params: Params,
    /// Who takes the rows.
    pub sink: Box<dyn RowSink>,
    /// Whether the prepared statement is worth keeping.
    pub cache: bool,
}

/// Makes the parameters of a step from what the sinks of the steps before have seen; `None` skips the step.
pub type Derive = Box<dyn FnOnce(&mut dyn Earlier) -> Result<Option<Vec<Param>>> + Send>;

/// The steps of a batch that have run.
pub trait Earlier {
    /// The sink of the step of this number, counted from 0; `None` for one that has not run.
    fn sink(&mut self, step: usize) -> Option<&mut dyn RowSink>;
}

impl Earlier for Vec<StepDone> {
    fn sink(&mut self, step: usize) -> Option<&mut dyn RowSink> {
        Some(&mut *self.get_mut(step)?.sink)
    }
}

impl Earlier for &mut [Step] {
    fn sink(&mut self, step: usize) -> Option<&mut dyn RowSink> {
        Some(&mut *self.get_mut(step)?.sink)
    }
}

/// The parameters of a step.
pub enum Params {
    /// Known now.
    Fixed(Vec<Param>),
    /// The same statement once for each list; rows of all of them go to the sink, counts add up.
    Many(Vec<Vec<Param>>),
    /// Known once earlier steps have run.
    Derived(Derive),
}

/// What a step did.
pub struct StepDone {
    /// Its sink, with what it collected.
    pub sink: Box<dyn RowSink>,
    /// Rows changed by a write (matched rows on every database), rows returned by a read.
    pub affected: u64,
    /// The generated key of the last insert, where the protocol reports one (MySQL, SQLite).
    pub last_insert_id: Option<i64>,
    /// How far the generated keys of one insert lie apart: 1, unless the server counts otherwise (MySQL's `auto_increment_increment`, which groups of servers
    /// set so that no two make the same key).
    pub key_step: i64,
    /// Whether the sink paused it before its end.
    pub paused: bool,
    /// The parameters that it ran with, where it was not paused: who lent large values takes them back instead of keeping copies.
    /// No list at all for a step that was skipped.
    pub params: Params,
}

impl StepDone {
    /// Whether the step was not run, because nothing was derived for it.
    pub fn is_skipped(&self) -> bool {
        matches!(&self.params, Params::Many(lists) if lists.is_empty())
    }
}

impl Default for Params {
    /// None.
    fn default() -> Params {
        Params::Fixed(Vec::new())
    }
}

impl Step {
    /// A step that returns no rows of interest.
    pub fn execute(text: impl Into<Arc<str>>, params: Vec<Param>) -> Step {
        Step { text: text.into(), params: Params::Fixed(params), sink: Box::new(Discard), cache: true }
    }

    /// A step whose rows go to a sink.
    pub fn query(text: impl Into<Arc<str>>, params: Vec<Param>, sink: Box<dyn RowSink>) -> Step {
        Step { text: text.into(), params: Params::Fixed(params), sink, cache: true }
    }
}

impl Batch {
    /// A batch of one step.
    pub fn one(step: Step) -> Batch {
        Batch { steps: vec![step], mode: BatchMode::Plain }
    }
}
