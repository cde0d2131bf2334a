//! [`Worker`]: the thread of a connection, which takes its requests one after another.

use super::Shared;
use super::core::{Core, lock};
use super::mailbox::{Command, Control, Mailbox, Ran, Reply, Request};
use super::maintenance;
use crate::connect::{SqliteOptions, open};
use crate::statements::{self, Errand, Exchange};
use sequor_core::driver::{Product, ServerInfo};
use sequor_core::error::{Error, Result};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;

/// What the thread says once the database is open.
pub(super) struct Opened {
    pub(super) shared: Arc<Shared>,
    pub(super) server: ServerInfo,
    pub(super) core: Arc<Mutex<Core>>,
}

/// A connection with its requests.
struct Worker {
    core: Arc<Mutex<Core>>,
    mailbox: Mailbox,
}

/// The body of the thread: opens the database, then serves until the connection is closed or dropped.
pub(super) fn serve(options: Arc<SqliteOptions>, inbox: Receiver<Request>, ready: oneshot::Sender<Result<Opened>>) {
    match open(&options) {
        Err(error) => drop(ready.send(Err(error))),
        Ok((connection, shared)) => {
            let read_only = connection.is_readonly("main").unwrap_or(false);
            let server = ServerInfo { product: Product::Sqlite, version: version(), read_only };
            let mailbox = Mailbox::new(Arc::clone(&shared), inbox);
            let core = Arc::new(Mutex::new(Core::new(connection, Arc::clone(&shared), options)));
            if ready.send(Ok(Opened { shared, server, core: Arc::clone(&core) })).is_ok() {
                Worker { core, mailbox }.work();
            }
        }
    }
}

fn version() -> (u32, u32, u32) {
    let number = u32::try_from(rusqlite::version_number()).unwrap_or(0);
    (number / 1_000_000, number / 1_000 % 1_000, number % 1_000)
}

impl Worker {
    fn work(mut self) {
        while let Some(request) = self.mailbox.next() {
            // Only this thread while it serves a request, or the caller while it runs one in place: never both at once.
            let mut core = lock(&self.core);
            if let Some(begin) = request.begin
                && let Err(error) = core.control(Control::Begin(begin))
            {
                core.settle();
                core.shared.set_not_begun();
                request.command.refuse(error);
                continue;
            }
            match request.command {
                Command::Run(errand, reply) => run(&mut core, &mut self.mailbox, errand, reply),
                Command::Resume(_, reply) => {
                    answer(&mut core, reply, |_| Err(Error::bug("no statement is paused on this SQLite connection")))
                }
                Command::Script(sql, reply) => answer(&mut core, reply, |core| {
                    if statements::script_may_change_session(&sql) {
                        core.shared.set_dirty(true);
                    }
                    statements::run_script(&core.connection, &sql)
                }),
                Command::Control(control, reply) => answer(&mut core, reply, |core| core.control(control)),
                Command::Backup(to, reply) => answer(&mut core, reply, |core| maintenance::backup(&core.connection, &core.shared, &to)),
                Command::Vacuum(into, reply) => answer(&mut core, reply, |core| maintenance::vacuum(&core.connection, into.as_deref())),
                Command::Close(reply) => {
                    drop(core);
                    drop(self);
                    let _ = reply.send(());
                    return;
                }
            }
        }
    }
}

fn run(core: &mut Core, mailbox: &mut Mailbox, errand: Errand, reply: Reply<Ran>) {
    let mut exchange = Exchange::new(mailbox, reply);
    let result = statements::run_batch(&core.connection, &mut exchange, errand);
    let ending = exchange.end(result);
    core.settle();
    ending.send();
}

fn answer<T>(core: &mut Core, reply: Reply<T>, work: impl FnOnce(&mut Core) -> Result<T>) {
    let result = work(core);
    core.settle();
    // Nobody waits any more when the future was dropped.
    let _ = reply.send(result);
}
