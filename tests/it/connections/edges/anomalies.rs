//! What transactions see of each other at each level, held against what the servers' manuals promise. Tier 1.

use crate::connections::{Account, Bed, is_tier_one, note, run};
use sequor::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// One step of a transaction.
#[derive(Clone, Copy, Debug)]
enum Do {
    Set(i64, i64),
    Insert(i64, i64),
    /// Reads one balance.
    Read(i64),
    /// Reads how many balances are at least so much.
    Count(i64),
    Commit,
    Abort,
}

/// The names of the anomalies, after Adya and Berenson; the steps say which transaction does what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Anomaly {
    DirtyWrite,
    AbortedRead,
    IntermediateRead,
    CircularInformation,
    VanishingUpdate,
    Phantom,
    LostUpdate,
    ReadSkew,
    WriteSkew,
    PredicateSkew,
}

use Anomaly as A;

const ALL: [Anomaly; 10] = [
    A::DirtyWrite,
    A::AbortedRead,
    A::IntermediateRead,
    A::CircularInformation,
    A::VanishingUpdate,
    A::Phantom,
    A::LostUpdate,
    A::ReadSkew,
    A::WriteSkew,
    A::PredicateSkew,
];

/// Two rows: 1 holds 10, 2 holds 20.
fn steps(anomaly: Anomaly) -> Vec<(usize, Do)> {
    use Do::{Abort, Commit, Count, Insert, Read, Set};
    match anomaly {
        A::DirtyWrite => vec![(0, Set(1, 11)), (1, Set(1, 12)), (0, Set(2, 21)), (0, Commit), (1, Set(2, 22)), (1, Commit)],
        A::AbortedRead => vec![(0, Set(1, 101)), (1, Read(1)), (0, Abort), (1, Read(1)), (1, Commit)],
        A::IntermediateRead => vec![(0, Set(1, 101)), (1, Read(1)), (0, Set(1, 11)), (0, Commit), (1, Commit)],
        A::CircularInformation => vec![(0, Set(1, 11)), (1, Set(2, 22)), (0, Read(2)), (1, Read(1)), (0, Commit), (1, Commit)],
        A::VanishingUpdate => vec![
            (0, Set(1, 11)),
            (0, Set(2, 19)),
            (1, Set(1, 12)),
            (0, Commit),
            (2, Read(1)),
            (1, Set(2, 18)),
            (2, Read(2)),
            (1, Commit),
            (2, Commit),
        ],
        A::Phantom => vec![(0, Count(30)), (1, Insert(3, 30)), (1, Commit), (0, Count(30)), (0, Commit)],
        A::LostUpdate => vec![(0, Read(1)), (1, Read(1)), (0, Set(1, 11)), (1, Set(1, 12)), (0, Commit), (1, Commit)],
        A::ReadSkew => vec![(0, Read(1)), (1, Set(1, 12)), (1, Set(2, 18)), (1, Commit), (0, Read(2)), (0, Commit)],
        A::WriteSkew => {
            vec![(0, Read(1)), (0, Read(2)), (1, Read(1)), (1, Read(2)), (0, Set(1, 11)), (1, Set(2, 21)), (0, Commit), (1, Commit)]
        }
        A::PredicateSkew => vec![(0, Count(30)), (1, Count(30)), (0, Insert(3, 30)), (1, Insert(4, 42)), (0, Commit), (1, Commit)],
    }
}

/// What came of the steps: the answers of reads in order (`None` for one that failed), and who committed.
#[derive(Debug, Default)]
struct Outcome {
    reads: Vec<(usize, Option<i64>)>,
    committed: [bool; 3],
    rows: Vec<(i64, i64)>,
}

impl Outcome {
    fn of(&self, who: usize) -> Vec<i64> {
        self.reads.iter().filter(|(by, _)| *by == who).filter_map(|(_, read)| *read).collect()
    }

    fn both(&self) -> bool {
        self.committed[0] && self.committed[1]
    }

    /// Whether the anomaly is there.
    fn shows(&self, anomaly: Anomaly) -> bool {
        let (one, two, three) = (self.of(0), self.of(1), self.of(2));
        match anomaly {
            A::DirtyWrite => self.both() && !matches!(self.rows[..], [(1, 12), (2, 22)] | [(1, 11), (2, 21)]),
            A::AbortedRead | A::IntermediateRead => self.committed[1] && two.contains(&101),
            A::CircularInformation => self.both() && one == [22] && two == [11],
            A::VanishingUpdate => self.committed[2] && matches!(three[..], [12, 19] | [11, 18]),
            A::Phantom => self.committed[0] && one == [0, 1],
            A::LostUpdate => self.both() && one == [10] && two == [10],
            A::ReadSkew => self.committed[0] && one == [10, 18],
            A::WriteSkew => self.both() && one == [10, 20] && two == [10, 20],
            A::PredicateSkew => self.both() && one == [0] && two == [0],
        }
    }
}

type Answer = (usize, Do, sequor::Result<Option<i64>>);

/// A transaction on a task of its own, which takes steps one after the other.
fn start(db: &Db, who: usize, kind: Tx, answers: UnboundedSender<Answer>) -> UnboundedSender<(Do, oneshot::Sender<()>)> {
    let (sender, mut steps) = unbounded_channel::<(Do, oneshot::Sender<()>)>();
    let db = db.clone();
    tokio::spawn(async move {
        let mut open = db.begin_with(kind).await.ok();
        while let Some((step, done)) = steps.recv().await {
            let answer = match (&open, step) {
                (None, _) => Err(Error::usage("it has ended")),
                (Some(_), Do::Commit) => match open.take() {
                    Some(tx) => tx.commit().await.map(|()| None),
                    None => Ok(None),
                },
                (Some(_), Do::Abort) => {
                    if let Some(tx) = open.take() {
                        let _ = tx.rollback().await;
                    }
                    Err(Error::usage("given up"))
                }
                (Some(tx), step) => one(tx, step).await,
            };
            if answer.is_err() {
                // One failure ends it, as the manuals' tables mean it.
                drop(open.take());
            }
            let _ = answers.send((who, step, answer));
            let _ = done.send(());
        }
    });
    sender
}

async fn one(tx: &Db, step: Do) -> sequor::Result<Option<i64>> {
    match step {
        Do::Set(id, balance) => {
            Account::update_all().set(Account::BALANCE, balance).filter(Account::ID.eq(id)).exec(tx).await.map(|_| None)
        }
        Do::Insert(id, balance) => draft!(Account { id, balance }).create(tx).await.map(|_| None),
        Do::Read(id) => Account::find_by_pk(id).or_fail().exec(tx).await.map(|row| Some(row.balance)),
        Do::Count(least) => {
            let count = Account::count().filter(Account::BALANCE.gte(least)).exec(tx).await?;
            Ok(Some(i64::try_from(count).unwrap_or(-1)))
        }
        Do::Commit | Do::Abort => Ok(None),
    }
}

async fn play(db: &Db, anomaly: Anomaly, kind: Tx) -> sequor::Result<Outcome> {
    Account::truncate().exec(db).await?;
    Account::bulk_create([draft!(Account { id: 1, balance: 10 }), draft!(Account { id: 2, balance: 20 })]).exec(db).await?;
    let (answers, mut heard) = unbounded_channel();
    let parties: Vec<_> = (0..3).map(|who| start(db, who, kind, answers.clone())).collect();
    drop(answers);
    let mut waiting = Vec::new();
    for (who, step) in steps(anomaly) {
        let (done, mut finished) = oneshot::channel();
        let _ = parties[who].send((step, done));
        // A step that waits for a lock goes on later, when another transaction has ended.
        if tokio::time::timeout(Duration::from_millis(250), &mut finished).await.is_err() {
            waiting.push(finished);
        }
    }
    for one in waiting {
        let _ = tokio::time::timeout(Duration::from_secs(20), one).await;
    }
    drop(parties);
    let mut outcome = Outcome::default();
    while let Some((who, step, answer)) = heard.recv().await {
        match (step, answer) {
            (Do::Commit, answer) => outcome.committed[who] = answer.is_ok(),
            (Do::Read(_) | Do::Count(_), answer) => outcome.reads.push((who, answer.ok().flatten())),
            _ => {}
        }
    }
    outcome.rows = Account::find_all().select((Account::ID, Account::BALANCE)).order_by(Account::ID.asc()).exec(db).await?;
    Ok(outcome)
}

/// What each level lets happen, by the manuals: PostgreSQL 13.2, InnoDB's isolation levels, SQLite's one writer.
fn allowed(database: &str, level: &str) -> BTreeSet<Anomaly> {
    let list: &[Anomaly] = match (database, level) {
        ("postgres", "read uncommitted" | "read committed") => &[A::Phantom, A::LostUpdate, A::ReadSkew, A::WriteSkew, A::PredicateSkew],
        ("postgres", "repeatable read") => &[A::WriteSkew, A::PredicateSkew],
        ("mysql", "read uncommitted") => &[
            A::AbortedRead,
            A::IntermediateRead,
            A::CircularInformation,
            A::VanishingUpdate,
            A::Phantom,
            A::LostUpdate,
            A::ReadSkew,
            A::WriteSkew,
            A::PredicateSkew,
        ],
        ("mysql", "read committed") => &[A::Phantom, A::LostUpdate, A::ReadSkew, A::WriteSkew, A::PredicateSkew],
        ("mysql", "repeatable read") => &[A::LostUpdate, A::WriteSkew, A::PredicateSkew],
        _ => &[],
    };
    list.iter().copied().collect()
}

async fn compare(bed: &Bed) -> sequor::Result<()> {
    let db = bed.db(4).await?;
    let levels: &[(&str, Tx)] = match bed.database {
        "sqlite" => &[("serializable", Tx::serializable())],
        _ => &[
            ("read uncommitted", Tx::read_uncommitted()),
            ("read committed", Tx::read_committed()),
            ("repeatable read", Tx::repeatable_read()),
            ("serializable", Tx::serializable()),
        ],
    };
    let mut wrong = Vec::new();
    for (level, kind) in levels {
        let mut seen = BTreeSet::new();
        for anomaly in ALL {
            let outcome = play(&db, anomaly, *kind).await?;
            if outcome.shows(anomaly) {
                seen.insert(anomaly);
            }
        }
        note(&format!("| {} | {level} | {seen:?} |", bed.database));
        if seen != allowed(bed.database, level) {
            wrong.push(format!("{level}: saw {seen:?}, the manual says {:?}", allowed(bed.database, level)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    db.close().await
}

// T-07
mod each_level_shows_what_its_manual_says_and_nothing_else {
    use super::*;

    fn on(database: &'static str) {
        if is_tier_one() {
            run(database, async |bed: Arc<Bed>| compare(&bed).await);
        }
    }

    #[test]
    fn sqlite() {
        on("sqlite");
    }

    #[test]
    fn postgres() {
        on("postgres");
    }

    #[test]
    fn mysql() {
        on("mysql");
    }
}
