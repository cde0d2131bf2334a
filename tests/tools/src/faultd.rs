//! A TCP proxy that does to lines what networks do: it delays, holds, swallows, dribbles, cuts, flips bytes, closes late, refuses.
//!
//! A [`Proxy`] stands before one server. What it does is set per direction while lines are open, and concerns open lines as well as new ones.

mod line;

use line::Line;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// What becomes of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// They pass.
    #[default]
    None,
    /// Each piece comes later by something between the two: delay and jitter.
    Delay(Duration, Duration),
    /// They are held until another fault is set.
    Hold,
    /// They vanish, while the line looks open: a half-open line.
    Swallow,
    /// Each comes in a segment of its own.
    Dribble,
    /// So many pass from now on, then the line is reset.
    CutAfter(u64),
    /// So many pass from now on, then the line is closed politely.
    CloseAfter(u64),
    /// So many pass from now on, then one byte arrives with its bits turned over.
    FlipAfter(u64),
    /// They pass; when their sender closes, the other side is told so much later.
    CloseLate(Duration),
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As when a process ends: both sides are told.
    Closed,
    /// As when a firewall forgets it: both sides get a reset.
    Reset,
}

#[derive(Clone, Copy, Default)]
struct Rules {
    up: Fault,
    down: Fault,
    /// Counts the changes: bytes are counted from the last one on.
    change: u64,
}

struct Shared {
    server: SocketAddr,
    rules: Mutex<Rules>,
    lines: Mutex<Vec<Weak<Line>>>,
    refusing: AtomicBool,
    opened: AtomicU64,
    ended: AtomicBool,
    seed: AtomicU64,
}

/// A proxy; it ends, and resets its lines, when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Starts a proxy on a free port of 127.0.0.1 before a server. The same seed gives the same delays.
    ///
    /// # Errors
    /// Those of opening a port.
    pub fn before(server: SocketAddr, seed: u64) -> io::Result<Proxy> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            server,
            rules: Mutex::default(),
            lines: Mutex::default(),
            refusing: AtomicBool::new(false),
            opened: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            seed: AtomicU64::new(seed | 1),
        });
        let accepting = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.ended.load(Ordering::SeqCst) {
                    return;
                }
                accepting.take(client);
            }
        });
        Ok(Proxy { address, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A server's URL with the proxy in the server's place; its address has to be written as host and port.
    pub fn url(&self, url: &str) -> String {
        let Some((head, tail)) = url.rsplit_once('@') else { return url.to_owned() };
        let rest = tail.find(['/', '?']).and_then(|at| tail.get(at..)).unwrap_or_default();
        format!("{head}@{}{rest}", self.address)
    }

    /// Sets what becomes of the bytes of one direction.
    pub fn set(&self, way: Way, fault: Fault) {
        let mut rules = self.shared.rules();
        rules.change += 1;
        match way {
            Way::Up => rules.up = fault,
            Way::Down => rules.down = fault,
        }
    }

    /// Lets everything pass again.
    pub fn heal(&self) {
        let mut rules = self.shared.rules();
        *rules = Rules { change: rules.change + 1, ..Rules::default() };
        drop(rules);
        self.shared.refusing.store(false, Ordering::SeqCst);
    }

    /// Closes new lines at once, or takes them again.
    pub fn refuse(&self, refuse: bool) {
        self.shared.refusing.store(refuse, Ordering::SeqCst);
    }

    /// Ends all lines, and waits until both sides of each have been told; says how many there were.
    pub fn end_lines(&self, end: End) -> usize {
        let lines: Vec<Weak<Line>> = self.shared.lines().drain(..).collect();
        let count = lines.iter().filter(|line| line.upgrade().is_some_and(|line| line.end(end))).count();
        let deadline = Instant::now() + Duration::from_secs(1);
        while lines.iter().any(|line| line.strong_count() > 0) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        count
    }

    /// How many lines are open.
    pub fn lines(&self) -> usize {
        self.shared.lines().iter().filter(|line| line.upgrade().is_some_and(|line| line.is_open())).count()
    }

    /// How many lines were opened so far.
    pub fn opened(&self) -> u64 {
        self.shared.opened.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.end_lines(End::Reset);
        // The thread that waits for lines wakes up and sees the end.
        let _ = TcpStream::connect(self.address);
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("address", &self.address).field("server", &self.shared.server).finish_non_exhaustive()
    }
}

impl Shared {
    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Weak<Line>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self, way: Way) -> (Fault, u64) {
        let rules = self.rules();
        let fault = match way {
            Way::Up => rules.up,
            Way::Down => rules.down,
        };
        (fault, rules.change)
    }

    /// A number that looks random; the seed decides it.
    fn random(&self) -> u64 {
        let mut number = self.seed.load(Ordering::Relaxed);
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        self.seed.store(number, Ordering::Relaxed);
        number
    }

    fn take(self: &Arc<Self>, client: TcpStream) {
        if self.refusing.load(Ordering::SeqCst) {
            return;
        }
        let Ok(server) = TcpStream::connect_timeout(&self.server, Duration::from_secs(5)) else { return };
        let line = Arc::new(Line::new(client, server));
        self.opened.fetch_add(1, Ordering::SeqCst);
        {
            let mut lines = self.lines();
            lines.retain(|line| line.strong_count() > 0);
            lines.push(Arc::downgrade(&line));
        }
        if self.refusing.load(Ordering::SeqCst) {
            line.end(End::Reset);
            return;
        }
        for way in [Way::Up, Way::Down] {
            let (line, shared) = (line.clone(), self.clone());
            thread::spawn(move || line.carry(way, &shared));
        }
    }
}

#[cfg(test)]
mod tests;
