//! [`Wire`]: the socket with its two buffers. Whole messages are found here, in place; what they mean is not known here.

mod socket;

pub(crate) use socket::Socket;

use bytes::BytesMut;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How large the read buffer starts.
const SMALL: usize = 16 * 1024;
/// How large it grows by itself when rows keep coming; only a single larger message makes it larger.
const LARGE: usize = 64 * 1024;
/// A buffer above this is given back once it is empty.
const KEPT: usize = 1024 * 1024;
/// PostgreSQL never sends more in one message.
const MESSAGE_LIMIT: usize = 0x4000_0000;

/// The socket of one connection, what is to be written and what was read.
pub(crate) struct Wire {
    socket: Socket,
    /// Messages to write, from `sent` on.
    pub(crate) out: BytesMut,
    sent: usize,
    flushed: bool,
    /// How many bytes were written since the connection began.
    written: u64,
    /// Read bytes, from `start` to `end`.
    pub(crate) input: Vec<u8>,
    pub(crate) start: usize,
    end: usize,
}

/// One whole message in the read buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    pub(crate) tag: u8,
    /// Where its body starts and ends in [`Wire::input`].
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Wire {
    /// A wire with empty buffers.
    pub(crate) fn new(socket: Socket) -> Wire {
        Wire { socket, out: BytesMut::with_capacity(4096), sent: 0, flushed: true, written: 0, input: vec![0; SMALL], start: 0, end: 0 }
    }

    /// The socket, to wrap it into TLS. Nothing of ours may wait in the buffers.
    pub(crate) fn into_socket(self) -> Socket {
        self.socket
    }

    /// The socket.
    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// What was read and not looked at yet.
    pub(crate) fn unread(&self) -> &[u8] {
        self.input.get(self.start..self.end).unwrap_or_default()
    }

    /// How many bytes were written since the connection began.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// What [`Wire::written`] will be once all of `out` is written.
    pub(crate) fn position(&self) -> u64 {
        self.written + u64::try_from(self.out.len() - self.sent).unwrap_or(0)
    }

    /// Whether all of `out` is written.
    pub(crate) fn is_written(&self) -> bool {
        self.sent == self.out.len() && self.flushed
    }

    /// Gives the buffer of a huge message back.
    #[inline]
    pub(crate) fn shrink(&mut self) {
        if self.input.len() > KEPT && self.start == self.end {
            (self.start, self.end) = (0, 0);
            self.input = vec![0; LARGE];
        }
    }

    /// Forgets what is written.
    #[inline]
    pub(crate) fn clear_written(&mut self) {
        if self.sent == self.out.len() {
            self.out.clear();
            self.sent = 0;
            if self.out.capacity() > KEPT {
                self.out = BytesMut::with_capacity(4096);
            }
        }
    }

    /// Takes the next whole message out of the buffer; `limit` is the longest one that is believed.
    #[inline]
    pub(crate) fn next(&mut self, limit: usize) -> io::Result<Option<Message>> {
        let have = self.end - self.start;
        let Some((head, _)) = self.input.get(self.start..self.end).and_then(|bytes| bytes.split_first_chunk::<5>()) else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes([head[1], head[2], head[3], head[4]])).unwrap_or(usize::MAX);
        if length < 4 || length > limit.min(MESSAGE_LIMIT) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a message of an impossible length"));
        }
        if have <= length {
            return Ok(None);
        }
        let message = Message { tag: head[0], start: self.start + 5, end: self.start + 1 + length };
        self.start = message.end;
        Ok(Some(message))
    }

    /// The body of a message.
    #[inline]
    pub(crate) fn body(&self, message: Message) -> &[u8] {
        self.input.get(message.start..message.end).unwrap_or_default()
    }

    /// Writes what there is to write and reads what there is to read, whichever goes first.
    ///
    /// Ready with the number of bytes read; with 0 when `until_written` is asked for and all is written. The end of the stream is an error.
    #[inline]
    pub(crate) fn poll(&mut self, context: &mut Context<'_>, until_written: bool) -> Poll<io::Result<usize>> {
        let mut write_failed = None;
        match self.poll_write(context) {
            Poll::Ready(Ok(())) if until_written => return Poll::Ready(Ok(0)),
            Poll::Ready(Err(error)) => write_failed = Some(error),
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        // A server that closes says why before: read on although writing failed.
        match (self.poll_read(context), write_failed) {
            (Poll::Ready(Ok(0)) | Poll::Pending, Some(error)) => Poll::Ready(Err(error)),
            (Poll::Ready(Ok(0)), None) => {
                Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")))
            }
            (Poll::Ready(Ok(count)), _) => Poll::Ready(Ok(count)),
            (Poll::Ready(Err(error)), _) => Poll::Ready(Err(error)),
            (Poll::Pending, None) => Poll::Pending,
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(bytes) = self.out.get(self.sent..).filter(|bytes| !bytes.is_empty()) {
            self.flushed = false;
            let count = ready!(Pin::new(&mut self.socket).poll_write(context, bytes))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += count;
            self.written += u64::try_from(count).unwrap_or(0);
        }
        if !self.flushed {
            ready!(Pin::new(&mut self.socket).poll_flush(context))?;
            self.flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads once into the buffer; 0 is the end of the stream.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.make_room();
        let Some(room) = self.input.get_mut(self.end..) else { return Poll::Pending };
        let whole = room.len();
        let mut buffer = ReadBuf::new(room);
        ready!(Pin::new(&mut self.socket).poll_read(context, &mut buffer))?;
        let count = buffer.filled().len();
        self.end += count;
        // A read that fills a small buffer asks for a larger one.
        if count == whole && self.input.len() < LARGE {
            self.input.resize(LARGE, 0);
        }
        Poll::Ready(Ok(count))
    }

    /// Moves the rest of a message to the front and grows the buffer when a single message needs it. Growth follows the bytes that arrived, not the length
    /// that was claimed.
    fn make_room(&mut self) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.start > 0 {
            self.input.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.input.len() {
            self.input.resize(self.input.len().saturating_mul(2), 0);
        }
    }

    /// Drops the messages that nobody began to write. True when any was dropped: the exchange then lacks its end.
    pub(crate) fn drop_unsent(&mut self) -> bool {
        let mut place = 0;
        while place < self.sent {
            let Some(length) = self.out.get(place + 1..place + 5).and_then(|bytes| bytes.first_chunk::<4>()) else { break };
            place += 1 + usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX - 8);
        }
        let dropped = place < self.out.len();
        self.out.truncate(place);
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(bytes: &[u8]) -> Wire {
        let mut wire = Wire::new(Socket::Closed);
        wire.input[..bytes.len()].copy_from_slice(bytes);
        wire.end = bytes.len();
        wire
    }

    #[test]
    fn messages_are_found_whole_or_not_at_all() {
        let bytes = [b'Z', 0, 0, 0, 5, b'I', b'2', 0, 0, 0, 4];
        for length in 0..bytes.len() {
            let mut wire = wire(&bytes[..length]);
            let first = wire.next(MESSAGE_LIMIT).unwrap();
            assert_eq!(first.is_some(), length >= 6, "{length}");
            assert!(wire.next(MESSAGE_LIMIT).unwrap().is_none());
        }
        let mut wire = wire(&bytes);
        let first = wire.next(MESSAGE_LIMIT).unwrap().unwrap();
        assert_eq!((first.tag, wire.body(first)), (b'Z', &b"I"[..]));
        let second = wire.next(MESSAGE_LIMIT).unwrap().unwrap();
        assert_eq!((second.tag, wire.body(second)), (b'2', &b""[..]));
    }

    #[test]
    fn impossible_lengths_are_refused() {
        for length in [0u32, 3, 0x4000_0001, u32::MAX] {
            let mut bytes = vec![b'D'];
            bytes.extend(length.to_be_bytes());
            assert!(wire(&bytes).next(MESSAGE_LIMIT).is_err(), "{length}");
        }
        assert!(wire(&[b'H', b'T', b'T', b'P', b'/']).next(65536).is_err());
    }

    #[test]
    fn unsent_messages_are_dropped_behind_the_one_in_flight() {
        let mut wire = wire(&[]);
        for _ in 0..3 {
            postgres_protocol::message::frontend::sync(&mut wire.out);
        }
        wire.sent = 6;
        assert!(wire.drop_unsent());
        assert_eq!(wire.out.len(), 10);
        wire.sent = 10;
        assert!(!wire.drop_unsent());
        wire.sent = 0;
        assert!(wire.drop_unsent());
        assert!(wire.out.is_empty());
    }
}
