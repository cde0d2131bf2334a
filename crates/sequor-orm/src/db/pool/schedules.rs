//! The pool itself under thousands of random schedules: a driver that waits at random places and fails at random, borrowers that give up at random polls.
//! Whatever the schedule, no wake-up is lost, nobody gets a connection that another one has or left dirty, and there are never more than `max`.

use super::*;
use sequor_core::driver::{Batch, Begin, BoxFuture, RowSink, ServerInfo, Status, StepDone};
use std::pin::{Pin, pin};
use std::sync::atomic::AtomicUsize;
use std::task::Poll;

const MAX: usize = 3;
const BORROWERS: u64 = 10;

/// What all connections of one schedule share.
#[derive(Debug)]
struct World {
    seed: AtomicU64,
    open: AtomicUsize,
    most: AtomicUsize,
}

impl World {
    fn random(&self, below: u64) -> u64 {
        let mut number = self.seed.load(Ordering::Relaxed);
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        self.seed.store(number, Ordering::Relaxed);
        (number >> 11) % below
    }

    /// Lets others run, as often as the schedule says.
    async fn turn(&self) {
        for _ in 0..self.random(4) {
            tokio::task::yield_now().await;
        }
    }
}

#[derive(Debug)]
struct Lab(Arc<World>);

impl Driver for Lab {
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Connection>>> {
        Box::pin(async move {
            self.0.turn().await;
            if self.0.random(8) == 0 {
                return Err(Error::connection(ConnectionErrorKind::Refused, "the schedule says so"));
            }
            let open = self.0.open.fetch_add(1, Ordering::SeqCst) + 1;
            self.0.most.fetch_max(open, Ordering::SeqCst);
            let line = Line { world: self.0.clone(), status: Status::Idle };
            line.world.turn().await;
            Ok(Box::new(line) as Box<dyn Connection>)
        })
    }

    fn target(&self) -> String {
        "the laboratory".into()
    }
}

struct Line {
    world: Arc<World>,
    status: Status,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.world.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Line {
    /// An exchange: cut short it leaves the connection in an unknown state.
    fn exchange<'a>(&'a mut self, fails: bool, end: Status) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.status = Status::Unknown;
            self.world.turn().await;
            if fails && self.world.random(10) == 0 {
                self.status = Status::Broken;
                return Err(Error::connection(ConnectionErrorKind::Broken, "the schedule says so"));
            }
            self.status = end;
            Ok(())
        })
    }
}

static LAB: ServerInfo = ServerInfo { product: Product::Sqlite, version: (1, 0, 0), read_only: false };

impl Connection for Line {
    fn server(&self) -> &ServerInfo {
        &LAB
    }

    fn run(&mut self, _batch: Batch) -> BoxFuture<'_, Result<Vec<StepDone>>> {
        Box::pin(async { Err(Error::bug("not in this laboratory")) })
    }

    fn resume(&mut self, _sink: Box<dyn RowSink>) -> BoxFuture<'_, Result<StepDone>> {
        Box::pin(async { Err(Error::bug("not in this laboratory")) })
    }

    fn execute_script(&mut self, _sql: String) -> BoxFuture<'_, Result<()>> {
        let status = self.status;
        self.exchange(true, status)
    }

    fn begin(&mut self, _begin: Begin) -> BoxFuture<'_, Result<()>> {
        assert_eq!(self.status, Status::Idle, "a borrower got what another one left");
        self.exchange(true, Status::InTransaction)
    }

    fn commit(&mut self) -> BoxFuture<'_, Result<()>> {
        assert_eq!(self.status, Status::InTransaction);
        self.exchange(true, Status::Idle)
    }

    fn rollback(&mut self) -> BoxFuture<'_, Result<()>> {
        self.exchange(true, Status::Idle)
    }

    fn savepoint(&mut self, _number: u32) -> BoxFuture<'_, Result<()>> {
        self.exchange(true, Status::InTransaction)
    }

    fn release(&mut self, _number: u32) -> BoxFuture<'_, Result<()>> {
        self.exchange(true, Status::InTransaction)
    }

    fn rollback_to(&mut self, _number: u32) -> BoxFuture<'_, Result<()>> {
        self.exchange(true, Status::InTransaction)
    }

    fn status(&self) -> Status {
        self.status
    }

    fn keep_session(&mut self) {}

    fn reset(&mut self) -> BoxFuture<'_, Result<()>> {
        if self.status == Status::Broken {
            return Box::pin(async { Err(Error::connection(ConnectionErrorKind::Broken, "it is broken")) });
        }
        self.exchange(true, Status::Idle)
    }

    fn is_alive(&mut self, _idle: Duration) -> bool {
        self.world.random(12) != 0
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<()>> {
        self.exchange(true, Status::Idle)
    }

    fn canceller(&self) -> Option<Box<dyn Cancel>> {
        None
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move { self.world.turn().await })
    }
}

/// Polls a future at most so often, then drops it.
async fn polled<T>(mut left: u64, future: impl Future<Output = T>) -> Option<T> {
    let mut future: Pin<&mut _> = pin!(future);
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// One borrower: a transaction that is committed, abandoned or cut somewhere. Gives the number of its loan.
async fn borrow(pool: &Arc<ConnectionPool>, world: &World, site: &'static Location<'static>) -> Result<u64> {
    let mut pooled = pool.acquire(site).await?;
    let number = pooled.number;
    pooled.get()?.begin(Begin::default()).await?;
    world.turn().await;
    match world.random(3) {
        0 => pooled.get()?.commit().await?,
        1 => pooled.get()?.rollback().await?,
        // Nobody ends it: the pool has to.
        _ => {}
    }
    Ok(number)
}

/// What came of one schedule: loans in the order in which they were asked for.
async fn schedule(seed: u64) -> Vec<u64> {
    let site = Location::caller();
    let world = Arc::new(World { seed: AtomicU64::new(seed | 1), open: AtomicUsize::new(0), most: AtomicUsize::new(0) });
    for _ in 0..20 {
        world.random(2);
    }
    let limits = Pool { max: MAX, ..Pool::default() };
    let pool = Arc::new(ConnectionPool::new(Arc::new(Lab(world.clone())), limits, Retry::default(), Arc::new(HookTable::default()), ""));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let borrowers: Vec<_> = (0..BORROWERS)
        .map(|_| {
            let (pool, world, asked) = (pool.clone(), world.clone(), asked.clone());
            tokio::spawn(async move {
                for _ in 0..2 {
                    world.turn().await;
                    let cut = world.random(2) == 0;
                    let place = {
                        let mut asked = asked.lock().unwrap();
                        asked.push(None);
                        asked.len() - 1
                    };
                    let work = borrow(&pool, &world, site);
                    let answer = if cut { polled(world.random(12), work).await } else { Some(work.await) };
                    match answer {
                        Some(Ok(number)) => asked.lock().unwrap()[place] = Some(number),
                        // The laboratory's own failures; to run out of time would be a lost wake-up.
                        Some(Err(Error::Connection(error))) => assert_ne!(error.kind(), ConnectionErrorKind::AcquireTimeout, "{error}"),
                        Some(Err(error)) => panic!("{error}"),
                        None => {}
                    }
                }
            })
        })
        .collect();
    for borrower in borrowers {
        borrower.await.unwrap_or_else(|error| panic!("schedule {seed}: {error}"));
    }
    for _ in 0..10_000 {
        if pool.status().in_use == 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    let status = pool.status();
    assert_eq!((status.in_use, status.waiting), (0, 0), "schedule {seed}");
    assert!(world.most.load(Ordering::SeqCst) <= MAX + spare(), "schedule {seed}: {world:?}");
    assert!(pool.lock_holders().is_empty(), "schedule {seed}");
    assert!(pool.lock_idle().iter().all(|slot| slot.connection.status() == Status::Idle), "schedule {seed}");
    pool.close(Duration::from_secs(1)).await.unwrap_or_else(|error| panic!("schedule {seed}: {error}"));
    for _ in 0..10_000 {
        if world.open.load(Ordering::SeqCst) == 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(world.open.load(Ordering::SeqCst), 0, "schedule {seed}: connections are left open");
    let asked = asked.lock().unwrap();
    asked.iter().copied().flatten().collect()
}

/// Connections that were found dead are said goodbye to beside their successors.
fn spare() -> usize {
    MAX
}

#[test]
fn no_schedule_loses_a_wake_up_or_lends_a_connection_twice() {
    let count = if std::env::var("SEQUOR_TIER").is_ok_and(|tier| tier == "1") { 100_000 } else { 1_000 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    for seed in 1..=count {
        let loans = runtime.block_on(schedule(seed * 0x9e37_79b9));
        // First come, first served: who got a permit may run a little before another one who has got his, and nobody else passes.
        for (place, loan) in loans.iter().enumerate() {
            let passed_by = loans.iter().skip(place).filter(|later| *later < loan).count();
            assert!(passed_by < MAX, "schedule {seed}: {loans:?}");
        }
    }
}
