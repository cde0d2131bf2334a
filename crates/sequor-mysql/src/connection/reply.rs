//! Reading an answer: its columns, its rows into the sink, its end. What has come is worked through without an await.

use super::MysqlConnection;
use crate::rows::{Collector, Columns, Format, Row};
use crate::wire::{Done, Event, Malformed, ServerError};
use sequor_core::driver::{Flow, RowSink};
use sequor_core::{Error, Result};
use std::sync::Arc;

/// What statements did, added up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outcome {
    pub(super) affected: u64,
    pub(super) last_insert_id: Option<i64>,
}

impl Outcome {
    /// Adds what another one did.
    pub(super) fn add(&mut self, other: Outcome) {
        self.affected = self.affected.saturating_add(other.affected);
        self.last_insert_id = other.last_insert_id.or(self.last_insert_id);
    }

    fn count(&mut self, done: Done) {
        self.affected = self.affected.saturating_add(done.affected);
        if done.last_insert_id != 0 {
            self.last_insert_id = i64::try_from(done.last_insert_id).ok();
        }
    }
}

/// An answer that is being read.
pub(super) struct Reading {
    format: Format,
    /// Where the statement is whose columns are learnt; those of the results behind the first are nobody's.
    place: Option<usize>,
    stage: Stage,
    pub(super) outcome: Outcome,
}

enum Stage {
    /// A result comes next.
    Head,
    /// So many columns are being defined.
    Definitions(Collector, u32),
    /// Rows of these columns.
    Rows(Arc<Columns>),
}

/// How far an answer was read.
pub(super) enum Ended {
    /// To its end.
    Finished(Outcome),
    /// Up to where the sink wanted a pause.
    Paused(Reading),
}

/// What came of the bytes that are here.
pub(super) enum Progress {
    /// More bytes are needed.
    More,
    /// The answer is at its end.
    Finished,
    /// The sink wants a pause.
    Paused,
    /// The sink wants no more, or failed: the rest of the answer is to be read.
    Stopped(Option<Error>),
    /// The server refused, or broke the protocol.
    Failed(Error),
}

impl Reading {
    /// The answer to a prepared statement.
    #[inline]
    pub(super) fn prepared(place: usize) -> Reading {
        Reading { format: Format::Binary, place: Some(place), stage: Stage::Head, outcome: Outcome::default() }
    }

    /// The answer to a plain query.
    pub(super) fn plain() -> Reading {
        Reading { format: Format::Text, place: None, stage: Stage::Head, outcome: Outcome::default() }
    }
}

impl MysqlConnection {
    /// Reads an answer and pushes its rows.
    pub(super) async fn read_reply(&mut self, mut reading: Reading, sink: &mut dyn RowSink) -> Result<Ended> {
        loop {
            match self.advance(&mut reading, sink) {
                Progress::More => self.fill().await?,
                Progress::Finished => return Ok(Ended::Finished(reading.outcome)),
                Progress::Paused => return Ok(Ended::Paused(reading)),
                Progress::Failed(error) => return Err(error),
                Progress::Stopped(error) => {
                    self.finish_reply().await?;
                    return error.map_or(Ok(Ended::Finished(reading.outcome)), Err);
                }
            }
        }
    }

    /// Works through what has come.
    pub(super) fn advance(&mut self, reading: &mut Reading, sink: &mut dyn RowSink) -> Progress {
        loop {
            let moved = match &mut reading.stage {
                Stage::Rows(_) => self.push_rows(reading, sink),
                Stage::Head => self.read_head(reading, sink),
                Stage::Definitions(..) => self.read_definitions(reading, sink),
            };
            if let Some(progress) = moved {
                return progress;
            }
        }
    }

    fn read_head(&mut self, reading: &mut Reading, sink: &mut dyn RowSink) -> Option<Progress> {
        match self.buffered_event() {
            Ok(Some((Event::Done(done), _))) => {
                reading.outcome.count(done);
                (!done.more).then_some(Progress::Finished)
            }
            Ok(Some((Event::Columns { count, follow }, _))) => self.begin_columns(reading, sink, count, follow),
            Ok(Some((Event::Failed, range))) => Some(Progress::Failed(self.refused(range))),
            Ok(Some(_)) => Some(self.broke_off("no result")),
            Ok(None) => Some(Progress::More),
            Err(malformed) => Some(Progress::Failed(self.malformed(malformed))),
        }
    }

    fn begin_columns(&mut self, reading: &mut Reading, sink: &mut dyn RowSink, count: u32, follow: bool) -> Option<Progress> {
        let known =
            reading.place.and_then(|place| self.statements.at(place)).map(|statement| statement.columns.clone()).unwrap_or_default();
        if follow || self.replies.in_definitions() {
            let collector = Collector::new(known, follow, self.replies.layout().extended_definitions);
            reading.stage = Stage::Definitions(collector, count);
            return None;
        }
        self.begin_rows(reading, sink, known, count)
    }

    fn read_definitions(&mut self, reading: &mut Reading, sink: &mut dyn RowSink) -> Option<Progress> {
        while self.replies.in_definitions() {
            match self.buffered_event() {
                Ok(Some((Event::Definition, range))) => {
                    if let Stage::Definitions(collector, _) = &mut reading.stage {
                        collector.add(self.wire.body(range));
                    }
                }
                Ok(Some((Event::Skip, _))) => {}
                Ok(Some((Event::Failed, range))) => return Some(Progress::Failed(self.refused(range))),
                Ok(Some(_)) => return Some(self.broke_off("no definition")),
                Ok(None) => return Some(Progress::More),
                Err(malformed) => return Some(Progress::Failed(self.malformed(malformed))),
            }
        }
        let Stage::Definitions(collector, count) = std::mem::replace(&mut reading.stage, Stage::Head) else { return None };
        match collector.finish() {
            Ok(columns) => self.begin_rows(reading, sink, columns, count),
            Err(malformed) => Some(Progress::Failed(self.malformed(malformed))),
        }
    }

    /// Learns the columns and tells the sink their names.
    fn begin_rows(&mut self, reading: &mut Reading, sink: &mut dyn RowSink, columns: Arc<Columns>, count: u32) -> Option<Progress> {
        if u32::try_from(columns.len()) != Ok(count) {
            return Some(self.broke_off("columns that were not announced"));
        }
        let statement = reading.place.and_then(|place| self.statements.at_mut(place));
        if let Some(statement) = statement.filter(|statement| !Arc::ptr_eq(&statement.columns, &columns)) {
            statement.columns = columns.clone();
        }
        let told = if sink.wants_names() { columns.with_names(|names| sink.columns(names)) } else { Ok(()) };
        reading.stage = Stage::Rows(columns);
        told.err().map(|error| Progress::Stopped(Some(error)))
    }

    /// Pushes the rows that have come.
    fn push_rows(&mut self, reading: &mut Reading, sink: &mut dyn RowSink) -> Option<Progress> {
        let Stage::Rows(columns) = &reading.stage else { return None };
        loop {
            let range = match self.wire.packet() {
                Ok(Some(range)) => range,
                Ok(None) => return Some(Progress::More),
                Err(malformed) => return Some(Progress::Failed(self.malformed(malformed))),
            };
            let body = self.wire.body(range);
            let flow = match self.replies.feed(body) {
                Ok(Event::Row) => {
                    reading.outcome.affected += 1;
                    match reading.format {
                        Format::Binary => sink.row(&mut Row::<false>::new(body, columns.list(), &mut self.starts)),
                        Format::Text => sink.row(&mut Row::<true>::new(body, columns.list(), &mut self.starts)),
                    }
                }
                Ok(Event::Done(done)) => {
                    reading.outcome.count(Done { affected: 0, ..done });
                    (reading.stage, reading.place) = (Stage::Head, None);
                    return (!done.more).then_some(Progress::Finished);
                }
                Ok(Event::Failed) => {
                    let error = ServerError::parse(body);
                    return Some(Progress::Failed(self.refused_as(&error)));
                }
                Ok(_) => return Some(self.broke_off("no row")),
                Err(malformed) => return Some(Progress::Failed(self.malformed(malformed))),
            };
            match flow {
                Ok(Flow::Continue) => {}
                Ok(Flow::Pause) => return Some(Progress::Paused),
                Ok(Flow::Stop) => return Some(Progress::Stopped(None)),
                Err(error) => return Some(Progress::Stopped(Some(error))),
            }
        }
    }

    #[cold]
    fn broke_off(&mut self, what: &'static str) -> Progress {
        Progress::Failed(self.malformed(Malformed(what)))
    }
}
