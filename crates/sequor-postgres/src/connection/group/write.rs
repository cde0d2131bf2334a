//! Writing a flush: Parse where the server does not know a statement, Bind, Execute, and the Sync.

use super::Group;
use crate::connection::exchange::{Progress, Role, Unit};
use crate::connection::{PostgresConnection, control, impossible};
use crate::params::{declared, needs_types, write_bind};
use crate::statements::{changes_session, hash};
use bytes::BufMut;
use postgres_protocol::message::frontend;
use sequor_core::driver::{Param, Params, Step};
use sequor_core::{Error, Result};
use std::sync::Arc;

/// What is written before it is sent while more is being encoded. The answers are read meanwhile, so neither side can block the other.
const CHUNK: usize = 64 * 1024;
/// Execute of the unnamed portal, all rows.
const EXECUTE: &[u8] = b"E\0\0\0\x09\0\0\0\0\0";

impl PostgresConnection {
    /// Writes the messages of a group but its Sync. True when a sink paused meanwhile.
    pub(super) async fn write_group(&mut self, steps: &mut [Step], group: &Group) -> Result<bool> {
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
            self.write_values(params, &portal, &step.text)?;
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
            return Box::pin(self.write_lists(steps, index)).await;
        }
        if self.wire.out.len() > CHUNK { Ok(self.drive(steps, true).await? == Progress::Paused) } else { Ok(false) }
    }

    /// Writes a step of fixed parameters whole, of one of many lists what comes before the first list. True for the latter.
    #[inline]
    fn write_head(&mut self, step: &Step, index: usize) -> Result<bool> {
        match &step.params {
            Params::Fixed(params) => {
                self.write_statement(&step.text, step.cache, params, Role::Step(index), 1)?;
                self.write_values(params, "", &step.text)?;
                self.wire.out.put_slice(EXECUTE);
                Ok(false)
            }
            Params::Many(lists) => {
                let Some(first) = lists.first() else { return Ok(false) };
                self.write_statement(&step.text, step.cache, first, Role::Step(index), lists.len())?;
                Ok(true)
            }
            Params::Derived(_) => Err(impossible("a derived step was not resolved")),
        }
    }

    /// Binds and executes a statement once for each list of parameters, reading the answers whenever a chunk is full.
    async fn write_lists(&mut self, steps: &mut [Step], index: usize) -> Result<bool> {
        let mut paused = false;
        let mut place = 0;
        // What the answers are read into must not hold the lists.
        let taken = steps.get_mut(index).map(|step| (step.text.clone(), std::mem::replace(&mut step.params, Params::Fixed(Vec::new()))));
        let Some((text, Params::Many(lists))) = taken else { return Err(impossible("a step of many lists lost them")) };
        let mut result = Ok(());
        while let Some(params) = lists.get(place) {
            result = check_same_types(&lists, params).and_then(|()| self.write_values(params, "", &text));
            if result.is_ok() {
                self.wire.out.put_slice(EXECUTE);
            }
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
    pub(super) fn write_statement(&mut self, text: &Arc<str>, cache: bool, params: &[Param], role: Role, times: usize) -> Result<()> {
        if self.unnamed || !(cache || needs_types(params)) {
            return self.write_unnamed(text, params, role, times);
        }
        let key = hash(text);
        let found = self.statements.find(key, text, params, times);
        let place = found.unwrap_or_else(|| self.statements.insert(key, text, params, times));
        let Some(statement) = self.statements.get(place) else { return Err(impossible("a statement vanished from its cache")) };
        self.session_changed |= statement.changes_session;
        self.exchange.units.push(Unit::new(role, statement.number, statement.described.clone(), times));
        if found.is_none() {
            let name = statement.name.clone();
            self.write_parse(&name, text, params)?;
        }
        Ok(())
    }

    fn write_unnamed(&mut self, text: &Arc<str>, params: &[Param], role: Role, times: usize) -> Result<()> {
        self.session_changed |= changes_session(text);
        self.write_parse("", text, params)?;
        self.exchange.units.push(Unit::new(role, 0, None, times));
        Ok(())
    }

    fn write_parse(&mut self, name: &str, text: &str, params: &[Param]) -> Result<()> {
        let types = params.iter().map(|param| declared(param.bind));
        frontend::parse(name, text, types, &mut self.wire.out).map_err(|_| invalid_text(text, params.len()))?;
        frontend::describe(b'S', name, &mut self.wire.out)?;
        Ok(())
    }

    /// Writes a Bind of the statement that was written last.
    fn write_values(&mut self, params: &[Param], portal: &str, text: &Arc<str>) -> Result<()> {
        let Some(unit) = self.exchange.units.last() else { return Err(impossible("values without a statement")) };
        let mut name = [0u8; 40];
        let types = unit.described.as_deref().map(|described| described.types.as_slice()).unwrap_or_default();
        write_bind(portal, self.statements.name_of(unit.number, &mut name), params, types, &mut self.wire.out)
            .map_err(|error| error.in_statement(text))
    }

    /// Writes a statement without parameters and rows: BEGIN, COMMIT.
    fn write_control(&mut self, text: &Arc<str>, role: Role) -> Result<()> {
        self.write_statement(text, true, &[], role, 1)?;
        self.write_values(&[], "", text)?;
        self.wire.out.put_slice(EXECUTE);
        Ok(())
    }

    /// Ends what is written: the statements to forget, and the Sync.
    pub(super) fn finish_writing(&mut self, group: &Group) -> Result<()> {
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
}

/// Every list of a step must be of the types that the statement was prepared with.
fn check_same_types(lists: &[Vec<Param>], params: &[Param]) -> Result<()> {
    let first = lists.first().map(Vec::as_slice).unwrap_or_default();
    if first.len() == params.len() && first.iter().zip(params).all(|(one, other)| one.bind == other.bind) {
        return Ok(());
    }
    Err(impossible("the parameter lists of one step differ in their types"))
}

#[cold]
fn invalid_text(text: &str, params: usize) -> Error {
    if text.contains('\0') {
        return Error::usage("the text of the statement holds the character U+0000");
    }
    Error::usage(format!("a statement takes at most 65535 parameters, this one has {params}: pass a list as one parameter (`= ANY($1)`)"))
}

fn portal_name(place: usize, name: &mut String) {
    use std::fmt::Write;
    name.clear();
    // Writing into a String cannot fail.
    let _ = write!(name, "p{place}");
}
