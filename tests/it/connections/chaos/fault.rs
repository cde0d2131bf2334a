//! [`Laboratory`]: a server of one's own behind a proxy, and the faults that are injected there.

use sequor::prelude::*;
use sequor_tools::faultd::{self, End, Proxy, Way};
use sequor_tools::servers::pgbouncer::{self, PoolMode};
use sequor_tools::servers::{self, Server};
use std::time::Duration;

/// What is done to lines or the server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// All lines are reset, as by a firewall.
    Reset,
    /// All lines are closed, as by a server that ends.
    Close,
    /// The server's answers end in the middle.
    CutAnswers,
    /// The program's requests end in the middle.
    CutRequests,
    /// The server's answers vanish, then the lines are reset.
    SwallowAnswers,
    /// The program's requests vanish, then the lines are reset.
    SwallowRequests,
    /// Answers are held for a while, then they come.
    Hold,
    /// Every byte in a segment of its own, late.
    Slow,
    /// Lines are reset, and new ones closed at once for a while.
    Refuse,
    /// All processes of the server are stopped for a while.
    Freeze,
    /// The server is killed and started again.
    Kill,
    /// The pooler before the server is killed and started again.
    KillPooler,
    /// The pooler ends, and nobody who ended it starts it again.
    LosePooler,
}

/// All that concern lines.
pub const FAULTS: &[Fault] = &[
    Fault::Reset,
    Fault::Close,
    Fault::CutAnswers,
    Fault::CutRequests,
    Fault::SwallowAnswers,
    Fault::SwallowRequests,
    Fault::Hold,
    Fault::Slow,
    Fault::Refuse,
    Fault::Freeze,
];

/// How long a fault lasts that lasts.
const WHILE: Duration = Duration::from_millis(50);

fn before(server: &Server) -> Result<Proxy, String> {
    Proxy::before(([127, 0, 0, 1], server.port()).into(), 20_241_121).map_err(|error| error.to_string())
}

fn again(server: &mut Server) -> Result<(), String> {
    tokio::task::block_in_place(|| {
        server.kill();
        server.start_again()
    })
}

pub struct Laboratory {
    // The order matters: fields are dropped from top to bottom, the pooler before its server.
    pub proxy: Proxy,
    pooler: Option<(Server, PoolMode)>,
    pub server: Server,
}

impl Laboratory {
    /// Starts a server that keeps what it acknowledged, and a proxy before it.
    pub fn open(database: &str) -> Result<Laboratory, String> {
        let server = servers::lasting(database)?;
        Ok(Laboratory { proxy: before(&server)?, pooler: None, server })
    }

    /// Starts a PostgreSQL server, a PgBouncer before it and the proxy before that.
    pub fn behind_pooler(mode: PoolMode) -> Result<Laboratory, String> {
        let server = servers::lasting("postgres")?;
        let pooler = pgbouncer::start(&server, mode)?;
        Ok(Laboratory { proxy: before(&pooler)?, pooler: Some((pooler, mode)), server })
    }

    /// The pooler, for those who need no broken lines.
    pub fn pooler_url(&self) -> &str {
        self.pooler.as_ref().map_or("", |(pooler, _)| pooler.url())
    }

    /// What the sessions of the server do, for a message.
    pub async fn sessions(&self, watch: &Db) -> String {
        if !self.server.url().starts_with("postgres") {
            return String::new();
        }
        let text = sql!(
            "SELECT pid || ' ' || coalesce(state, '') || ' ' || coalesce(wait_event, '') || ' ' || coalesce(round(extract(epoch FROM now() - xact_start))::text, '-')              || ' s: ' || left(query, 60) || ' blocked by ' || pg_blocking_pids(pid)::text FROM pg_stat_activity WHERE backend_type = 'client backend'"
        );
        let rows = watch.query_as::<(String,)>(text).await;
        rows.map_or_else(|error| error.to_string(), |rows| rows.into_iter().map(|row| row.0).collect::<Vec<_>>().join("\n"))
    }

    /// A pool through the proxy, which connects again for as long as it takes.
    pub async fn connect(&self, max: usize) -> sequor::Result<Db> {
        let retry = Retry { max: 10_000, delay: millis(5), max_delay: millis(100) };
        let pool = Pool { max, acquire: secs(20), ..Pool::default() };
        // A session of the server serves other clients between two transactions: statements cannot be kept there.
        let shared = self.pooler.as_ref().is_some_and(|(_, mode)| *mode == PoolMode::Transaction);
        let url = format!("{}{}", self.proxy.url(self.server.url()), if shared { "?statement_mode=unnamed" } else { "" });
        Db::options(&url).pool(pool).retry(retry).connect().await
    }

    /// Injects a fault and ends it; lines that it concerned may still be broken then.
    pub async fn inject(&mut self, fault: Fault, round: u32) -> Result<(), String> {
        let bytes = u64::from(round) * 97 % 700;
        match fault {
            Fault::Reset => drop(self.proxy.end_lines(End::Reset)),
            Fault::Close => drop(self.proxy.end_lines(End::Closed)),
            Fault::CutAnswers => self.rule(Way::Down, faultd::Fault::CutAfter(bytes), None).await,
            Fault::CutRequests => self.rule(Way::Up, faultd::Fault::CutAfter(bytes), None).await,
            Fault::SwallowAnswers => self.rule(Way::Down, faultd::Fault::Swallow, Some(End::Reset)).await,
            Fault::SwallowRequests => self.rule(Way::Up, faultd::Fault::Swallow, Some(End::Reset)).await,
            Fault::Hold => self.rule(Way::Down, faultd::Fault::Hold, None).await,
            Fault::Slow => {
                self.proxy.set(Way::Up, faultd::Fault::Delay(millis(1), millis(5)));
                self.rule(Way::Down, faultd::Fault::Dribble, None).await;
            }
            Fault::Refuse => {
                self.proxy.refuse(true);
                self.proxy.end_lines(End::Reset);
                tokio::time::sleep(WHILE).await;
                self.proxy.heal();
            }
            Fault::Freeze => {
                self.server.freeze(true);
                tokio::time::sleep(WHILE).await;
                self.server.freeze(false);
            }
            Fault::Kill => again(&mut self.server)?,
            Fault::LosePooler => {
                if let Some((pooler, _)) = &mut self.pooler {
                    tokio::task::block_in_place(|| pooler.kill());
                }
            }
            Fault::KillPooler => {
                if let Some((pooler, _)) = &mut self.pooler {
                    again(pooler)?;
                }
            }
        }
        Ok(())
    }

    async fn rule(&self, way: Way, fault: faultd::Fault, end: Option<End>) {
        self.proxy.set(way, fault);
        tokio::time::sleep(WHILE).await;
        if let Some(end) = end {
            // A line that opened just before the end of the fault would miss what it had swallowed, for good.
            self.proxy.refuse(true);
            self.proxy.end_lines(end);
        }
        self.proxy.heal();
    }

    /// Starts a pooler again that has ended by itself: PgBouncer 1.18 does when clients go while a request to cancel is on its way (its issues 801 and 822).
    pub fn revive_pooler(&mut self) -> Result<bool, String> {
        let Some((pooler, _)) = &mut self.pooler else { return Ok(false) };
        if std::net::TcpStream::connect(("127.0.0.1", pooler.port())).is_ok() {
            return Ok(false);
        }
        again(pooler).map(|()| true)
    }

    /// How many transactions are open on the server, besides those of whoever asks.
    pub async fn open_transactions(&self, watch: &Db) -> sequor::Result<i64> {
        let counts = if self.server.url().starts_with("postgres") {
            let text = sql!(
                "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND xact_start IS NOT NULL AND backend_type = 'client backend'"
            );
            watch.query_as::<(i64,)>(text).await?
        } else {
            let text = sql!("SELECT count(*) FROM information_schema.innodb_trx WHERE trx_mysql_thread_id <> connection_id()");
            watch.query_as::<(i64,)>(text).await?
        };
        Ok(counts[0].0)
    }
}
