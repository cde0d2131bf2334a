//! Who speaks where another server was expected: a URL with the wrong port, told by the first bytes of the answer. No I/O here; drivers bring the bytes, and the clocks.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// What makes most servers that wait for a client say who they are: PostgreSQL answers the first eight bytes, its question for encryption, and a web server the line.
/// MySQL and SSH speak first.
pub const PROBE: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2fGET / HTTP/1.0\r\n\r\n";

/// Whose answer begins so, and what to do about it; `None` where nobody is recognized.
pub fn recognize(answer: &[u8]) -> Option<&'static str> {
    match answer {
        [_, _, _, 0, 10 | 0xff, ..] => Some("a MySQL or MariaDB server answers there: begin the URL with mysql://, or check its port"),
        [b'S' | b'N'] | [b'S' | b'N', b'E', ..] => {
            Some("a PostgreSQL server answers there: begin the URL with postgres://, or check its port")
        }
        [b'E', 0, ..] => Some("a PostgreSQL server answers there: begin the URL with postgres://, or check its port"),
        _ if answer.starts_with(b"HTTP/") || answer.starts_with(b"<") => Some("a web server answers there: check host and port in the URL"),
        _ if answer.starts_with(b"SSH-") => Some("an SSH server answers there: check host and port in the URL"),
        _ if answer.starts_with(b"-ERR") || answer.starts_with(b"-NOAUTH") => {
            Some("a Redis server answers there: check host and port in the URL")
        }
        _ => None,
    }
}

/// What came of waiting for a server.
#[derive(Debug)]
pub enum Waited<T> {
    /// It answered.
    Answered(T),
    /// Another one listens there.
    Stranger(&'static str),
    /// The time is over.
    TimedOut,
}

/// Waits for a server until the end. Shortly before it, when the time is nearly over, it is asked who listens there: nobody asks while there is hope.
pub async fn wait_for<T>(
    work: impl Future<Output = T>,
    nearly: impl Future<Output = ()>,
    who: impl Future<Output = Option<&'static str>>,
    end: impl Future<Output = ()>,
) -> Waited<T> {
    let (mut work, mut nearly, mut who, mut end) = (pin!(work), pin!(nearly), pin!(who), pin!(end));
    let (mut asking, mut asked) = (false, false);
    poll_fn(|cx| {
        if let Poll::Ready(answer) = work.as_mut().poll(cx) {
            return Poll::Ready(Waited::Answered(answer));
        }
        asking = asking || nearly.as_mut().poll(cx).is_ready();
        if asking
            && !asked
            && let Poll::Ready(found) = who.as_mut().poll(cx)
        {
            asked = true;
            if let Some(stranger) = found {
                return Poll::Ready(Waited::Stranger(stranger));
            }
        }
        end.as_mut().poll(cx).map(|()| Waited::TimedOut)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::{Waited, recognize, wait_for};
    use std::future::{pending, ready};
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn now<T>(future: impl Future<Output = T>) -> Poll<T> {
        pin!(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_stranger_is_asked_for_when_the_time_is_nearly_over() {
        assert!(matches!(now(wait_for(ready(7), ready(()), ready(Some("x")), ready(()))), Poll::Ready(Waited::Answered(7))));
        assert!(matches!(now(wait_for(pending::<()>(), ready(()), ready(Some("x")), pending())), Poll::Ready(Waited::Stranger("x"))));
        assert!(now(wait_for(pending::<()>(), pending(), ready(Some("x")), pending())).is_pending());
        assert!(now(wait_for(pending::<()>(), ready(()), ready(None), pending())).is_pending());
        assert!(matches!(now(wait_for(pending::<()>(), ready(()), ready(None), ready(()))), Poll::Ready(Waited::TimedOut)));
    }

    #[test]
    fn servers_are_known_by_their_first_bytes() {
        let known = |answer: &[u8]| recognize(answer).map_or("", |text| text.split(" answers").next().unwrap_or_default());
        assert_eq!(known(b"\x5a\0\0\0\x0a5.5.5-10.11.19-MariaDB\0"), "a MySQL or MariaDB server");
        assert_eq!(known(b"N"), "a PostgreSQL server");
        assert_eq!(known(b"NE\0\0\0\x40SFATAL\0"), "a PostgreSQL server");
        assert_eq!(known(b"E\0\0\0\x40SFATAL\0"), "a PostgreSQL server");
        assert_eq!(known(b"HTTP/1.1 400 Bad Request\r\n"), "a web server");
        assert_eq!(known(b"SSH-2.0-OpenSSH_9.2\r\n"), "an SSH server");
        assert_eq!(known(b"Nothing like it"), "");
        assert_eq!(known(b""), "");
    }
}
