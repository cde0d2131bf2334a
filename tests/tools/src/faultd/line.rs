//! [`Line`]: the two sockets of one line, and the threads that carry bytes between them.

use super::{End, Fault, Shared, Way};
use socket2::SockRef;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often a thread that holds bytes looks whether it still should.
const LOOK: Duration = Duration::from_millis(2);

pub(super) struct Line {
    client: TcpStream,
    server: TcpStream,
    ended: AtomicBool,
}

/// How far one direction has come since the last change of the rules.
#[derive(Default)]
struct Passed {
    change: u64,
    bytes: u64,
}

impl Line {
    pub(super) fn new(client: TcpStream, server: TcpStream) -> Line {
        for socket in [&client, &server] {
            let _ = socket.set_nodelay(true);
            // A reader that takes nothing must not keep a thread from seeing the end.
            let _ = socket.set_write_timeout(Some(Duration::from_millis(50)));
        }
        Line { client, server, ended: AtomicBool::new(false) }
    }

    pub(super) fn is_open(&self) -> bool {
        !self.ended.load(Ordering::SeqCst)
    }

    /// Ends the line; false when it had ended before.
    pub(super) fn end(&self, end: End) -> bool {
        if self.ended.swap(true, Ordering::SeqCst) {
            return false;
        }
        for socket in [&self.client, &self.server] {
            let how = match end {
                End::Closed => Shutdown::Both,
                // Nothing is said now: the reset goes out when the threads have let go of the sockets.
                End::Reset => {
                    let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
                    Shutdown::Read
                }
            };
            let _ = socket.shutdown(how);
        }
        true
    }

    /// Carries the bytes of one direction until the line ends.
    pub(super) fn carry(&self, way: Way, shared: &Shared) {
        let (mut from, mut to) = match way {
            Way::Up => (&self.client, &self.server),
            Way::Down => (&self.server, &self.client),
        };
        let mut buffer = vec![0; 64 << 10];
        let mut passed = Passed::default();
        while self.is_open() {
            let count = match from.read(&mut buffer) {
                Ok(count @ 1..) => count,
                // The line's end itself wakes this thread too.
                Ok(0) if self.is_open() => return self.told(to, way, shared),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                _ => {
                    self.end(End::Reset);
                    return;
                }
            };
            let Some(piece) = buffer.get_mut(..count) else { return };
            if self.pass(piece, &mut to, way, shared, &mut passed).is_err() {
                self.end(End::Reset);
                return;
            }
        }
    }

    /// The sender has closed: the other side is told, at once or late.
    fn told(&self, to: &TcpStream, way: Way, shared: &Shared) {
        if let (Fault::CloseLate(late), _) = shared.fault(way) {
            let until = Instant::now() + late;
            while self.is_open() && Instant::now() < until {
                thread::sleep(LOOK);
            }
        }
        let _ = to.shutdown(Shutdown::Write);
        if way == Way::Up {
            // A client that has closed reads no more; the server's goodbye is not waited for.
            self.end(End::Closed);
        }
    }

    fn pass(&self, piece: &mut [u8], to: &mut &TcpStream, way: Way, shared: &Shared, passed: &mut Passed) -> io::Result<()> {
        loop {
            let (fault, change) = shared.fault(way);
            if passed.change != change {
                *passed = Passed { change, bytes: 0 };
            }
            let before = passed.bytes;
            passed.bytes += u64::try_from(piece.len()).unwrap_or_default();
            let place = |limit: u64| usize::try_from(limit.saturating_sub(before)).unwrap_or(usize::MAX);
            match fault {
                Fault::None | Fault::CloseLate(_) => return self.write(piece, to),
                Fault::Swallow => return Ok(()),
                Fault::Delay(least, most) => {
                    let span = u64::try_from(most.saturating_sub(least).as_micros()).unwrap_or_default();
                    thread::sleep(least + Duration::from_micros(shared.random() % (span + 1)));
                    return self.write(piece, to);
                }
                Fault::Dribble => return piece.chunks(1).try_for_each(|byte| self.write(byte, to)),
                Fault::CutAfter(limit) | Fault::CloseAfter(limit) if place(limit) < piece.len() => {
                    self.write(piece.get(..place(limit)).unwrap_or_default(), to)?;
                    self.end(if fault == Fault::CutAfter(limit) { End::Reset } else { End::Closed });
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
                Fault::FlipAfter(limit) if before <= limit => {
                    if let Some(byte) = piece.get_mut(place(limit)) {
                        *byte = !*byte;
                    }
                    return self.write(piece, to);
                }
                Fault::CutAfter(_) | Fault::CloseAfter(_) | Fault::FlipAfter(_) => return self.write(piece, to),
                Fault::Hold if self.is_open() => {
                    passed.bytes = before;
                    thread::sleep(LOOK);
                }
                Fault::Hold => return Err(io::ErrorKind::ConnectionReset.into()),
            }
        }
    }

    /// Writes all, however slowly it is taken, unless the line ends.
    fn write(&self, mut bytes: &[u8], to: &mut &TcpStream) -> io::Result<()> {
        while !bytes.is_empty() {
            if !self.is_open() {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            match to.write(bytes) {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
