//! Looking after replicas: whether they answer, and how far they are behind.
//!
//! On PostgreSQL no clock is compared: where the primary's log was at each look is remembered, and a replica that has replayed the log up to a place is
//! behind by no more than the time since the primary was there.

use super::{Replica, Replicas};
use crate::db::own::{Rows, ask_named};
use crate::db::pool::ConnectionPool;
use sequor_core::error::{Error, Result};
use sequor_core::value::Value;
use sequor_sql::session::{primary_position, replica_position};
use sequor_sql::{Dialect, Sql};
use std::panic::Location;
use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How often replicas are looked at.
pub(super) const EVERY: Duration = Duration::from_secs(1);
/// How long a look may take.
const LIMIT: Duration = Duration::from_secs(2);
/// How many places of the log are remembered: an hour.
const SAMPLES: usize = 3_600;

/// Where the primary's log was at an instant.
#[derive(Clone, Copy, Debug)]
pub(in crate::db) struct Sample {
    at: Instant,
    place: u64,
}

/// What a replica says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// It answers; how far it is behind cannot be known.
    Nothing,
    /// It has replayed the log up to here.
    Place(u64),
    /// It counts by itself.
    Behind(Duration),
    /// It no longer follows.
    Stopped,
}

impl Replicas {
    /// Looks after the replicas until the database is closed or gone.
    pub(in crate::db) fn keep(replicas: &Arc<Replicas>, primary: &Arc<ConnectionPool>, dialect: Dialect) {
        if replicas.list.is_empty() {
            return;
        }
        let (replicas, primary) = (Arc::downgrade(replicas), Arc::downgrade(primary));
        tokio::spawn(async move {
            while look(&replicas, &primary, dialect).await.is_some() {
                tokio::time::sleep(EVERY).await;
            }
        });
    }

    /// Remembers where the primary is. The instant is before the question: it was there by then or later.
    fn sample(&self, at: Instant, place: u64) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        match samples.back_mut() {
            Some(last) if last.place == place => last.at = at,
            _ => samples.push_back(Sample { at, place }),
        }
        if samples.len() > SAMPLES {
            samples.pop_front();
        }
    }

    /// How far a place of the log is behind the primary, at most.
    fn lag_of(&self, place: u64, now: Instant) -> Option<Duration> {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let last = samples.back()?;
        if last.place <= place {
            return Some(Duration::ZERO);
        }
        let passed = samples.iter().rev().find(|sample| sample.place <= place).or(samples.front())?;
        Some(now.saturating_duration_since(passed.at))
    }
}

/// One look at everything; `None` once there is nothing to look after.
async fn look(replicas: &Weak<Replicas>, primary: &Weak<ConnectionPool>, dialect: Dialect) -> Option<()> {
    let (replicas, primary) = (replicas.upgrade()?, primary.upgrade()?);
    primary.check_open().ok()?;
    if let Some(sql) = primary_position(dialect)
        && !primary.is_exhausted()
    {
        let asked = Instant::now();
        if let Ok(Some(place)) = answer(&primary, sql).await.map(|rows| place_in(&rows, 0)) {
            replicas.sample(asked, place);
        }
    }
    let mut looks = JoinSet::new();
    for number in 0..replicas.list.len() {
        let replicas = replicas.clone();
        looks.spawn(async move {
            if let Some(replica) = replicas.list.get(number) {
                replica.look(&replicas, dialect).await;
            }
        });
    }
    looks.join_all().await;
    Some(())
}

impl Replica {
    async fn look(&self, replicas: &Replicas, dialect: Dialect) {
        // Its connections are all in use, so it lives; nobody waits behind a look.
        if self.pool.is_exhausted() {
            return;
        }
        let said = match replica_position(dialect) {
            Some(sql) => answer(&self.pool, sql).await.map(|rows| said(&rows)),
            None => ping(&self.pool).await.map(|()| Said::Nothing),
        };
        let said = match said {
            // The user of the URL may not ask; that it answers is something.
            Err(Error::Database { .. }) => Ok(Said::Nothing),
            said => said,
        };
        match said {
            Err(error) => self.leave_out(&error),
            Ok(said) => {
                let lag = match said {
                    Said::Nothing | Said::Stopped => None,
                    Said::Place(place) => replicas.lag_of(place, Instant::now()),
                    Said::Behind(lag) => Some(lag),
                };
                let mut state = self.state();
                if state.out {
                    tracing::info!(replica = %self.pool.target(), "a replica answers again and is taken back");
                }
                (state.out, state.stopped, state.lag) = (false, said == Said::Stopped, lag);
            }
        }
    }
}

async fn ping(pool: &Arc<ConnectionPool>) -> Result<()> {
    limited(async { pool.acquire(Location::caller()).await?.get()?.ping().await }).await
}

async fn answer(pool: &Arc<ConnectionPool>, sql: Sql) -> Result<Rows> {
    limited(async { ask_named(pool.acquire(Location::caller()).await?.get()?, sql).await }).await
}

async fn limited<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |_| Error::timeout(format!("no answer within {} s", LIMIT.as_secs()));
    tokio::time::timeout(LIMIT, work).await.map_err(late)?
}

/// A place of PostgreSQL's log: `16/B374D848`.
fn place_in(rows: &Rows, cell: usize) -> Option<u64> {
    let Some(Value::Text(text)) = rows.rows.first()?.get(cell) else { return None };
    let (high, low) = text.split_once('/')?;
    Some(u64::from(u32::from_str_radix(high, 16).ok()?) << 32 | u64::from(u32::from_str_radix(low, 16).ok()?))
}

fn said(rows: &Rows) -> Said {
    let Some(row) = rows.rows.first() else { return Said::Nothing };
    if let Some(cell) = rows.names.iter().position(|name| name.starts_with("Seconds_Behind_")) {
        return match row.get(cell) {
            Some(Value::I64(seconds)) => Said::Behind(Duration::from_secs(u64::try_from(*seconds).unwrap_or(0))),
            Some(Value::U64(seconds)) => Said::Behind(Duration::from_secs(*seconds)),
            _ => Said::Stopped,
        };
    }
    place_in(rows, 0).map_or(Said::Nothing, Said::Place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Pool;
    use crate::db::replica::{ReplicaChoice, ReplicaOptions};

    fn replicas() -> Replicas {
        let options = ReplicaOptions { urls: Vec::new(), window: Duration::from_secs(5), choice: ReplicaChoice::RoundRobin, lag: None };
        Replicas::new(&options, &Pool::default(), &std::sync::Arc::default()).unwrap()
    }

    #[test]
    fn a_replica_is_behind_since_the_primary_was_where_it_is() {
        let (replicas, start) = (replicas(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(replicas.lag_of(7, at(0)), None);
        for (second, place) in [(0, 100), (1, 200), (2, 200), (3, 300)] {
            replicas.sample(at(second), place);
        }
        for (place, lag) in [(300, 0), (350, 0), (299, 1), (200, 1), (199, 3), (100, 3), (50, 3)] {
            assert_eq!(replicas.lag_of(place, at(3)), Some(Duration::from_secs(lag)), "{place}");
        }
        // A primary that rests leaves nobody behind.
        assert_eq!(replicas.lag_of(300, at(3000)), Some(Duration::ZERO));
    }

    #[test]
    fn answers_are_read() {
        let rows = |name: &str, value: Value| Rows {
            names: vec!["x".into(), name.into()],
            rows: vec![vec![Value::Text("16/B374D848".into()), value]],
        };
        assert_eq!(said(&rows("y", Value::Null)), Said::Place(0x16_B374_D848));
        assert_eq!(said(&rows("Seconds_Behind_Master", Value::I64(7))), Said::Behind(Duration::from_secs(7)));
        assert_eq!(said(&rows("Seconds_Behind_Source", Value::Null)), Said::Stopped);
        assert_eq!(said(&Rows::default()), Said::Nothing);
        let null = Rows { names: vec!["place".into()], rows: vec![vec![Value::Null]] };
        assert_eq!(said(&null), Said::Nothing);
    }

    #[test]
    fn the_limit_keeps_the_promise_of_the_window() {
        assert_eq!(replicas().most_lag, Some(Duration::from_secs(3)));
    }
}
