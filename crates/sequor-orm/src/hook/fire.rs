//! How the hooks of a moment run: in order, at most sixteen deep, and none may take the engine down.

pub(super) mod chain;
pub(super) mod tell;

use super::form::Shown;
use super::heard::declared;
use super::table::{Entry, Found, Run};
use super::{Changes, Declared, HookContext, HookFn, HookKind, HookSubject, Operation, QueryEvent, SkipHooks};
use crate::db::{Db, TypeMap};
use crate::write::{RowState, WriteOptions};
use chain::{Link, Within};
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{ModelDef, Models};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// How deep hooks may write within hooks.
const DEEPEST: usize = 16;

/// What is called: the hooks that a model declares, and those of the table.
pub(super) struct Called {
    pub(super) declared: Option<&'static dyn Declared>,
    pub(super) table: Found,
    /// Only those that want each row of a write of many.
    pub(super) rows: bool,
    /// What is done to the row, where the kind of the hook does not say it.
    pub(super) operation: Option<Operation>,
}

/// Runs all hooks of a moment: declared ones, then those of the table.
pub(crate) async fn fire(db: &Db, model: &Arc<ModelDef>, kind: HookKind, subject: HookSubject<'_>, options: &WriteOptions) -> Result<()> {
    if !options.hooks {
        return Ok(());
    }
    let called = Called { declared: declared(model), table: db.hook_table().of(&model.name, kind), rows: false, operation: None };
    call(db, Some(model), kind, subject, options, called).await
}

/// Runs the hooks of a row that was created.
pub(crate) async fn fire_created(db: &Db, row: &mut RowState, options: &WriteOptions) -> Result<()> {
    fire_saving(db, &mut [row], [HookKind::AfterCreate, HookKind::AfterSave], Some(Operation::Create), options).await
}

/// Runs the hooks of the two moments around the statement of rows of one model, each for all rows before the next one.
/// The second moment follows the first; where all is done as Sequelize does it, the hooks of both run in the order in which they were registered.
pub(crate) async fn fire_saving(
    db: &Db,
    rows: &mut [&mut RowState],
    kinds: [HookKind; 2],
    operation: Option<Operation>,
    options: &WriteOptions,
) -> Result<()> {
    let Some(model) = rows.first().map(|row| row.model.clone()).filter(|_| options.hooks) else { return Ok(()) };
    let declared = declared(&model);
    if declared.is_none() && options.is_sequelizes() {
        for (kind, table) in db.hook_table().turns(&model.name, kinds) {
            for row in rows.iter_mut() {
                let called = Called { declared: None, table: table.clone(), rows: false, operation };
                call(db, Some(&model), kind, HookSubject::Row(row), options, called).await?;
            }
        }
        return Ok(());
    }
    for kind in kinds {
        for row in rows.iter_mut() {
            let called = Called { declared, table: db.hook_table().of(&model.name, kind), rows: false, operation };
            call(db, Some(&model), kind, HookSubject::Row(row), options, called).await?;
        }
    }
    Ok(())
}

/// Runs the hooks of all models for a moment that is no single model's.
pub(crate) async fn fire_global(db: &Db, kind: HookKind, subject: HookSubject<'_>, options: &WriteOptions) -> Result<()> {
    let called = Called { declared: None, table: db.hook_table().of("", kind), rows: false, operation: None };
    call(db, None, kind, subject, options, called).await
}

/// Runs the hooks around a statement: those of its model by its name, and those of all.
pub(crate) async fn fire_statement(db: &Db, kind: HookKind, event: &QueryEvent<'_>, options: &WriteOptions) -> Result<()> {
    let table = db.hook_table().of(event.model.unwrap_or_default(), kind);
    let called = Called { declared: None, table, rows: false, operation: None };
    let model = event.model.and_then(|name| db.models().by_name(name));
    call(db, model.as_ref(), kind, HookSubject::Statement(event), options, called).await
}

/// Runs the hooks of one row that a write of many changed: those that asked for it.
async fn fire_row(db: &Db, row: &mut RowState, kind: HookKind, operation: Operation, options: &WriteOptions) -> Result<()> {
    let model = row.model.clone();
    let declared = declared(&model).filter(|declared| declared.wants_rows());
    let called = Called { declared, table: db.hook_table().of(&model.name, kind), rows: true, operation: Some(operation) };
    call(db, Some(&model), kind, HookSubject::Row(row), options, called).await
}

async fn call(
    db: &Db,
    model: Option<&Arc<ModelDef>>,
    kind: HookKind,
    subject: HookSubject<'_>,
    options: &WriteOptions,
    called: Called,
) -> Result<()> {
    if called.declared.is_none() && called.table.is_empty() {
        return Ok(());
    }
    // On the heap: hooks write, and their writes call hooks, on one stack.
    Box::pin(call_each(db, model, kind, subject, options, called)).await
}

/// What all hooks of a moment share.
struct Moment<'a> {
    kind: HookKind,
    merged: Option<TypeMap>,
    /// The extras of the handle, where the call has none of its own.
    own: &'a TypeMap,
    chain: Arc<Link>,
}

impl<'a> Moment<'a> {
    fn new(db: &'a Db, model: Option<&Arc<ModelDef>>, kind: HookKind, options: &WriteOptions) -> Result<Moment<'a>> {
        let chain = Arc::new(Link::below(chain::current(), model, kind));
        if chain.depth() > DEEPEST {
            return Err(Error::hook(kind.name(), format!("hooks call each other without end: {}", chain.shown())));
        }
        let merged = (!options.extras.is_empty()).then(|| options.extras(db));
        Ok(Moment { kind, merged, own: db.extras(), chain })
    }

    /// What the error of a hook means for those behind it: once the change is durable, none keeps another from being told.
    #[cold]
    fn outcome(&self, db: &Db, hook: &str, error: Error) -> Result<()> {
        if self.kind != HookKind::AfterCommit {
            return Err(error);
        }
        db.hook_table().failed();
        tracing::error!(%error, hook, "an after_commit hook failed; the commit stands");
        Ok(())
    }

    fn extras(&self) -> &TypeMap {
        self.merged.as_ref().unwrap_or(self.own)
    }

    /// The hooks that the call leaves out, if it leaves any out: mandatory ones never.
    fn skipped(&self) -> Option<&SkipHooks> {
        self.extras().get::<SkipHooks>().filter(|_| !self.kind.is_mandatory())
    }

    /// Whether the call leaves out the hook of this name.
    fn skips(&self, skipped: Option<&SkipHooks>, name: &str) -> bool {
        skipped.is_some_and(|skipped| skipped.has(name) || skipped.has(self.kind.name()))
    }
}

/// Calls all on one subject. Hooks that are done when they are called, as most are, cost no future but their own.
async fn call_each(
    db: &Db,
    model: Option<&Arc<ModelDef>>,
    kind: HookKind,
    mut subject: HookSubject<'_>,
    options: &WriteOptions,
    called: Called,
) -> Result<()> {
    let moment = Moment::new(db, model, kind, options)?;
    let operation = called.operation.map_or_else(|| operation_of(kind, &subject), Operation::as_str);
    let cx = &HookContext { db, kind, operation, model, extras: moment.extras() };
    let skipped = moment.skipped();
    // Entered once for all hooks that are done when they are called, and left while one is waited for: others run on this thread then.
    let mut within = Some(Within::enter(&moment.chain));
    if let Some(declared) = called.declared.filter(|_| !moment.skips(skipped, kind.name())) {
        let subject = reborrow(&mut subject);
        let result = match begun(kind.name(), || declared.run(kind, subject, cx)) {
            Ok(Some(rest)) => outside(&mut within, &moment.chain, caught(kind.name(), rest)).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            moment.outcome(db, kind.name(), error)?;
        }
    }
    let mut shown = Shown::default();
    for entry in called.table.iter().filter(|entry| !called.rows || entry.rows) {
        if moment.skips(skipped, &entry.name) {
            continue;
        }
        let result = match entry.begin(&mut shown, &mut subject, cx) {
            Ok(Some(rest)) => outside(&mut within, &moment.chain, caught(&entry.name, rest)).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = result
            && let Err(error) = moment.outcome(db, &entry.name, error)
        {
            shown.leave(&mut subject, false);
            return Err(error);
        }
    }
    drop(within);
    shown.leave(&mut subject, true);
    Ok(())
}

/// Waits for what is left of a hook, which takes its chain along: this thread is outside of it meanwhile.
async fn outside<T>(within: &mut Option<Within>, chain: &Arc<Link>, rest: impl Future<Output = T>) -> T {
    drop(within.take());
    let done = chain::within(chain.clone(), rest).await;
    *within = Some(Within::enter(chain));
    done
}

/// What is done: by the kind of the hook, or by the row where one kind stands for several.
fn operation_of(kind: HookKind, subject: &HookSubject<'_>) -> &'static str {
    match (kind, subject) {
        (_, HookSubject::Change(change)) => change.operation.as_str(),
        (HookKind::BeforeValidate | HookKind::AfterValidate | HookKind::BeforeSave | HookKind::AfterSave, HookSubject::Row(row)) => {
            saving(row).as_str()
        }
        (HookKind::ValidationFailed, HookSubject::Failed(row, _)) => saving(row).as_str(),
        _ => kind.operation(),
    }
}

fn saving(row: &RowState) -> Operation {
    if row.is_new() { Operation::Create } else { Operation::Update }
}

/// Calls all on one change after another. There may be many: nothing is made anew for each.
async fn call_on_changes(db: &Db, model: &Arc<ModelDef>, changes: &Changes, options: &WriteOptions, called: Called) -> Result<()> {
    let kind = HookKind::AfterChange;
    let moment = Moment::new(db, Some(model), kind, options)?;
    let skipped = moment.skipped();
    let mut listeners: Vec<(&str, &HookFn)> = Vec::new();
    for entry in called.table.iter().filter(|entry| !moment.skips(skipped, &entry.name)) {
        if let Run::Plain(run) = &entry.run {
            listeners.push((&entry.name, run));
        }
    }
    let declared = called.declared.filter(|_| !moment.skips(skipped, kind.name()));
    let mut cx = HookContext { db, kind, operation: kind.operation(), model: Some(model), extras: moment.extras() };
    let mut changes = changes.walk();
    let each = async {
        while let Some(change) = changes.next() {
            cx.operation = change.operation.as_str();
            if let Some(declared) = declared {
                guarded(kind.name(), || declared.run(kind, HookSubject::Change(change), &cx)).await?;
            }
            for (name, run) in &listeners {
                guarded(name, || run(HookSubject::Change(change), &cx)).await?;
            }
        }
        Ok(())
    };
    chain::within(moment.chain.clone(), each).await
}

impl Entry {
    /// Calls a hook: what is left of it, where it is not done.
    fn begin<'a>(
        &'a self,
        shown: &'a mut Shown,
        subject: &'a mut HookSubject<'_>,
        cx: &'a HookContext<'_>,
    ) -> Result<Option<BoxFuture<'a, Result<()>>>> {
        match &self.run {
            Run::Plain(run) => {
                shown.leave(subject, true);
                begun(&self.name, || run(reborrow(subject), cx))
            }
            Run::Formed(form, run) => match shown.in_form(*form, subject)? {
                Some(row) => begun(&self.name, || run(row, cx)),
                None => Ok(None),
            },
        }
    }
}

/// Leaves work to the commit. It has a task of its own then: hooks that write there are inside of the one that runs now all the same.
fn once_durable(db: &Db, work: impl Future<Output = ()> + Send + 'static) {
    match chain::current() {
        Some(chain) => db.after_commit(chain::within(chain, work)),
        None => db.after_commit(work),
    }
}

/// Runs one hook; its panic is an error like any other of its own.
pub(super) async fn guarded<'a>(name: &str, run: impl FnOnce() -> BoxFuture<'a, Result<()>>) -> Result<()> {
    match begun(name, run)? {
        Some(rest) => caught(name, rest).await,
        None => Ok(()),
    }
}

/// Calls a hook: `None` where it is done at once, as most are. What is left of another is [`caught`]: it was asked without somebody to wake, and is asked again.
fn begun<'a>(name: &str, run: impl FnOnce() -> BoxFuture<'a, Result<()>>) -> Result<Option<BoxFuture<'a, Result<()>>>> {
    let called = catch_unwind(AssertUnwindSafe(|| {
        let mut running = run();
        match running.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => done.map(|()| None),
            Poll::Pending => Ok(Some(running)),
        }
    }));
    match called {
        Ok(begun) => begun.map_err(|error| refused(name, error)),
        Err(_) => Err(panicked(name)),
    }
}

/// What is left of a hook that was called.
async fn caught(name: &str, mut running: BoxFuture<'_, Result<()>>) -> Result<()> {
    let done = std::future::poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx)));
        polled.unwrap_or_else(|_| Poll::Ready(Err(panicked(name))))
    });
    done.await.map_err(|error| refused(name, error))
}

#[cold]
fn panicked(name: &str) -> Error {
    Error::hook(name, "the hook panicked; nothing of its write is stored")
}

/// An error of our own stays what it is; another one is named by its hook.
fn refused(hook: &str, error: Error) -> Error {
    match error {
        Error::Other(source) => Error::Hook { hook: hook.to_owned(), source },
        own => own,
    }
}

fn reborrow<'b>(subject: &'b mut HookSubject<'_>) -> HookSubject<'b> {
    match subject {
        HookSubject::Row(row) => HookSubject::Row(row),
        HookSubject::Rows(rows) => HookSubject::Rows(rows),
        HookSubject::Bulk(bulk) => HookSubject::Bulk(bulk),
        HookSubject::Query(query) => HookSubject::Query(query),
        HookSubject::Found(rows) => HookSubject::Found(*rows),
        HookSubject::Statement(event) => HookSubject::Statement(event),
        HookSubject::Change(change) => HookSubject::Change(change),
        HookSubject::Failed(row, error) => HookSubject::Failed(row, error),
        HookSubject::Read(rows) => HookSubject::Read(rows),
        HookSubject::Moment => HookSubject::Moment,
    }
}
