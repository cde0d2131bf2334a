//! The runtimes that every async contender shares, and many tasks at once.

use crate::{Seen, data::key, memory};
use std::future::Future;
use std::time::Instant;
use tokio::runtime::{Builder, Runtime};

/// Where contenders run: one task at a time, and a crowd of them.
#[derive(Clone, Copy)]
pub struct Stage {
    alone: &'static Runtime,
    pub crowd: &'static Runtime,
    spawns: bool,
}

fn crowd() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

impl Stage {
    /// One task at a time on the thread that waits for it, where nothing crosses threads.
    pub fn on_one_thread() -> Self {
        let alone = Builder::new_current_thread().enable_all().build().expect("a runtime");
        Stage { alone: Box::leak(Box::new(alone)), crowd: Box::leak(Box::new(crowd())), spawns: false }
    }

    /// One task at a time on a worker, as a server's handlers run.
    pub fn on_workers() -> Self {
        let all: &'static Runtime = Box::leak(Box::new(crowd()));
        Stage { alone: all, crowd: all, spawns: true }
    }

    /// Waits on the caller's thread.
    pub fn wait<T>(self, future: impl Future<Output = T>) -> T {
        self.alone.block_on(future)
    }

    /// The time of a future that borrows, and what it has seen: how many rows, and the sum of their keys.
    pub fn here(self, work: impl Future<Output = (u64, i64)>) -> Seen {
        self.alone.block_on(measured(work))
    }

    /// The time of a future on a worker, where there are any.
    pub fn go(self, work: impl Future<Output = (u64, i64)> + Send + 'static) -> Seen {
        if !self.spawns {
            return self.here(work);
        }
        self.alone.block_on(async { tokio::spawn(measured(work)).await.expect("no panic") })
    }

    /// `tasks` tasks, which together look up `operations` keys by `find`, whose answer is the row's key.
    pub fn spread<F: Future<Output = i32> + Send>(
        self,
        tasks: u32,
        operations: u32,
        find: impl Fn(i32) -> F + Clone + Send + 'static,
    ) -> Seen
    where
        F: 'static,
    {
        let each = operations / tasks;
        let task = |task: u32| {
            let find = find.clone();
            async move {
                let (mut sum, mut taken) = (0, Vec::with_capacity(each as usize));
                for i in 0..each {
                    let start = Instant::now();
                    sum += i64::from(find(key(task * 7919 + i)).await);
                    taken.push(start.elapsed().as_secs_f64() * 1e6);
                }
                (sum, taken)
            }
        };
        self.crowd.block_on(async {
            memory::begin();
            let start = Instant::now();
            let handles: Vec<_> = (0..tasks).map(|number| tokio::spawn(task(number))).collect();
            let (mut sum, mut taken) = (0, Vec::new());
            for handle in handles {
                let (part, times) = handle.await.expect("no panic");
                sum += part;
                taken.extend(times);
            }
            let time = start.elapsed();
            taken.sort_by(f64::total_cmp);
            let at = |part: f64| taken[((taken.len() - 1) as f64 * part) as usize];
            Seen { time: time.as_secs_f64(), rows: taken.len() as u64, sum, latency: Some((at(0.5), at(0.99))), own: None }
        })
    }
}

async fn measured(work: impl Future<Output = (u64, i64)>) -> Seen {
    memory::begin();
    let start = Instant::now();
    let (rows, sum) = work.await;
    Seen { time: start.elapsed().as_secs_f64(), rows, sum, latency: None, own: None }
}
