//! [`Wire`]: packets over a [`Stream`], one buffer each way. Knows frames and their numbers, not what is in them.
//!
//! Every await leaves the buffers whole: a future that is dropped loses nothing, and the next call goes on where it stopped.

mod cursor;
mod replies;
mod stream;

pub(crate) use cursor::Cursor;
pub(crate) use replies::{Done, Event, Layout, Malformed, Replies, Reply, ServerError};
pub(crate) use stream::Stream;

use std::future::poll_fn;
use std::io;
use std::ops::Range;
use std::task::{Context, Poll, ready};

/// The longest body of one frame; a body of just this length is continued in the next frame.
const FRAME: usize = 0xff_ffff;
/// The longest packet that is put together from frames: what a server may be configured to send.
const LONGEST: usize = 1 << 30;
const FIRST_BUFFER: usize = 16 << 10;
const USUAL_BUFFER: usize = 64 << 10;
const LARGE_BUFFER: usize = 1 << 20;
/// How many full reads may follow each other before other tasks have their turn: about 1 MiB.
const STREAK: u8 = 16;

/// A stream with its buffers.
pub(crate) struct Wire {
    stream: Stream,
    /// Always initialised; `start..end` is what has come and was not taken yet.
    input: Vec<u8>,
    start: usize,
    end: usize,
    /// The number that the next frame of the server must carry.
    sequence: u8,
    /// How many reads in a row found bytes without waiting.
    streak: u8,
    output: Vec<u8>,
    written: usize,
}

impl Wire {
    /// Packets over this stream.
    pub(crate) fn new(stream: Stream) -> Wire {
        Wire {
            stream,
            input: vec![0; FIRST_BUFFER],
            start: 0,
            end: 0,
            sequence: 0,
            streak: 0,
            output: Vec::with_capacity(1024),
            written: 0,
        }
    }

    /// The stream.
    pub(crate) fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// The stream without its buffers, or nothing when bytes have come that nobody asked for.
    pub(crate) fn into_stream(self) -> Option<Stream> {
        (self.start == self.end).then_some(self.stream)
    }

    /// Whether bytes have come that were not taken.
    pub(crate) fn has_input(&self) -> bool {
        self.start < self.end
    }

    /// What has come and was not taken.
    pub(crate) fn waiting(&self) -> &[u8] {
        self.input.get(self.start..self.end).unwrap_or_default()
    }

    /// The bytes of a packet; good until the next [`Wire::fill`].
    #[inline]
    pub(crate) fn body(&self, range: Range<usize>) -> &[u8] {
        self.input.get(range).unwrap_or_default()
    }

    /// The number of the next frame that the server sends.
    pub(crate) fn expect_sequence(&mut self, sequence: u8) {
        self.sequence = sequence;
    }

    /// The number of the next frame, whichever side sends it.
    pub(crate) fn sequence(&self) -> u8 {
        self.sequence
    }

    /// The next packet, if all of it has come.
    #[inline]
    pub(crate) fn packet(&mut self) -> Result<Option<Range<usize>>, Malformed> {
        let Some((length, sequence)) = self.header(self.start) else { return Ok(None) };
        if length == FRAME {
            return self.joined();
        }
        let body = self.start + 4..self.start + 4 + length;
        if body.end > self.end {
            return Ok(None);
        }
        self.count(sequence)?;
        self.start = body.end;
        Ok(Some(body))
    }

    #[inline]
    fn header(&self, at: usize) -> Option<(usize, u8)> {
        let [a, b, c, sequence] = *self.input.get(at..self.end)?.first_chunk::<4>()?;
        Some((usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16, sequence))
    }

    #[inline]
    fn count(&mut self, sequence: u8) -> Result<(), Malformed> {
        if sequence != self.sequence {
            return Err(Malformed("packets out of order"));
        }
        self.sequence = sequence.wrapping_add(1);
        Ok(())
    }

    /// Joins frames in place once the last of them has come.
    fn joined(&mut self) -> Result<Option<Range<usize>>, Malformed> {
        let mut at = self.start;
        loop {
            let Some((length, _)) = self.header(at) else { return self.not_too_long(at) };
            at += 4 + length;
            if at > self.end {
                return self.not_too_long(at);
            }
            if length < FRAME {
                break;
            }
        }
        let body = self.start + 4;
        let (mut from, mut to) = (self.start, body);
        while from < at {
            let Some((length, sequence)) = self.header(from) else { return Err(Malformed("frames that do not join")) };
            self.count(sequence)?;
            self.input.copy_within(from + 4..from + 4 + length, to);
            from += 4 + length;
            to += length;
        }
        self.start = at;
        Ok(Some(body..to))
    }

    fn not_too_long(&self, at: usize) -> Result<Option<Range<usize>>, Malformed> {
        if at - self.start > LONGEST { Err(Malformed("a packet of more than 1 GiB")) } else { Ok(None) }
    }

    /// Waits for bytes. A server that is always quicker than we are does not keep the thread for itself: other tasks have their turn in between.
    #[inline]
    pub(crate) async fn fill(&mut self) -> io::Result<()> {
        poll_fn(|cx| {
            if self.streak >= STREAK {
                self.streak = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let polled = self.poll_fill(cx);
            self.streak = if polled.is_pending() { 0 } else { self.streak + 1 };
            polled
        })
        .await
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.make_room();
        let room = self.input.get_mut(self.end..).unwrap_or_default();
        let space = room.len();
        let count = ready!(self.stream.poll_read(cx, room))?;
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        self.end += count;
        if count == space && self.input.len() < USUAL_BUFFER {
            self.input.resize(USUAL_BUFFER, 0);
        }
        Poll::Ready(Ok(()))
    }

    /// Room at the end of the buffer. It grows with what has come, never with what a header promises.
    fn make_room(&mut self) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.input.len() > LARGE_BUFFER {
                self.input = vec![0; USUAL_BUFFER];
            }
        }
        let room = self.input.len() - self.end;
        if self.start > 0 && room < self.input.len() / 4 {
            self.input.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.input.len() {
            self.input.resize(self.input.len() * 2, 0);
        }
    }

    /// What is to be sent; commands are appended here between [`Wire::open`] and [`Wire::seal`].
    pub(crate) fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Opens a packet: its header is written by [`Wire::seal`].
    #[inline]
    pub(crate) fn open(&mut self) -> usize {
        let mark = self.output.len();
        self.output.extend_from_slice(&[0; 4]);
        mark
    }

    /// Takes back everything since a mark.
    pub(crate) fn undo(&mut self, mark: usize) {
        self.output.truncate(mark);
    }

    /// The length of the packet that was opened at a mark.
    pub(crate) fn opened_length(&self, mark: usize) -> usize {
        self.output.len().saturating_sub(mark + 4)
    }

    /// Writes the header of the packet opened at a mark, and splits it into frames when it is long. Gives the number that follows its last frame.
    #[inline]
    pub(crate) fn seal(&mut self, mark: usize, sequence: u8) -> u8 {
        let length = self.opened_length(mark);
        if length >= FRAME {
            return self.seal_frames(mark, sequence);
        }
        self.write_header(mark, length, sequence);
        sequence.wrapping_add(1)
    }

    fn write_header(&mut self, at: usize, length: usize, sequence: u8) {
        // A frame's length fits into three bytes: `seal` and `seal_frames` see to it.
        let [a, b, c, ..] = length.to_le_bytes();
        if let Some(header) = self.output.get_mut(at..at + 4) {
            header.copy_from_slice(&[a, b, c, sequence]);
        }
    }

    #[cold]
    fn seal_frames(&mut self, mark: usize, mut sequence: u8) -> u8 {
        let length = self.opened_length(mark);
        let more = length / FRAME;
        let old_end = self.output.len();
        self.output.resize(old_end + 4 * more, 0);
        // From the last frame backwards, so that nothing is overwritten before it has moved.
        for frame in (1..=more).rev() {
            let from = mark + 4 + frame * FRAME;
            let to = from + 4 * frame;
            let end = (from + FRAME).min(old_end);
            self.output.copy_within(from..end, to);
        }
        for frame in 0..=more {
            let at = mark + frame * (FRAME + 4);
            self.write_header(at, (length - frame * FRAME).min(FRAME), sequence);
            sequence = sequence.wrapping_add(1);
        }
        sequence
    }

    /// Whether anything is left to send.
    pub(crate) fn has_output(&self) -> bool {
        self.written < self.output.len()
    }

    /// Whether a byte of what is left to send has gone out already.
    pub(crate) fn has_sent(&self) -> bool {
        self.written > 0
    }

    /// Sends everything. While the line is full it reads, so that two full lines never wait for each other.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_send(cx)).await
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(bytes @ [_, ..]) = self.output.get(self.written..) {
            match self.stream.poll_write(cx, bytes) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => self.written += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    while self.end - self.start < LARGE_BUFFER {
                        ready!(self.poll_fill(cx))?;
                    }
                    return Poll::Pending;
                }
            }
        }
        ready!(self.stream.poll_flush(cx))?;
        self.written = 0;
        if self.output.capacity() > LARGE_BUFFER {
            self.output = Vec::with_capacity(1024);
        }
        self.output.clear();
        Poll::Ready(Ok(()))
    }
}
