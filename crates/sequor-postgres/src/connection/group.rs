//! Batches: which steps share a flush, how a flush is written, and what is done when it fails.
//!
//! A flush has one Sync, so the server skips what follows a failed step: steps after it have not run. Outside of a transaction steps that write are therefore
//! sent one at a time, while queries travel together.

use super::exchange::{Progress, Role, Unit};
use super::{PostgresConnection, control};
use crate::params::{declared, needs_types, write_bind};
use crate::statements::{changes_session, hash, is_select};
use postgres_protocol::message::frontend;
use sequor_core::driver::{Batch, BatchMode, Param, Params, RowSink, Step, StepDone};
use sequor_core::{Error, Result};
use std::ops::Range;
use std::sync::Arc;

/// What is written before it is sent while more is being encoded. The answers are read meanwhile, so neither side can block the other.
const CHUNK: usize = 64 * 1024;

/// Steps that share one flush.
struct Group {
    steps: Range<usize>,
    /// The BEGIN that goes before them.
    begin: Option<Arc<str>>,
    /// Whether COMMIT follows them.
    commit: bool,
    /// Only reads outside of the caller's transaction: all are bound before the first runs, so that a stale plan shows before any row.
    reads: bool,
}

impl PostgresConnection {
    pub(super) async fn run_batch(&mut self, batch: Batch) -> Result<Vec<StepDone>> {
        self.settle(false).await?;
        let Batch { mut steps, mode } = batch;
        self.counts.clear();
        self.counts.resize(steps.len(), 0);
        let own = mode != BatchMode::Plain && !self.in_transaction();
        let progress = match self.run_steps(&mut steps, mode, own).await {
            Ok(progress) => progress,
            Err(error) => return Err(self.undo(own, error).await),
        };
        let paused = progress == Progress::Paused;
        if paused {
            self.paused = Some(own);
        }
        let last = steps.len();
        let counts = &self.counts;
        let done = steps.into_iter().enumerate().map(|(index, step)| StepDone {
            sink: step.sink,
            affected: counts.get(index).copied().unwrap_or(0),
            last_insert_id: None,
            paused: paused && index + 1 == last,
        });
        Ok(done.collect())
    }

    /// Goes on with a paused step.
    pub(super) async fn resume_step(&mut self, sink: Box<dyn RowSink>) -> Result<StepDone> {
        self.check_usable()?;
        let Some(own) = self.paused.take() else { return Err(Error::usage("no step of this connection is paused")) };
        if let Some(unit) = self.exchange.units.get_mut(self.exchange.running) {
            unit.role = Role::Step(0);
        }
        self.counts.clear();
        self.counts.push(0);
        let mut steps = [Step { text: "".into(), params: Params::Fixed(Vec::new()), sink, cache: false }];
        let progress = self.drive(&mut steps, false).await;
        let result = match progress {
            Ok(Progress::Paused) => {
                self.paused = Some(own);
                Ok(())
            }
            Ok(Progress::More | Progress::Ready) => self.outcome(),
            Err(error) => Err(error),
        };
        let result = match result {
            Ok(()) if own => self.close_own().await,
            other => other,
        };
        if let Err(error) = result {
            return Err(self.undo(own, error).await);
        }
        let [step] = steps;
        Ok(StepDone {
            sink: step.sink,
            affected: self.counts.first().copied().unwrap_or(0),
            last_insert_id: None,
            paused: self.paused.is_some(),
        })
    }

    /// Ends the transaction that a failed batch had opened for itself.
    async fn undo(&mut self, own: bool, error: Error) -> Error {
        if own && !self.broken && self.server_status != b'I' {
            // When this fails the status says so, and the connection is cleaned or closed.
            let _ = self.simple("ROLLBACK").await;
        }
        error
    }

    async fn run_steps(&mut self, steps: &mut [Step], mode: BatchMode, own: bool) -> Result<Progress> {
        let mut next = 0;
        let mut open = false;
        let mut progress = Progress::Ready;
        while let Some(step) = steps.get_mut(next) {
            if !derive(step)? {
                next += 1;
                continue;
            }
            let end = self.group_end(steps, next, own);
            for (text, params) in self.unknown_types(steps.get(next..end).unwrap_or_default()) {
                self.prepare(&text, &params).await?;
            }
            let reads = match mode {
                BatchMode::Plain => {
                    !self.in_transaction() && steps.get(next..end).unwrap_or_default().iter().all(|step| is_select(&step.text))
                }
                BatchMode::Snapshot => own,
                BatchMode::Atomic => false,
            };
            let begin = match (own && !open, mode) {
                (true, BatchMode::Snapshot) => Some(control::snapshot()),
                (true, _) => Some(control::plain_begin()),
                (false, _) => self.begin.take(),
            };
            let commit = own && end == steps.len();
            let group = Group { steps: next..end, begin, commit, reads };
            progress = self.run_group(steps, &group).await?;
            open = own;
            next = end;
        }
        if own {
            self.close_own().await?;
        }
        Ok(progress)
    }

    /// Ends the transaction that a batch has opened for itself, where its last flush did not.
    async fn close_own(&mut self) -> Result<()> {
        match self.server_status {
            _ if self.exchange.pending => Ok(()),
            // The last steps derived nothing.
            b'T' => self.commit_now().await,
            // A step that was stopped has been cancelled.
            b'E' => self.simple("ROLLBACK").await,
            _ => Ok(()),
        }
    }

    /// Where the flush that starts at a step ends.
    fn group_end(&self, steps: &[Step], start: usize, own: bool) -> usize {
        let together = own || self.in_transaction();
        let joins = |step: &&Step| match &step.params {
            Params::Derived(_) => false,
            Params::Fixed(_) => together || is_select(&step.text),
            Params::Many(_) => together,
        };
        let first = steps.get(start);
        if !first.is_some_and(|step| joins(&step)) {
            return start + 1;
        }
        start + steps.get(start..).unwrap_or_default().iter().take_while(joins).count()
    }

    /// Runs a flush; once more when a plan was stale and nothing was done or shown yet.
    async fn run_group(&mut self, steps: &mut [Step], group: &Group) -> Result<Progress> {
        let fresh = group.begin.is_some() || !self.in_transaction();
        for attempt in 0.. {
            let progress = self.attempt(steps, group).await?;
            let stale = self.exchange.failure.as_ref().is_some_and(|failure| failure.is_stale_plan());
            if !stale {
                if self.exchange.failure.is_some() {
                    self.statements.forget_unfinished();
                }
                return if progress == Progress::Ready { self.outcome().map(|()| progress) } else { Ok(progress) };
            }
            self.statements.forget_unfinished();
            let units = self.exchange.units.get(self.exchange.binding..).unwrap_or_default();
            units.iter().for_each(|unit| self.statements.forget(unit.number));
            if attempt > 0 || !fresh || self.exchange.fed {
                break;
            }
            if self.server_status != b'I' {
                self.simple("ROLLBACK").await?;
            }
            for count in self.counts.get_mut(group.steps.clone()).unwrap_or_default() {
                *count = 0;
            }
        }
        self.outcome()?;
        Ok(Progress::Ready)
    }

    /// Writes a flush, sends it and reads its answers. What the server says is in the exchange afterwards.
    async fn attempt(&mut self, steps: &mut [Step], group: &Group) -> Result<Progress> {
        self.exchange.begin(self.wire.position());
        self.exchange.harmless = group.reads;
        let written = self.write_group(steps, group).await;
        let paused = match written {
            Ok(paused) => paused,
            Err(error) => return Err(self.abandon(steps, group, error).await),
        };
        self.finish_writing(group)?;
        if paused {
            return Ok(Progress::Paused);
        }
        self.drive(steps, false).await
    }

    /// Ends what is written: the statements to forget, and the Sync.
    fn finish_writing(&mut self, group: &Group) -> Result<()> {
        if self.statements.closing() > 0 {
            self.statements.write_closing(&mut self.wire.out)?;
        }
        let bare_write = !group.reads && group.begin.is_none() && !group.commit && self.server_status == b'I';
        if bare_write {
            self.exchange.doubtful_from = Some(self.wire.position());
        }
        frontend::sync(&mut self.wire.out);
        self.exchange.ended = true;
        Ok(())
    }

    /// A parameter cannot be written: the server forgets what it was sent of the flush, or nothing was sent.
    async fn abandon(&mut self, steps: &mut [Step], group: &Group, error: Error) -> Error {
        if self.broken {
            return error;
        }
        if self.wire.written() == self.exchange.began_at {
            self.wire.drop_unsent();
            self.exchange.pending = false;
            self.statements.forget_unfinished();
            if self.server_status == b'I' && group.begin.is_some() && !group.commit {
                self.begin = group.begin.clone();
            }
            return error;
        }
        // Half of a flush is on its way: the Sync alone would keep it. An error of the server undoes it.
        let undone = frontend::parse("", "!", [], &mut self.wire.out);
        frontend::sync(&mut self.wire.out);
        self.exchange.ended = true;
        if undone.is_err() || self.drive(steps, false).await.is_err() {
            self.broken = true;
        }
        self.statements.forget_unfinished();
        error
    }

    /// Writes the messages of a group but its Sync. True when a sink paused meanwhile.
    async fn write_group(&mut self, steps: &mut [Step], group: &Group) -> Result<bool> {
        if let Some(begin) = &group.begin {
            self.write_control(begin, Role::Begin)?;
        }
        let mut paused = false;
        let fixed = |step: &Step| matches!(step.params, Params::Fixed(_));
        if group.reads && group.steps.len() > 1 && steps.get(group.steps.clone()).unwrap_or_default().iter().all(fixed) {
            self.write_reads(steps, group)?;
        } else {
            for index in group.steps.clone() {
                paused |= self.write_step(steps, index).await?;
            }
        }
        if group.commit {
            self.exchange.doubtful_from = Some(self.wire.position());
            self.write_control(&control::commit_text(), Role::Commit)?;
        }
        Ok(paused)
    }

    /// All Binds, then all Executes.
    fn write_reads(&mut self, steps: &[Step], group: &Group) -> Result<()> {
        let mut portal = String::new();
        for (place, step) in steps.get(group.steps.clone()).unwrap_or_default().iter().enumerate() {
            let Params::Fixed(params) = &step.params else { continue };
            portal_name(place, &mut portal);
            self.write_statement(&step.text, step.cache, params, Role::Step(group.steps.start + place), 1)?;
            self.write_values(params, &portal)?;
        }
        for place in 0..group.steps.len() {
            portal_name(place, &mut portal);
            frontend::execute(&portal, 0, &mut self.wire.out)?;
        }
        Ok(())
    }

    /// Writes one step. True when a sink paused while the step was being written.
    async fn write_step(&mut self, steps: &mut [Step], index: usize) -> Result<bool> {
        let many = match steps.get(index) {
            Some(step) => self.write_head(step, index)?,
            None => return Ok(false),
        };
        if many {
            return self.write_lists(steps, index).await;
        }
        if self.wire.out.len() > CHUNK { Ok(self.drive(steps, true).await? == Progress::Paused) } else { Ok(false) }
    }

    /// Writes a step of fixed parameters whole, of one of many lists what comes before the first list. True for the latter.
    #[inline]
    fn write_head(&mut self, step: &Step, index: usize) -> Result<bool> {
        match &step.params {
            Params::Fixed(params) => {
                self.write_statement(&step.text, step.cache, params, Role::Step(index), 1)?;
                self.write_values(params, "")?;
                frontend::execute("", 0, &mut self.wire.out)?;
                Ok(false)
            }
            Params::Many(lists) => {
                let Some(first) = lists.first() else { return Ok(false) };
                self.write_statement(&step.text, step.cache, first, Role::Step(index), lists.len())?;
                Ok(true)
            }
            Params::Derived(_) => Err(super::impossible("a derived step was not resolved")),
        }
    }

    /// Binds and executes a statement once for each list of parameters, reading the answers whenever a chunk is full.
    async fn write_lists(&mut self, steps: &mut [Step], index: usize) -> Result<bool> {
        let mut paused = false;
        let mut place = 0;
        // What the answers are read into must not hold the lists.
        let lists = match steps.get_mut(index).map(|step| std::mem::replace(&mut step.params, Params::Fixed(Vec::new()))) {
            Some(Params::Many(lists)) => lists,
            _ => return Err(super::impossible("a step of many lists lost them")),
        };
        let mut result = Ok(());
        while let Some(params) = lists.get(place) {
            result = check_same_types(&lists, params).and_then(|()| self.write_values(params, "")).and_then(|()| {
                frontend::execute("", 0, &mut self.wire.out)?;
                Ok(())
            });
            if result.is_err() || self.exchange.failure.is_some() {
                break;
            }
            place += 1;
            if !paused && self.wire.out.len() > CHUNK {
                match self.drive(steps, true).await {
                    Ok(progress) => paused |= progress == Progress::Paused,
                    Err(error) => result = Err(error),
                }
            }
            if result.is_err() {
                break;
            }
        }
        if let Some(step) = steps.get_mut(index) {
            step.params = Params::Many(lists);
        }
        result.map(|()| paused)
    }

    /// Writes Parse and Describe where the server does not know the statement, and notes the unit.
    fn write_statement(&mut self, text: &Arc<str>, cache: bool, params: &[Param], role: Role, times: usize) -> Result<()> {
        if self.unnamed || !(cache || needs_types(params)) {
            self.session_changed |= changes_session(text);
            self.write_parse("", text, params)?;
            self.exchange.units.push(Unit::new(role, 0, None, times));
            return Ok(());
        }
        let key = hash(text);
        let found = self.statements.find(key, text, params);
        let place = found.unwrap_or_else(|| self.statements.insert(key, text, params));
        let Some(statement) = self.statements.get(place) else { return Err(super::impossible("a statement vanished from its cache")) };
        self.session_changed |= statement.changes_session;
        self.exchange.units.push(Unit::new(role, statement.number, statement.described.clone(), times));
        if found.is_none() {
            let name = statement.name.clone();
            self.write_parse(&name, text, params)?;
        }
        Ok(())
    }

    fn write_parse(&mut self, name: &str, text: &str, params: &[Param]) -> Result<()> {
        let types = params.iter().map(|param| declared(param.bind));
        frontend::parse(name, text, types, &mut self.wire.out).map_err(|_| invalid_text(text, params.len()))?;
        frontend::describe(b'S', name, &mut self.wire.out)?;
        Ok(())
    }

    /// Writes a Bind of the statement that was written last.
    fn write_values(&mut self, params: &[Param], portal: &str) -> Result<()> {
        let Some(unit) = self.exchange.units.last() else { return Err(super::impossible("values without a statement")) };
        let mut name = [0u8; 24];
        let types = unit.described.as_deref().map(|described| described.types.as_slice()).unwrap_or_default();
        write_bind(portal, statement_name(unit.number, &mut name), params, types, &mut self.wire.out)
    }

    /// Writes a statement without parameters and rows: BEGIN, COMMIT.
    fn write_control(&mut self, text: &Arc<str>, role: Role) -> Result<()> {
        self.write_statement(text, true, &[], role, 1)?;
        self.write_values(&[], "")?;
        frontend::execute("", 0, &mut self.wire.out)?;
        Ok(())
    }

    /// The statements whose parameters cannot be written before the server has named their types.
    #[inline]
    fn unknown_types(&self, steps: &[Step]) -> Vec<(Arc<str>, Vec<Param>)> {
        let unknown = |step: &Step| match &step.params {
            Params::Fixed(params) if needs_types(params) && !self.unnamed => Some((step.text.clone(), params.clone())),
            Params::Fixed(_) | Params::Many(_) | Params::Derived(_) => None,
        };
        steps.iter().filter_map(unknown).collect()
    }

    /// Prepares a statement in an exchange of its own, to learn the types of its parameters.
    async fn prepare(&mut self, text: &Arc<str>, params: &[Param]) -> Result<()> {
        let key = hash(text);
        let known = self
            .statements
            .find(key, text, params)
            .and_then(|place| self.statements.get(place))
            .is_some_and(|known| known.described.is_some());
        if known {
            return Ok(());
        }
        self.exchange.begin(self.wire.position());
        let result = self.write_statement(text, true, params, Role::Prepare, 0);
        frontend::sync(&mut self.wire.out);
        self.exchange.ended = true;
        if let Err(error) = result {
            self.wire.drop_unsent();
            self.exchange.pending = false;
            self.statements.forget_unfinished();
            return Err(error);
        }
        self.drive(&mut [], false).await?;
        self.statements.forget_unfinished();
        self.outcome()
    }
}

/// Resolves a derived step. False when it is to be skipped.
fn derive(step: &mut Step) -> Result<bool> {
    match std::mem::replace(&mut step.params, Params::Fixed(Vec::new())) {
        Params::Derived(derive) => match derive()? {
            Some((text, params)) => {
                step.text = text;
                step.params = Params::Fixed(params);
                Ok(true)
            }
            None => {
                step.text = "".into();
                step.params = Params::Many(Vec::new());
                Ok(false)
            }
        },
        known => {
            let empty = matches!(&known, Params::Many(lists) if lists.is_empty());
            step.params = known;
            Ok(!empty)
        }
    }
}

/// Every list of a step must be of the types that the statement was prepared with.
fn check_same_types(lists: &[Vec<Param>], params: &[Param]) -> Result<()> {
    let first = lists.first().map(Vec::as_slice).unwrap_or_default();
    if first.len() == params.len() && first.iter().zip(params).all(|(one, other)| one.bind == other.bind) {
        return Ok(());
    }
    Err(super::impossible("the parameter lists of one step differ in their types"))
}

#[cold]
fn invalid_text(text: &str, params: usize) -> Error {
    if text.contains('\0') {
        return Error::usage("the text of the statement holds the character U+0000");
    }
    Error::usage(format!("a statement takes at most 65535 parameters, this one has {params}: pass a list as one parameter (`= ANY($1)`)"))
}

/// `s12`; empty for the unnamed statement.
fn statement_name(number: u64, buffer: &mut [u8; 24]) -> &str {
    if number == 0 {
        return "";
    }
    let mut place = buffer.len();
    let mut rest = number;
    while rest > 0 && place > 1 {
        place -= 1;
        buffer[place] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    place -= 1;
    buffer[place] = b's';
    std::str::from_utf8(buffer.get(place..).unwrap_or_default()).unwrap_or_default()
}

fn portal_name(place: usize, name: &mut String) {
    use std::fmt::Write;
    name.clear();
    // Writing into a String cannot fail.
    let _ = write!(name, "p{place}");
}
