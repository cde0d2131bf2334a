//! A TCP proxy before the server: counts flushes, and cuts the line where a test wants it cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// How a cancel request begins: its length, and its code.
const CANCEL: [u8; 8] = [0, 0, 0, 16, 4, 210, 22, 46];

/// When to cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cut {
    Never,
    /// When the client sends this: before it reaches the server.
    Before(&'static str),
    /// After it reached the server, before an answer.
    After(&'static str),
    /// After so many bytes of the server.
    Answers(usize),
    /// Never, but cancel requests wait until the test lets them through.
    Cancels,
}

pub struct Proxy {
    pub address: SocketAddr,
    /// How many pieces the client has sent: one for each write that is not huge.
    pub flushes: Arc<AtomicUsize>,
    /// The cancel requests that were held, and what lets them through.
    pub held: Arc<(AtomicUsize, Semaphore)>,
}

impl Proxy {
    /// Starts a proxy before the server of a URL; the cut concerns what follows the startup of each connection.
    pub async fn start(url: &str, cut: Cut) -> Proxy {
        let server = server_of(url);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let flushes = Arc::new(AtomicUsize::new(0));
        let held = Arc::new((AtomicUsize::new(0), Semaphore::new(0)));
        let (counted, holding) = (flushes.clone(), held.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, server.clone(), cut, (counted.clone(), holding.clone())));
            }
        });
        Proxy { address, flushes, held }
    }

    /// The URL with the proxy in the server's place.
    pub fn url(&self, url: &str) -> String {
        let (head, tail) = url.rsplit_once('@').unwrap();
        let tail = tail.split_once('/').map(|(_, tail)| tail).unwrap_or_default();
        format!("{head}@{}/{tail}", self.address)
    }

    pub fn flushes(&self) -> usize {
        self.flushes.load(Ordering::SeqCst)
    }
}

fn server_of(url: &str) -> String {
    let rest = url.rsplit_once('@').unwrap().1;
    let host = rest.split(['/', '?']).next().unwrap();
    if host.contains(':') { host.to_owned() } else { format!("{host}:5432") }
}

fn contains(bytes: &[u8], part: &str) -> bool {
    bytes.windows(part.len()).any(|window| window == part.as_bytes())
}

async fn forward(client: TcpStream, server: String, cut: Cut, (flushes, held): (Arc<AtomicUsize>, Arc<(AtomicUsize, Semaphore)>)) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let cutting = Arc::new(AtomicBool::new(false));
    let cut_off = cutting.clone();
    let up = async move {
        let mut buffer = vec![0; 1 << 20];
        loop {
            let count = from_client.read(&mut buffer).await.unwrap_or(0);
            if count == 0 || matches!(cut, Cut::Before(word) if contains(&buffer[..count], word)) {
                return;
            }
            if cut == Cut::Cancels && buffer[..count].starts_with(&CANCEL) {
                held.0.fetch_add(1, Ordering::SeqCst);
                held.1.acquire().await.unwrap().forget();
            }
            flushes.fetch_add(1, Ordering::SeqCst);
            let after = matches!(cut, Cut::After(word) if contains(&buffer[..count], word));
            cutting.fetch_or(after, Ordering::SeqCst);
            if to_server.write_all(&buffer[..count]).await.is_err() {
                return;
            }
            if after {
                // The server gets the time to do it.
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                return;
            }
        }
    };
    let down = async move {
        let mut buffer = vec![0; 1 << 16];
        let mut total = 0;
        loop {
            let count = from_server.read(&mut buffer).await.unwrap_or(0);
            total += count;
            let late = matches!(cut, Cut::Answers(limit) if total > limit);
            if count == 0 || late {
                return;
            }
            if cut_off.load(Ordering::SeqCst) {
                continue;
            }
            if to_client.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}
