//! [`Notification`]: what another session of the server told this one.

/// Something that a session sent by `NOTIFY`.
///
/// ```
/// use sequor::Notification;
/// let heard = Notification::new("orders", "42", 1234);
/// assert_eq!((heard.channel.as_str(), heard.payload.as_str(), heard.after_gap), ("orders", "42", false));
/// assert!(Notification::gap("orders").after_gap);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notification {
    /// The channel.
    pub channel: String,
    /// What was sent; empty when nothing was.
    pub payload: String,
    /// The server's number of the session that sent it; 0 where nobody did.
    pub process: i32,
    /// The line was cut and is there again: others may have been sent in between. Nobody sent this one.
    pub after_gap: bool,
}

impl Notification {
    /// What a session sent.
    pub fn new(channel: impl Into<String>, payload: impl Into<String>, process: i32) -> Notification {
        Notification { channel: channel.into(), payload: payload.into(), process, after_gap: false }
    }

    /// The line of a channel is there again.
    pub fn gap(channel: impl Into<String>) -> Notification {
        Notification { after_gap: true, ..Notification::new(channel, "", 0) }
    }
}
