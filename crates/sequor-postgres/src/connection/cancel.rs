//! [`Canceller`]: asks the server, over a socket of its own, to stop what a connection runs.

use super::PostgresConnection;
use crate::connect;
use crate::tls::Secure;
use crate::wire::Wire;
use postgres_protocol::message::frontend;
use sequor_core::Result;
use sequor_core::driver::{BoxFuture, Cancel};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

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

/// Sends cancel requests for one connection.
pub(crate) struct Canceller {
    peer: Arc<Peer>,
    key: (i32, i32),
}

impl PostgresConnection {
    /// The canceller of this connection, where the server gave a key.
    pub(super) fn own_canceller(&self) -> Option<Canceller> {
        self.key.map(|key| Canceller { peer: self.peer.clone(), key })
    }
}

impl Canceller {
    /// Sends the request and waits for the server to close the socket: by then it has passed the signal on, so it cannot hit a later statement.
    /// The server ignores a request while it has not begun the statement.
    pub(crate) async fn send(&self) -> Result<()> {
        let work = async {
            let mut socket = connect::open(&self.peer.address, &self.peer.target).await?;
            if let Some(tls) = &self.peer.tls {
                socket = tls.encrypt(socket, &self.peer.target).await?;
            }
            let mut wire = Wire::new(socket);
            frontend::cancel_request(self.key.0, self.key.1, &mut wire.out);
            // The answer is the end of the stream, which the wire reports as an error.
            while poll_fn(|context| wire.poll(context, false)).await.is_ok() {}
            Ok(())
        };
        match tokio::time::timeout(LIMIT, work).await {
            Ok(result) => result,
            Err(_) => Err(sequor_core::Error::timeout("the cancel request was not taken in time")),
        }
    }
}

impl Cancel for Canceller {
    fn cancel(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.send())
    }
}
