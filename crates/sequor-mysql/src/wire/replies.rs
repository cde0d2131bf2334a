//! [`Replies`]: which answers are still to come, and what each packet of them is. No I/O.
//!
//! The place in the conversation lives here and nowhere else, so that a cut exchange can always be read to its end.

use super::Cursor;
use mysql_common::constants::StatusFlags;
use std::collections::VecDeque;

/// Bytes that break the protocol, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// The answer that a command gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// OK or an error.
    Ok,
    /// A statement's number, its parameters and columns.
    Prepare,
    /// OK, an error, or rows.
    Rows,
}

/// What the two sides agreed on about the form of answers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Layout {
    /// Rows end with an OK packet, and definitions with nothing (`CLIENT_DEPRECATE_EOF`).
    pub(crate) without_eof: bool,
    /// Definitions that have not changed are left out (MariaDB).
    pub(crate) cached_definitions: bool,
    /// Definitions name formats and types beyond MySQL's (MariaDB).
    pub(crate) extended_definitions: bool,
}

/// What an OK packet says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// Rows changed or matched.
    pub(crate) affected: u64,
    /// The first generated key, or 0.
    pub(crate) last_insert_id: u64,
    /// Whether another result follows in the same answer.
    pub(crate) more: bool,
}

/// What one packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The end of a result.
    Done(Done),
    /// An error: the end of the answer.
    Failed,
    /// A statement is prepared; its definitions follow.
    Prepared {
        /// Its number.
        id: u32,
        /// How many parameters it takes.
        parameters: u16,
        /// How many columns it returns, as far as is known now.
        columns: u16,
    },
    /// Rows will follow.
    Columns {
        /// How many columns.
        count: u32,
        /// Whether their definitions come first.
        follow: bool,
    },
    /// The definition of a column.
    Definition,
    /// A row.
    Row,
    /// Nothing of interest.
    Skip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Head,
    /// Packets to pass over, then definitions, then perhaps an EOF, then rows or the end.
    Definitions {
        skip: u32,
        left: u32,
        eof: bool,
        rows: bool,
    },
    Rows,
}

/// The answers that are still to come, and how far the first of them has been read.
pub(crate) struct Replies {
    queue: VecDeque<(Reply, u8)>,
    stage: Stage,
    /// Whether a packet of the first answer has come.
    started: bool,
    layout: Layout,
    status: u16,
}

impl Replies {
    /// Nothing to come.
    pub(crate) fn new(layout: Layout, status: u16) -> Replies {
        Replies { queue: VecDeque::with_capacity(4), stage: Stage::Head, started: false, layout, status }
    }

    /// What the two sides agreed on.
    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// The server's status flags, as it last sent them.
    #[inline]
    pub(crate) fn status(&self) -> StatusFlags {
        StatusFlags::from_bits_truncate(self.status)
    }

    /// Forgets that the session was reported as changed.
    pub(crate) fn clear_session_change(&mut self) {
        self.status &= !StatusFlags::SERVER_SESSION_STATE_CHANGED.bits();
    }

    /// Adds an answer to come; its first frame will carry this number.
    pub(crate) fn expect(&mut self, reply: Reply, sequence: u8) {
        self.queue.push_back((reply, sequence));
    }

    /// How many answers are not at their end.
    #[inline]
    pub(crate) fn pending(&self) -> usize {
        self.queue.len()
    }

    /// Whether the next packet begins an answer; its frame's number then.
    #[inline]
    pub(crate) fn first_sequence(&self) -> Option<u8> {
        if self.started {
            return None;
        }
        self.queue.front().map(|(_, sequence)| *sequence)
    }

    /// Whether definitions are being read.
    pub(crate) fn in_definitions(&self) -> bool {
        matches!(self.stage, Stage::Definitions { .. })
    }

    /// Takes the next packet.
    #[inline]
    pub(crate) fn feed(&mut self, packet: &[u8]) -> Result<Event, Malformed> {
        match self.stage {
            Stage::Rows if !matches!(packet.first(), Some(0xfe | 0xff)) => Ok(Event::Row),
            Stage::Rows => self.end_of_rows(packet),
            Stage::Head => self.head(packet),
            Stage::Definitions { .. } => self.definition(packet),
        }
    }

    fn head(&mut self, packet: &[u8]) -> Result<Event, Malformed> {
        self.started = true;
        let Some((reply, _)) = self.queue.front() else { return Err(Malformed("a packet that nobody asked for")) };
        match (packet.first(), reply) {
            (None, _) => Err(Malformed("an empty packet")),
            (Some(0xff), _) => Ok(self.failed()),
            (Some(0), Reply::Ok | Reply::Rows) => self.done(packet),
            (Some(0), Reply::Prepare) => self.prepared(packet),
            (Some(0xfb), Reply::Rows) => Err(Malformed("the server asks for a local file, which is never sent")),
            (Some(_), Reply::Rows) => self.columns(packet),
            (Some(_), _) => Err(Malformed("neither OK nor an error")),
        }
    }

    fn failed(&mut self) -> Event {
        self.next();
        Event::Failed
    }

    fn next(&mut self) {
        self.queue.pop_front();
        self.stage = Stage::Head;
        self.started = false;
    }

    /// An OK packet; also the end of rows where EOF packets are gone.
    fn done(&mut self, packet: &[u8]) -> Result<Event, Malformed> {
        let mut cursor = Cursor::new(packet);
        let fields = (|| {
            cursor.u8()?;
            Some((cursor.length()?, cursor.length()?, cursor.u16()?))
        })();
        let Some((affected, last_insert_id, mut status)) = fields else { return Err(Malformed("a cut OK packet")) };
        let changed = StatusFlags::SERVER_SESSION_STATE_CHANGED.bits();
        if status & changed != 0 && tells_of_transactions_alone(cursor) {
            status &= !changed;
        }
        Ok(self.finished(affected, last_insert_id, status))
    }

    fn finished(&mut self, affected: u64, last_insert_id: u64, status: u16) -> Event {
        let changed = self.status & StatusFlags::SERVER_SESSION_STATE_CHANGED.bits();
        self.status = status | changed;
        let more = status & StatusFlags::SERVER_MORE_RESULTS_EXISTS.bits() != 0;
        if more {
            self.stage = Stage::Head;
        } else {
            self.next();
        }
        Event::Done(Done { affected, last_insert_id, more })
    }

    fn prepared(&mut self, packet: &[u8]) -> Result<Event, Malformed> {
        let mut cursor = Cursor::new(packet);
        let fields = (|| {
            cursor.u8()?;
            Some((cursor.u32()?, cursor.u16()?, cursor.u16()?))
        })();
        let Some((id, columns, parameters)) = fields else { return Err(Malformed("a cut answer to a prepare")) };
        let eof = !self.layout.without_eof;
        let skip = u32::from(parameters) + u32::from(eof && parameters > 0);
        if skip == 0 && columns == 0 {
            self.next();
        } else {
            self.stage = Stage::Definitions { skip, left: columns.into(), eof: eof && columns > 0, rows: false };
        }
        Ok(Event::Prepared { id, parameters, columns })
    }

    fn columns(&mut self, packet: &[u8]) -> Result<Event, Malformed> {
        let mut cursor = Cursor::new(packet);
        let count = cursor.length().and_then(|count| u32::try_from(count).ok()).filter(|count| (1..=4096).contains(count));
        let Some(count) = count else { return Err(Malformed("a wrong number of columns")) };
        let follow = !self.layout.cached_definitions || cursor.u8() != Some(0);
        let eof = !self.layout.without_eof;
        self.stage = match (follow, eof) {
            (false, false) => Stage::Rows,
            (follow, eof) => Stage::Definitions { skip: 0, left: if follow { count } else { 0 }, eof, rows: true },
        };
        Ok(Event::Columns { count, follow })
    }

    fn definition(&mut self, packet: &[u8]) -> Result<Event, Malformed> {
        if packet.first() == Some(&0xff) {
            return Ok(self.failed());
        }
        let Stage::Definitions { mut skip, mut left, mut eof, rows } = self.stage else { return Err(Malformed("no definition")) };
        let event = if skip > 0 {
            skip -= 1;
            Event::Skip
        } else if left > 0 {
            left -= 1;
            Event::Definition
        } else {
            eof = false;
            Event::Skip
        };
        match (skip == 0 && left == 0 && !eof, rows) {
            (true, true) => self.stage = Stage::Rows,
            (true, false) => self.next(),
            (false, _) => self.stage = Stage::Definitions { skip, left, eof, rows },
        }
        Ok(event)
    }

    fn end_of_rows(&mut self, packet: &[u8]) -> Result<Event, Malformed> {
        // A row of the text protocol may begin with 0xfe, a length of eight bytes: only in a packet that long.
        if packet.len() >= super::FRAME {
            return Ok(Event::Row);
        }
        if packet.first() == Some(&0xff) {
            return Ok(self.failed());
        }
        if self.layout.without_eof {
            return self.done(packet);
        }
        let mut cursor = Cursor::new(packet);
        let status = (|| {
            cursor.u8()?;
            cursor.u16()?;
            cursor.u16()
        })();
        match status {
            Some(status) => Ok(self.finished(0, 0, status)),
            None => Err(Malformed("a cut EOF packet")),
        }
    }
}

/// Whether what an OK packet says of the session, behind its status, is how its transaction stands and nothing else: MySQL 9.7 says that at every begin and end,
/// whatever `session_track_transaction_info` is. Where the packet does not say what has changed, anything may have.
fn tells_of_transactions_alone(mut cursor: Cursor<'_>) -> bool {
    /// `SESSION_TRACK_TRANSACTION_CHARACTERISTICS` and `SESSION_TRACK_TRANSACTION_STATE`.
    const OF_TRANSACTIONS: [u8; 2] = [4, 5];
    let changes = (|| {
        let _warnings = cursor.u16()?;
        let _sentence = cursor.bytes()?;
        cursor.bytes()
    })();
    let Some(changes) = changes.filter(|changes| !changes.is_empty()) else { return false };
    let mut changes = Cursor::new(changes);
    while !changes.rest().is_empty() {
        if !changes.u8().is_some_and(|kind| OF_TRANSACTIONS.contains(&kind)) || changes.bytes().is_none() {
            return false;
        }
    }
    true
}

/// An error packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerError {
    /// The server's number.
    pub(crate) code: u16,
    /// Its sentence.
    pub(crate) message: String,
}

impl ServerError {
    /// Reads the packet; a cut one keeps what is there.
    pub(crate) fn parse(packet: &[u8]) -> ServerError {
        let mut cursor = Cursor::new(packet);
        let code = cursor.u8().and_then(|_| cursor.u16()).unwrap_or_default();
        let text = match cursor.rest() {
            [b'#', rest @ ..] => rest.get(5..).unwrap_or_default(),
            rest => rest,
        };
        ServerError { code, message: String::from_utf8_lossy(text).into_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::{Layout, Replies, Reply};
    use mysql_common::constants::StatusFlags;

    /// Whether an OK packet with these words about the session says that it was changed.
    fn changes(words: &[u8]) -> bool {
        let mut replies = Replies::new(Layout::default(), 0);
        replies.expect(Reply::Ok, 1);
        let packet = [&[0, 0, 0, 0x03, 0x40, 0, 0][..], words].concat();
        replies.feed(&packet).unwrap();
        replies.status().contains(StatusFlags::SERVER_SESSION_STATE_CHANGED)
    }

    #[test]
    fn the_state_of_a_transaction_is_no_change_of_the_session() {
        // MySQL 9.7: START TRANSACTION; the same with an isolation level; SET autocommit = 0; the same in a transaction; USE; nothing said.
        assert!(!changes(b"\x00\x0b\x05\x09\x08T_______"));
        assert!(!changes(b"\x00\x10\x05\x09\x08T_______\x04\x03\x02ab"));
        assert!(changes(b"\x00\x14\x00\x0f\nautocommit\x03OFF\x02\x011"));
        assert!(changes(b"\x00\x1f\x05\x09\x08T_______\x00\x0f\nautocommit\x03OFF\x02\x011"));
        assert!(changes(b"\x00\x06\x01\x04\x03abc"));
        assert!(changes(b""));
        assert!(changes(b"\x00\x0b\x05\x0a\x08T_______"));
    }
}
