//! The ledger: tasks that move money between accounts while something breaks their lines, their server or their process.
//!
//! A transfer is one transaction: two balances and a row that says so. Every fourth operation is a bare statement instead, which must not end up in
//! a transaction that somebody left open. What was answered is kept, and held against what is stored at the end.

use crate::polls::Polls;
use sequor::ConnectionErrorKind;
use sequor::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// An account.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "accounts")]
pub struct Account {
    /// Its number.
    #[field(primary_key)]
    pub id: i64,
    /// What is on it.
    pub balance: i64,
}

/// One transfer, written in the transaction that moves the money. Its id says between which accounts.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "transfers")]
pub struct Transfer {
    /// The number of the operation.
    #[field(primary_key)]
    pub id: i64,
    /// How much; 0 for a bare statement.
    pub amount: i64,
}

/// How many accounts there are.
pub const ACCOUNTS: i64 = 8;
/// What is on each at the beginning.
pub const BALANCE: i64 = 1000;
/// How many tasks move money.
pub const TASKS: i64 = 16;

/// What was answered to the operations.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Done, says the answer.
    pub acknowledged: BTreeSet<i64>,
    /// Not done, says the answer.
    pub refused: BTreeMap<i64, String>,
    /// Nobody knows, says the answer; or there was none, because the future was dropped.
    pub unknown: BTreeSet<i64>,
}

/// What is wrong at the end: everything is empty when Sequor kept its word.
#[derive(Debug, Default, PartialEq)]
pub struct Wrong {
    /// Acknowledged, and not there.
    pub lost: Vec<i64>,
    /// Refused, and there all the same, with the error.
    pub stored_all_the_same: Vec<(i64, String)>,
    /// Accounts whose balance is not that of the stored transfers: one counts twice, or half.
    pub accounts: Vec<(i64, i64, i64)>,
}

/// The workload.
#[derive(Default)]
pub struct Ledger {
    answers: Mutex<Answers>,
    count: AtomicU64,
    ended: AtomicBool,
    /// Where ids begin, so that several runs share one database.
    first: i64,
    /// Told of every acknowledged operation before anything else happens.
    on_acknowledged: Option<Box<dyn Fn(i64) + Send + Sync>>,
}

/// The two accounts of a transfer and the amount.
fn movement(id: i64) -> (i64, i64, i64) {
    (id % ACCOUNTS, (id / 3 + 1) % ACCOUNTS, id % 7 + 1)
}

/// Makes tables and accounts.
///
/// # Errors
/// Those of the database.
pub async fn prepare(db: &Db) -> sequor::Result<()> {
    db.sync::<(Account, Transfer)>(SyncMode::Create).await?;
    let accounts: Vec<_> = (0..ACCOUNTS).map(|id| draft!(Account { id, balance: BALANCE })).collect();
    Account::bulk_create(accounts).exec(db).await?;
    Ok(())
}

/// Moves money in one transaction.
///
/// # Errors
/// Those of the transaction.
pub async fn transfer(db: &Db, id: i64) -> sequor::Result<()> {
    let (from, to, amount) = movement(id);
    db.transaction_with(Tx::serializable().retry(50), async move |tx| {
        // In one order, so that two transfers wait for each other less often.
        for (account, change) in if from < to { [(from, -amount), (to, amount)] } else { [(to, amount), (from, -amount)] } {
            Account::update_all().set(Account::BALANCE, Account::BALANCE + change).filter(Account::ID.eq(account)).exec(tx).await?;
        }
        draft!(Transfer { id, amount }).create(tx).await?;
        Ok(())
    })
    .await
}

async fn operation(db: &Db, id: i64) -> sequor::Result<()> {
    match id % 4 {
        0 => draft!(Transfer { id, amount: 0 }).create(db).await.map(drop),
        _ => transfer(db, id).await,
    }
}

/// Whether the error of an operation leaves open whether it was done.
fn is_unknown(error: &Error) -> bool {
    match error {
        Error::Connection(error) => error.kind() == ConnectionErrorKind::CommitUnknown,
        _ => false,
    }
}

impl Ledger {
    /// A ledger whose ids begin there.
    pub fn from(first: i64) -> Ledger {
        Ledger { first, ..Ledger::default() }
    }

    /// A ledger that tells of every acknowledged operation.
    pub fn telling(first: i64, on_acknowledged: impl Fn(i64) + Send + Sync + 'static) -> Ledger {
        Ledger { first, on_acknowledged: Some(Box::new(on_acknowledged)), ..Ledger::default() }
    }

    /// How many operations were acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// What was answered so far.
    pub fn answers(&self) -> Answers {
        self.lock().clone()
    }

    /// Lets the tasks end after what they are doing.
    pub fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the tasks; they run until [`Ledger::end`].
    pub fn start(self: &Arc<Self>, db: &Db) -> Vec<tokio::task::JoinHandle<()>> {
        let tasks = (0..TASKS).map(|task| {
            let (ledger, db) = (self.clone(), db.clone());
            tokio::spawn(async move {
                let mut number = 0;
                while !ledger.ended.load(Ordering::SeqCst) {
                    number += 1;
                    ledger.one(&db, ledger.first + task * 1_000_000 + number).await;
                }
            })
        });
        tasks.collect()
    }

    async fn one(&self, db: &Db, id: i64) {
        // Every ninth future is dropped somewhere on its way.
        let answer = if id % 9 == 0 {
            Polls::new(u32::try_from(id % 23).unwrap_or(0) + 1, operation(db, id)).await
        } else {
            Some(operation(db, id).await)
        };
        match answer {
            Some(Ok(())) => {
                if let Some(tell) = &self.on_acknowledged {
                    tell(id);
                }
                self.lock().acknowledged.insert(id);
                self.count.fetch_add(1, Ordering::SeqCst);
            }
            Some(Err(error)) if !is_unknown(&error) => {
                self.lock().refused.insert(id, error.to_string());
                // A server that is down refuses at once: the tasks do not have to ask it a million times.
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            _ => {
                self.lock().unknown.insert(id);
            }
        }
    }
}

/// Holds what was answered against what is stored.
///
/// # Errors
/// Those of reading.
pub async fn check(db: &Db, answers: &Answers) -> sequor::Result<Wrong> {
    let stored: BTreeMap<i64, i64> = Transfer::find_all().select((Transfer::ID, Transfer::AMOUNT)).exec(db).await?.into_iter().collect();
    let mut expected: BTreeMap<i64, i64> = (0..ACCOUNTS).map(|id| (id, BALANCE)).collect();
    for (id, amount) in stored.iter().filter(|(_, amount)| **amount > 0) {
        let (from, to, _) = movement(*id);
        *expected.entry(from).or_default() -= amount;
        *expected.entry(to).or_default() += amount;
    }
    let balances: Vec<(i64, i64)> = Account::find_all().select((Account::ID, Account::BALANCE)).exec(db).await?;
    let accounts = balances.into_iter().map(|(id, balance)| (id, balance, expected.get(&id).copied().unwrap_or_default()));
    Ok(Wrong {
        lost: answers.acknowledged.iter().filter(|id| !stored.contains_key(id)).copied().collect(),
        stored_all_the_same: answers
            .refused
            .iter()
            .filter(|(id, _)| stored.contains_key(id))
            .map(|(id, error)| (*id, error.clone()))
            .collect(),
        accounts: accounts.filter(|(_, balance, expected)| balance != expected).collect(),
    })
}
