//! [`MysqlDriver`]: opens connections. Finding the server is here, the login in `handshake` and `auth`, encryption in `tls`.

mod auth;
mod handshake;
mod tls;

use crate::connection::MysqlConnection;
use crate::options::MysqlOptions;
use crate::wire::{Stream, Wire};
use sequor_core::driver::{BoxFuture, Connection, Driver, PROBE, Waited, recognize, wait_for};
use sequor_core::error::{ConnectionError, ConnectionErrorKind};
use sequor_core::{Error, Result};
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::sleep;

pub(crate) use handshake::{Greeted, login};

/// Makes connections to one MySQL or MariaDB database.
#[derive(Clone, Debug)]
pub struct MysqlDriver {
    /// One for each server, in the order in which they are tried.
    servers: Vec<Arc<MysqlOptions>>,
}

impl MysqlDriver {
    /// A driver for this database; nothing is opened yet.
    pub fn new(options: MysqlOptions) -> MysqlDriver {
        MysqlDriver { servers: options.each().map(Arc::new).collect() }
    }

    /// A connection to the first server that answers and is what the URL wants.
    async fn connect_any(&self) -> Result<MysqlConnection> {
        let mut failure = None;
        for options in &self.servers {
            match connect_to(options).await {
                Ok(connection) => return Ok(connection),
                // Another host has the same passwords: trying it would only lock the account sooner.
                Err(Error::Connection(error)) if error.kind == ConnectionErrorKind::AccessDenied => return Err(Error::Connection(error)),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| Error::connection(ConnectionErrorKind::Invalid, "no host is given")))
    }
}

impl Driver for MysqlDriver {
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Connection>>> {
        Box::pin(async move {
            let connection = self.connect_any().await?;
            Ok(Box::new(connection) as Box<dyn Connection>)
        })
    }

    fn target(&self) -> String {
        self.servers.iter().map(|options| options.target()).collect::<Vec<_>>().join(", ")
    }
}

async fn connect_to(options: &Arc<MysqlOptions>) -> Result<MysqlConnection> {
    let connection = within(options, MysqlConnection::open(options.clone())).await?;
    let server = connection.server();
    options.check(server.read_only)?;
    tracing::debug!(target = options.target(), product = ?server.product, version = ?server.version, "connected");
    Ok(connection)
}

/// Waits for a connection. Shortly before the time is over it is found out whether another server listens there.
async fn within(options: &MysqlOptions, work: impl Future<Output = Result<MysqlConnection>>) -> Result<MysqlConnection> {
    let limit = options.connect_timeout;
    let last = limit.div_f64(5.0).min(Duration::from_secs(1));
    match wait_for(work, sleep(limit - last), who_listens(options), sleep(limit)).await {
        Waited::Answered(result) => result,
        Waited::Stranger(who) => Err(Error::connection(ConnectionErrorKind::Protocol, format!("{}: {who}", options.target()))),
        Waited::TimedOut => Err(timed_out(options)),
    }
}

/// Who listens at a host that accepts lines and says nothing, where MySQL would speak first: asked over a line of its own.
async fn who_listens(options: &MysqlOptions) -> Option<&'static str> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    if options.socket.is_some() {
        return None;
    }
    let mut line = tcp(options).await.ok()?;
    line.write_all(PROBE).await.ok()?;
    let mut answer = [0; 64];
    let length = line.read(&mut answer).await.ok()?;
    // A server that is MySQL's after all is only slow.
    recognize(answer.get(..length)?).filter(|said| !said.starts_with("a MySQL"))
}

#[cold]
fn timed_out(options: &MysqlOptions) -> Error {
    let seconds = options.connect_timeout.as_secs_f64();
    Error::connection(
        ConnectionErrorKind::TimedOut,
        format!(
            "{}: no answer within {seconds} s (connect_timeout); check host and port, and what filters lines in between",
            options.target()
        ),
    )
}

/// Opens the line and logs in.
pub(crate) async fn open(options: &MysqlOptions) -> Result<Greeted> {
    let stream = match &options.socket {
        Some(path) => unix(options, path).await?,
        None => Stream::Tcp(tcp(options).await?),
    };
    login(Wire::new(stream), options).await
}

#[cfg(unix)]
async fn unix(options: &MysqlOptions, path: &std::path::Path) -> Result<Stream> {
    let opened = tokio::net::UnixStream::connect(path).await;
    opened.map(Stream::Unix).map_err(|error| not_opened(options, error))
}

#[cfg(not(unix))]
async fn unix(options: &MysqlOptions, _path: &std::path::Path) -> Result<Stream> {
    Err(Error::connection(ConnectionErrorKind::Invalid, format!("{}: this system has no Unix sockets", options.target())))
}

async fn tcp(options: &MysqlOptions) -> Result<TcpStream> {
    let found = lookup_host((options.host.as_str(), options.port)).await;
    let addresses: Vec<SocketAddr> = found.map_err(|error| host_not_found(options, error))?.collect();
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return tune(stream).map_err(|error| not_opened(options, error)),
            Err(error) => last = error,
        }
    }
    Err(not_opened(options, last))
}

/// No delay for small packets, and a silent peer is found within 30 s.
fn tune(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(10));
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd"))]
    let keepalive = keepalive.with_interval(Duration::from_secs(5)).with_retries(4);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_user_timeout(Some(Duration::from_secs(30)))?;
    Ok(stream)
}

#[cold]
fn host_not_found(options: &MysqlOptions, error: io::Error) -> Error {
    let message = format!("{}: the host name does not resolve; check the host in the URL, or MYSQL_HOST", options.target());
    Error::Connection(ConnectionError { source: Some(Box::new(error)), ..ConnectionError::new(ConnectionErrorKind::HostNotFound, message) })
}

#[cold]
fn not_opened(options: &MysqlOptions, error: io::Error) -> Error {
    use io::ErrorKind as K;
    let (kind, why) = match error.kind() {
        K::ConnectionRefused => (
            ConnectionErrorKind::Refused,
            "nobody listens there; check host and port in the URL, or MYSQL_HOST and MYSQL_TCP_PORT, and that the server runs",
        ),
        K::NotFound if options.socket.is_some() => {
            (ConnectionErrorKind::Refused, "there is no such socket; check socket in the URL, or MYSQL_UNIX_PORT, and that the server runs")
        }
        K::NotFound => (ConnectionErrorKind::HostNotFound, "the host name has no address"),
        K::PermissionDenied => (ConnectionErrorKind::AccessDenied, "the system forbids it"),
        K::TimedOut => (ConnectionErrorKind::TimedOut, "no answer"),
        K::HostUnreachable | K::NetworkUnreachable | K::AddrNotAvailable => (ConnectionErrorKind::HostNotReachable, "no way there"),
        _ => (ConnectionErrorKind::Broken, "the connection was not made"),
    };
    let message = format!("{}: {why}", options.target());
    Error::Connection(ConnectionError { source: Some(Box::new(error)), ..ConnectionError::new(kind, message) })
}
