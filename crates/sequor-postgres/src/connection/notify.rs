//! What other sessions tell by `NOTIFY`: kept in order until it is asked for.

use super::PostgresConnection;
use crate::error::ServerMessage;
use sequor_core::Result;
use sequor_core::driver::Notification;
use sequor_core::error::ConnectionErrorKind;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;

/// A session that never asks keeps no more; one that asks never has so many, because it reads no further before they are taken.
const KEPT: usize = 10_000;

/// Takes a NotificationResponse: the number of the process, the channel and the payload.
pub(super) fn heard(body: &[u8], kept: &mut VecDeque<Notification>) {
    let Some((process, rest)) = body.split_first_chunk::<4>() else { return };
    let mut texts = rest.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let (Some(channel), Some(payload)) = (texts.next(), texts.next()) else { return };
    if kept.len() < KEPT {
        kept.push_back(Notification::new(channel, payload, i32::from_be_bytes(*process)));
    }
}

impl PostgresConnection {
    /// The next notification. All state is in the connection: the future may be dropped at any time.
    pub(super) async fn next_notification(&mut self) -> Result<Notification> {
        self.settle(false).await?;
        loop {
            if let Some(notification) = self.notifications.pop_front() {
                return Ok(notification);
            }
            if let Err(error) = self.process(&mut []) {
                return Err(self.lost(error));
            }
            if self.broken {
                return Err(self.ended());
            }
            if self.notifications.is_empty() {
                let wire = &mut self.wire;
                if let Err(error) = poll_fn(|context| wire.poll(context, false)).await {
                    return Err(self.lost(error));
                }
            }
        }
    }

    /// The server said why it ends the session.
    #[cold]
    fn ended(&mut self) -> sequor_core::Error {
        let said: Option<ServerMessage> = self.exchange.failure.take();
        let message = said.map_or_else(|| "the server ended the session".to_owned(), |said| said.into_error(&self.peer.target).to_string());
        let error = io::Error::new(io::ErrorKind::ConnectionAborted, message.clone());
        crate::error::connection(ConnectionErrorKind::Broken, message, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_apart_and_a_short_one_is_nothing() {
        let mut kept = VecDeque::new();
        let body = b"\x00\x00\x00\x2ajobs\0id=7\0";
        heard(body, &mut kept);
        assert_eq!(kept.pop_front(), Some(Notification::new("jobs", "id=7", 42)));
        for length in 0..9 {
            heard(&body[..length], &mut kept);
        }
        assert!(kept.is_empty());
    }
}
