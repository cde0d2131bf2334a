//! [`Stream`]: the line to the server, in the clear, over TLS, or a Unix socket.

use sequor_tls::TlsStream;
use socket2::SockRef;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

/// A line that was used so lately is not looked at closely.
const FRESH: Duration = Duration::from_millis(2);

/// The line to the server.
pub(crate) enum Stream {
    /// TCP in the clear.
    Tcp(TcpStream),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(UnixStream),
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Reads into the buffer; 0 is the end of the line.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        let polled = match self {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
            #[cfg(unix)]
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, &mut buffer),
        };
        polled.map_ok(|()| buffer.filled().len())
    }

    /// Writes from the buffer.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            #[cfg(unix)]
            Stream::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
        }
    }

    /// Sends what TLS still holds; the others hold nothing.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Tcp(_) => Poll::Ready(Ok(())),
            #[cfg(unix)]
            Stream::Unix(_) => Poll::Ready(Ok(())),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    /// Whether nobody but the two ends can read the line.
    pub(crate) fn is_private(&self) -> bool {
        match self {
            Stream::Tcp(_) => false,
            #[cfg(unix)]
            Stream::Unix(_) => true,
            Stream::Tls(_) => true,
        }
    }

    /// Whether the peer has neither closed the line nor sent anything unasked; asks the operating system only. What the runtime knows already is enough for a
    /// line that was used so lately: one in steady use is not worth the system call.
    pub(crate) fn is_quiet(&mut self, idle: Duration) -> bool {
        let lately = idle <= FRESH;
        match self {
            Stream::Tcp(stream) => match stream.poll_read_ready(&mut look()) {
                Poll::Pending if lately => true,
                ready => is_driven(ready) && is_silent(&SockRef::from(&*stream)),
            },
            #[cfg(unix)]
            Stream::Unix(stream) => match stream.poll_read_ready(&mut look()) {
                Poll::Pending if lately => true,
                ready => is_driven(ready) && is_silent(&SockRef::from(&*stream)),
            },
            Stream::Tls(stream) => {
                let line = stream.get_ref().0;
                let ready = line.poll_read_ready(&mut look());
                if lately && ready.is_pending() {
                    return true;
                }
                if !is_driven(ready) {
                    return false;
                }
                if is_silent(&SockRef::from(line)) {
                    return true;
                }
                // Session tickets come unasked and are no data: let TLS look at them.
                let mut byte = [0];
                self.poll_read(&mut look(), &mut byte).is_pending()
            }
        }
    }
}

/// For a look that nobody has to be woken after.
fn look() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// Whether the runtime that the socket was opened on still drives it: one that has ended says so.
fn is_driven(ready: Poll<io::Result<()>>) -> bool {
    !matches!(ready, Poll::Ready(Err(_)))
}

/// The socket does not block, so a look at it says at once whether bytes or the end have come.
fn is_silent(socket: &SockRef<'_>) -> bool {
    let mut byte = [MaybeUninit::uninit()];
    matches!(socket.peek(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}
