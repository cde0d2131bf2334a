//! [`Canceller`]: asks the server, over a socket of its own, to stop what a connection runs, and the care that this never meets a later statement.

use super::PostgresConnection;
use crate::connect;
use crate::tls::Secure;
use crate::wire::Wire;
use postgres_protocol::message::frontend;
use sequor_core::driver::{BoxFuture, Cancel};
use sequor_core::{Error, Result};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// How long a cancel request may take.
const LIMIT: Duration = Duration::from_secs(5);

/// The server at the other end: enough to reach the very same one again.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Host, port and database, for messages.
    pub(crate) target: String,
    /// Where it was reached.
    pub(crate) address: connect::Address,
    /// How the line was encrypted.
    pub(crate) tls: Option<Secure>,
}

/// The cancel requests of a connection that are on their way. The server passes each on as two signals, one behind the other, so that a statement may be
/// stopped by the first while the second is still to come: until the server has closed the request's socket nothing else is begun.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    count: AtomicU32,
    landed: Notify,
}

impl Flights {
    /// Whether there are any.
    #[inline]
    pub(super) fn any(&self) -> bool {
        self.count.load(Ordering::SeqCst) > 0
    }

    /// Waits until there are none.
    pub(super) async fn landed(&self) {
        loop {
            let landed = self.landed.notified();
            if !self.any() {
                return;
            }
            landed.await;
        }
    }
}

/// Counts a request as on its way until it has ended, however it ends.
struct Flight(Arc<Flights>);

impl Flight {
    fn begin(flights: &Arc<Flights>) -> Flight {
        flights.count.fetch_add(1, Ordering::SeqCst);
        Flight(flights.clone())
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::SeqCst);
        self.0.landed.notify_waiters();
    }
}

/// Sends cancel requests for one connection.
pub(crate) struct Canceller {
    peer: Arc<Peer>,
    key: (i32, i32),
    flights: Arc<Flights>,
}

impl PostgresConnection {
    /// The canceller of this connection, where the server gave a key.
    pub(super) fn own_canceller(&self) -> Option<Canceller> {
        self.key.map(|key| Canceller { peer: self.peer.clone(), key, flights: self.flights.clone() })
    }
}

impl Canceller {
    /// Sends the request and waits for the server to close the socket: by then it has passed the signals on, so they cannot hit a later statement.
    /// The server ignores a request while it has not begun the statement.
    pub(crate) async fn send(&self) -> Result<()> {
        let (flight, peer, key) = (Flight::begin(&self.flights), self.peer.clone(), self.key);
        // On a task of its own: a request that is half sent has to be waited for, whatever becomes of the caller.
        let task = tokio::spawn(async move {
            let _flight = flight;
            tokio::time::timeout(LIMIT, request(&peer, key)).await.unwrap_or_else(|_| Err(late()))
        });
        task.await.unwrap_or_else(|_| Err(late()))
    }
}

#[cold]
fn late() -> Error {
    Error::timeout("the cancel request was not taken in time")
}

async fn request(peer: &Peer, (process, secret): (i32, i32)) -> Result<()> {
    let mut socket = connect::open(&peer.address, &peer.target).await?;
    if let Some(tls) = &peer.tls {
        socket = tls.encrypt(socket, &peer.target).await?;
    }
    let mut wire = Wire::new(socket);
    frontend::cancel_request(process, secret, &mut wire.out);
    // The answer is the end of the stream, which the wire reports as an error.
    while poll_fn(|context| wire.poll(context, false)).await.is_ok() {}
    Ok(())
}

impl Cancel for Canceller {
    fn cancel(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.send())
    }

    fn session(&self) -> Option<i64> {
        Some(i64::from(self.key.0))
    }
}
