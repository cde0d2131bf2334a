//! How the hooks of a moment run: in order, at most sixteen deep, and none may take the engine down.

use super::form::Shown;
use super::table::{Entry, Found, Run};
use super::{
    AnyChange, Changes, Declared, HookContext, HookFn, HookKind, HookSubject, Operation, QueryEvent, ReadRows, SkipHooks, behaviors,
};
use crate::db::{Db, TypeMap};
use crate::write::{RowState, WriteOptions, parents};
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{ModelDef, Models};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// How deep hooks may write within hooks.
const DEEPEST: usize = 16;

/// How long an observer may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(5);

tokio::task_local! {
    static CHAIN: Arc<Link>;
}

/// A hook that runs, and the one inside of which it was called.
struct Link {
    model: Option<Arc<ModelDef>>,
    kind: HookKind,
    depth: usize,
    outer: Option<Arc<Link>>,
}

impl Link {
    fn below(outer: Option<Arc<Link>>, model: Option<&Arc<ModelDef>>, kind: HookKind) -> Link {
        Link { model: model.cloned(), kind, depth: outer.as_ref().map_or(1, |outer| outer.depth + 1), outer }
    }

    fn each(&self) -> impl Iterator<Item = &Link> {
        std::iter::successors(Some(self), |link| link.outer.as_deref())
    }

    /// `User.after_create → User.after_create`
    fn shown(&self) -> String {
        let mut names: Vec<String> =
            self.each().map(|link| format!("{}.{}", link.model.as_ref().map_or("", |model| &model.name), link.kind.name())).collect();
        names.reverse();
        names.join(" → ")
    }
}

/// What is called: the hooks that a model declares, and those of the table.
struct Called {
    declared: Option<&'static dyn Declared>,
    table: Found,
    /// Only those that want each row of a write of many.
    rows: bool,
    /// What is done to the row, where the kind of the hook does not say it.
    operation: Option<Operation>,
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
        let chain = Arc::new(Link::below(CHAIN.try_with(Clone::clone).ok(), model, kind));
        if chain.depth > DEEPEST {
            return Err(Error::hook(kind.name(), format!("hooks call each other without end: {}", chain.shown())));
        }
        let merged = (!options.extras.is_empty()).then(|| options.extras(db));
        Ok(Moment { kind, merged, own: db.extras(), chain })
    }

    /// What a hook's result means for those behind it: once the change is durable, none keeps another from being told.
    fn outcome(&self, db: &Db, hook: &str, result: Result<()>) -> Result<()> {
        match result {
            Err(error) if self.kind == HookKind::AfterCommit => {
                db.hook_table().failed();
                tracing::error!(%error, hook, "an after_commit hook failed; the commit stands");
                Ok(())
            }
            result => result,
        }
    }

    fn extras(&self) -> &TypeMap {
        self.merged.as_ref().unwrap_or(self.own)
    }

    /// Whether the call leaves out the hook of this name.
    fn skips(&self, name: &str) -> bool {
        let skipped = self.extras().get::<SkipHooks>().filter(|_| !self.kind.is_mandatory());
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
    if let Some(declared) = called.declared.filter(|_| !moment.skips(kind.name())) {
        let subject = reborrow(&mut subject);
        let begin = move || begun(kind.name(), || declared.run(kind, subject, cx));
        let result = match CHAIN.sync_scope(moment.chain.clone(), begin) {
            Ok(Some(rest)) => CHAIN.scope(moment.chain.clone(), caught(kind.name(), rest)).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        moment.outcome(db, kind.name(), result)?;
    }
    let mut shown = Shown::default();
    for entry in called.table.iter().filter(|entry| !called.rows || entry.rows) {
        if moment.skips(&entry.name) {
            continue;
        }
        let row = (&mut shown, &mut subject);
        let begin = move || {
            let (shown, subject) = row;
            entry.begin(shown, subject, cx)
        };
        let result = match CHAIN.sync_scope(moment.chain.clone(), begin) {
            Ok(Some(rest)) => CHAIN.scope(moment.chain.clone(), caught(&entry.name, rest)).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = moment.outcome(db, &entry.name, result) {
            shown.leave(&mut subject, false);
            return Err(error);
        }
    }
    shown.leave(&mut subject, true);
    Ok(())
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
    let mut listeners: Vec<(&str, &HookFn)> = Vec::new();
    for entry in called.table.iter().filter(|entry| !moment.skips(&entry.name)) {
        if let Run::Plain(run) = &entry.run {
            listeners.push((&entry.name, run));
        }
    }
    let declared = called.declared.filter(|_| !moment.skips(kind.name()));
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
    CHAIN.scope(moment.chain.clone(), each).await
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

/// Whether the running code is that of a hook around a statement, whose own statements are not told.
pub(crate) fn is_in_query_hook() -> bool {
    let around = |chain: &Arc<Link>| chain.each().any(|link| matches!(link.kind, HookKind::BeforeQuery | HookKind::AfterQuery));
    CHAIN.try_with(around).unwrap_or(false)
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

fn declared(model: &ModelDef) -> Option<&'static dyn Declared> {
    behaviors(model)?.declared.filter(|declared| declared.has_hooks())
}

/// Whether hooks run around the statement of a write, so that all of it belongs into one transaction.
pub(crate) fn needs_transaction(db: &Db, model: &ModelDef, options: &WriteOptions) -> bool {
    let table = db.hook_table();
    (options.hooks && (declared(model).is_some() || table.has(&model.name, HookKind::WRITES)))
        || table.has(&model.name, &[HookKind::AfterChange])
        || parents::has_followers(model)
}

/// Whether there are hooks of validation.
pub(crate) fn hears_validation(db: &Db, model: &ModelDef, options: &WriteOptions) -> bool {
    const KINDS: &[HookKind] = &[HookKind::BeforeValidate, HookKind::AfterValidate, HookKind::ValidationFailed];
    options.hooks && (declared(model).is_some() || KINDS.iter().any(|kind| db.hook_table().any(*kind)))
}

/// Whether there are hooks of finds.
pub(crate) fn hears_finds(db: &Db, model: &ModelDef) -> bool {
    declared(model).is_some() || HookKind::FINDS.iter().any(|kind| db.hook_table().any(*kind))
}

/// Whether hooks may change a row after its rules were checked.
pub(crate) fn any_before(db: &Db, model: &ModelDef, options: &WriteOptions) -> bool {
    const BEFORE: &[HookKind] = &[HookKind::BeforeCreate, HookKind::BeforeSave];
    options.hooks && (declared(model).is_some() || db.hook_table().has(&model.name, BEFORE))
}

/// Whether hooks may change a stored row after its rules were checked.
pub(crate) fn any_before_update(db: &Db, model: &ModelDef, options: &WriteOptions) -> bool {
    const BEFORE: &[HookKind] = &[HookKind::BeforeUpdate, HookKind::BeforeSave];
    options.hooks && (declared(model).is_some() || db.hook_table().has(&model.name, BEFORE))
}

/// Whether hooks look at a stored row behind its statement.
pub(crate) fn any_after_update(db: &Db, model: &ModelDef, options: &WriteOptions) -> bool {
    const AFTER: &[HookKind] = &[HookKind::AfterUpdate, HookKind::AfterSave];
    options.hooks && (declared(model).is_some() || db.hook_table().has(&model.name, AFTER))
}

/// Whether somebody wants to know which rows a write of many changed, or counts them.
pub(crate) fn captures(db: &Db, model: &ModelDef) -> bool {
    parents::has_followers(model) || listens(db, model)
}

fn listens(db: &Db, model: &ModelDef) -> bool {
    let table = db.hook_table();
    declared(model).is_some()
        || table.has_observers()
        || table.has(&model.name, &[HookKind::AfterChange, HookKind::AfterCommit])
        || table.wants_rows(&model.name)
}

/// Tells of a row that a write of many changed, and the rows that it belongs to.
pub(crate) async fn changed_among_many(
    db: &Db,
    operation: Operation,
    before: Option<&RowState>,
    after: Option<&RowState>,
    options: &WriteOptions,
) -> Result<()> {
    tell_among_many(db, operation, before, after, options).await?;
    followed(db, vec![(before, after)], options).await
}

/// Tells of a row that a write of many changed: the hooks of one row that asked for it, then the listeners of changes.
async fn tell_among_many(
    db: &Db,
    operation: Operation,
    before: Option<&RowState>,
    after: Option<&RowState>,
    options: &WriteOptions,
) -> Result<()> {
    let Some(row) = after.or(before) else { return Ok(()) };
    if options.hooks && rows_are_asked_for(db, &row.model) {
        let mut row = row.clone();
        if let (Some(before), Some(_)) = (before, after) {
            row.original = before.original.clone().or_else(|| before.values.iter().cloned().collect());
        }
        let kinds: &[HookKind] = match operation {
            Operation::Create => &[HookKind::AfterCreate, HookKind::AfterSave],
            Operation::Update => &[HookKind::AfterUpdate, HookKind::AfterSave],
            Operation::Destroy => &[HookKind::AfterDestroy],
            Operation::Restore => &[HookKind::AfterRestore],
        };
        for kind in kinds {
            fire_row(db, &mut row, *kind, operation, options).await?;
        }
    }
    tell(db, operation, before, after, options).await
}

/// Whether the hooks of one row are called for each row that a write of many changed.
fn rows_are_asked_for(db: &Db, model: &ModelDef) -> bool {
    declared(model).is_some_and(|declared| declared.wants_rows()) || db.hook_table().wants_rows(&model.name)
}

/// [`tell_among_many`] for all rows of one model that a statement changed.
pub(crate) async fn tell_all(db: &Db, operation: Operation, pairs: &[parents::Pair<'_>], options: &WriteOptions) -> Result<()> {
    let Some(model) = pairs.iter().find_map(|(before, after)| after.or(*before)).map(|row| row.model.clone()) else { return Ok(()) };
    if options.hooks && rows_are_asked_for(db, &model) {
        for (before, after) in pairs {
            tell_among_many(db, operation, *before, *after, options).await?;
        }
        return Ok(());
    }
    if !listens(db, &model) {
        return Ok(());
    }
    let changes = pairs.iter().filter_map(|(before, after)| AnyChange::new(operation, *before, *after)).collect();
    tell_changes(db, &model, Changes::Listed(changes), options).await
}

/// Whether nobody wants to know what a write of many did but the listeners of changes.
pub(crate) fn only_changes_are_heard(db: &Db, model: &ModelDef, options: &WriteOptions) -> bool {
    !(parents::has_followers(model) || (options.hooks && rows_are_asked_for(db, model)))
}

/// Calls the listeners of changes, and leaves those that wait for the commit to it.
pub(crate) async fn tell_changes(db: &Db, model: &Arc<ModelDef>, changes: Changes, options: &WriteOptions) -> Result<()> {
    let changes = changes.signed(crate::write::actor_of(&options.extras(db)).as_ref(), db.transaction_id());
    // Listeners of changes are mandatory: hooks(false) does not skip them.
    let mandatory = WriteOptions { hooks: true, ..options.clone() };
    let called =
        Called { declared: declared(model), table: db.hook_table().of(&model.name, HookKind::AfterChange), rows: false, operation: None };
    if called.declared.is_some() || !called.table.is_empty() {
        Box::pin(call_on_changes(db, model, &changes, &mandatory, called)).await?;
    }
    let heard = declared(model).is_some() || db.hook_table().has(&model.name, &[HookKind::AfterCommit]);
    if !heard && !db.hook_table().has_observers() {
        return Ok(());
    }
    let (outside, model) = (Db { tx: None, detached: true, ..db.clone() }, model.clone());
    let durable = async move {
        let mut changes = changes.walk();
        while let Some(change) = changes.next() {
            observe(&outside, change);
            if let Err(error) = fire(&outside, &model, HookKind::AfterCommit, HookSubject::Change(change), &mandatory).await {
                outside.hook_table().failed();
                tracing::error!(%error, model = %model.name, "hooks after a commit did not run; the commit stands");
            }
        }
    };
    if !db.is_in_transaction() {
        // The change is durable already.
        Box::pin(durable).await;
    } else if let Ok(chain) = CHAIN.try_with(Clone::clone) {
        // What waits for a commit has a task of its own: hooks that write there are inside of this one all the same.
        db.after_commit(CHAIN.scope(chain, durable));
    } else {
        db.after_commit(durable);
    }
    Ok(())
}

/// Tells the listeners of changes what happened to a row, and the rows that it belongs to.
pub(crate) async fn changed(
    db: &Db,
    operation: Operation,
    before: Option<&RowState>,
    after: Option<&RowState>,
    options: &WriteOptions,
) -> Result<()> {
    tell(db, operation, before, after, options).await?;
    followed(db, vec![(before, after)], options).await
}

/// Counts and touches the rows that some written rows of one model belong to.
pub(crate) async fn followed(db: &Db, pairs: Vec<parents::Pair<'_>>, options: &WriteOptions) -> Result<()> {
    let model = pairs.iter().find_map(|(before, after)| after.or(*before)).map(|row| row.model.clone());
    match model.filter(|model| parents::has_followers(model)) {
        Some(model) => parents::follow(db, &model, pairs, options).await,
        None => Ok(()),
    }
}

/// Tells the listeners of changes what happened to a row: in its transaction, and once it is durable.
pub(crate) async fn tell(
    db: &Db,
    operation: Operation,
    before: Option<&RowState>,
    after: Option<&RowState>,
    options: &WriteOptions,
) -> Result<()> {
    let Some(model) = after.or(before).map(|row| row.model.clone()) else { return Ok(()) };
    if !listens(db, &model) {
        return Ok(());
    }
    let Some(change) = AnyChange::new(operation, before, after) else { return Ok(()) };
    tell_changes(db, &model, Changes::Listed(vec![change]), options).await
}

/// Observers cannot change the outcome: each runs in a task of its own, for at most 5 s, whatever it does.
fn observe(db: &Db, change: &AnyChange) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    for (name, observer) in db.hook_table().observers() {
        let (change, db) = (change.clone(), db.clone());
        runtime.spawn(async move {
            let work = tokio::task::spawn_blocking(move || observer(&change));
            match tokio::time::timeout(PATIENCE, work).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => tracing::error!(%error, observer = name, "an observer panicked"),
                Err(_) => tracing::error!(observer = name, "an observer took longer than 5 s"),
            }
            db.hook_table().failed();
        });
    }
}

/// Whether somebody wants to know which rows are read.
pub(crate) fn reads_are_told(db: &Db) -> bool {
    db.hook_table().has("", &[HookKind::AfterRead])
}

/// Tells that a row was read.
pub(crate) async fn tell_read(db: &Db, row: &RowState, options: &WriteOptions) -> Result<()> {
    if !reads_are_told(db) {
        return Ok(());
    }
    let key = row.model.primary_key.iter().map(|position| row.values[*position].clone().unwrap_or_default()).collect();
    tell_reads(db, vec![ReadRows { model: row.model.clone(), keys: vec![key] }], options).await
}

/// Tells which rows were read; an error withholds them.
pub(crate) async fn tell_reads(db: &Db, reads: Vec<ReadRows>, options: &WriteOptions) -> Result<()> {
    let mandatory = WriteOptions { hooks: true, ..options.clone() };
    for rows in reads {
        fire(db, &rows.model, HookKind::AfterRead, HookSubject::Read(&rows), &mandatory).await?;
    }
    Ok(())
}
