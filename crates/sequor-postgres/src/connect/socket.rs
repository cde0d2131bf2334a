//! Opening a socket to one address, with the errors of the exact kind.

use super::options::{Host, PostgresOptions};
use crate::error::connection;
use crate::wire::Socket;
use sequor_core::driver::{PROBE, recognize};
use sequor_core::error::ConnectionErrorKind;
use sequor_core::{Error, Result};
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::net::TcpStream;

/// Where a server was reached.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// The addresses of a host.
pub(super) async fn resolve(host: &Host, target: &str) -> Result<Vec<Address>> {
    if let Some(directory) = host.socket_directory() {
        return Ok(vec![Address::Unix(PathBuf::from(directory).join(format!(".s.PGSQL.{}", host.port)))]);
    }
    if let Some(address) = host.address {
        return Ok(vec![Address::Tcp(SocketAddr::new(address, host.port))]);
    }
    let found = tokio::net::lookup_host((host.name.as_str(), host.port)).await;
    let found = found.map_err(|error| connection(ConnectionErrorKind::HostNotFound, unresolved(target), error))?;
    let addresses: Vec<Address> = found.map(Address::Tcp).collect();
    if addresses.is_empty() {
        return Err(Error::connection(ConnectionErrorKind::HostNotFound, unresolved(target)));
    }
    Ok(addresses)
}

/// Opens a socket.
pub(crate) async fn open(address: &Address, target: &str) -> Result<Socket> {
    let socket = match address {
        Address::Tcp(address) => TcpStream::connect(address).await.map(|stream| {
            // Without it small writes wait for acknowledgements; it is only an optimisation.
            let _ = stream.set_nodelay(true);
            Socket::Tcp(stream)
        }),
        #[cfg(unix)]
        Address::Unix(path) => tokio::net::UnixStream::connect(path).await.map(Socket::Unix),
        #[cfg(not(unix))]
        Address::Unix(_) => Err(io::Error::new(io::ErrorKind::Unsupported, "Unix sockets do not exist here")),
    };
    socket.map_err(|error| refused(error, target))
}

/// Keep-alive and the user time-out, which find a silent peer.
pub(super) fn watch(socket: &Socket, options: &PostgresOptions) {
    let Socket::Tcp(stream) = socket else { return };
    let socket = SockRef::from(stream);
    // Not every system has every option; a connection without them works.
    if let Some(keepalive) = options.keepalive {
        let wanted = TcpKeepalive::new().with_time(keepalive.idle).with_interval(keepalive.interval);
        #[cfg(not(windows))]
        let wanted = wanted.with_retries(keepalive.count);
        let _ = socket.set_tcp_keepalive(&wanted);
    }
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(options.tcp_user_timeout);
}

#[cold]
fn refused(error: io::Error, target: &str) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound | io::ErrorKind::ConnectionReset => ConnectionErrorKind::Refused,
        io::ErrorKind::TimedOut => ConnectionErrorKind::TimedOut,
        io::ErrorKind::PermissionDenied => ConnectionErrorKind::AccessDenied,
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => ConnectionErrorKind::Invalid,
        _ => ConnectionErrorKind::HostNotReachable,
    };
    let next = match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            "nobody listens there; check host and port in the URL, or PGHOST and PGPORT, and that the server runs"
        }
        io::ErrorKind::NotFound => {
            "there is no such socket; check the folder (host) and the port in the URL, or PGHOST and PGPORT, and that the server runs"
        }
        io::ErrorKind::PermissionDenied => "the system forbids it; check who may use the socket",
        _ => return connection(kind, format!("{target}: {error}"), error),
    };
    connection(kind, format!("{target}: {next}"), error)
}

fn unresolved(target: &str) -> String {
    format!("{target}: the host name does not resolve; check the host in the URL, or PGHOST")
}

/// Who listens at a host that accepts lines and says nothing that PostgreSQL would say: asked over a line of its own.
pub(super) async fn who_listens(host: &Host, target: &str) -> Option<&'static str> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let Some(Address::Tcp(address)) = resolve(host, target).await.ok()?.into_iter().next() else { return None };
    let mut line = TcpStream::connect(address).await.ok()?;
    line.write_all(PROBE).await.ok()?;
    let mut answer = [0; 64];
    let length = line.read(&mut answer).await.ok()?;
    // A server that is PostgreSQL's after all is only slow.
    recognize(answer.get(..length)?).filter(|said| !said.starts_with("a PostgreSQL"))
}
