//! What a program sees of its statements: spans and metrics by OpenTelemetry's conventions for databases, the log, slow queries.

use super::slow::{self, Slow};
use super::{Run, meter, shown};
use crate::db::{Db, DbInner};
use crate::hook::HookKind;
use sequor_core::driver::{Param, Params, Step, StepDone};
use sequor_core::error::{Error, Result};
use sequor_core::schema::Models;
use sequor_sql::Dialect;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::field::{Empty, display};
use tracing::{Level, Span};

/// Where a database is, in OpenTelemetry's words.
#[derive(Clone, Debug, Default)]
pub(in crate::db) struct Labels {
    pub(super) system: &'static str,
    pub(super) namespace: String,
    address: Option<String>,
    port: Option<u64>,
}

impl Labels {
    /// Reads them from the words that messages use: `host:port/database`, or a path.
    pub(in crate::db) fn new(dialect: Dialect, target: &str) -> Labels {
        let first = target.split(", ").next().unwrap_or_default();
        let system = match dialect {
            Dialect::Postgres => "postgresql",
            other => other.name(),
        };
        let server = first.rsplit_once('/').filter(|_| dialect.row_locks());
        let Some((place, database)) = server else { return Labels { system, namespace: first.to_owned(), address: None, port: None } };
        let (host, port) = match place.rsplit_once(':').map(|(host, port)| (host, port.parse().ok())) {
            Some((host, Some(port))) => (host, Some(port)),
            _ => (place, None),
        };
        Labels { system, namespace: database.to_owned(), address: Some(host.trim_matches(['[', ']']).to_owned()), port }
    }
}

/// One batch that is being watched.
pub(super) struct Watch {
    pub(super) texts: Vec<Arc<str>>,
    /// Numbers and texts of the steps that may be skipped: whether they were is known in the end.
    derived: Vec<(usize, Arc<str>)>,
    pub(super) span: Span,
    /// When it began, where somebody wants to know: reading the clock is not free.
    pub(super) start: Option<Instant>,
    /// The parameters as they may be shown, where that was asked for.
    shown: Option<String>,
    /// The first statement's parameters, for its plan.
    params: Option<Vec<Param>>,
}

/// Whether a step is made from the rows of others, and may be skipped.
fn is_derived(step: &Step) -> bool {
    matches!(step.params, Params::Derived(_))
}

/// The word that says what a statement does.
fn verb(text: &str) -> String {
    let word = text.trim_start_matches(['(', ' ', '\n']).split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or_default();
    word.to_ascii_uppercase()
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

impl Watch {
    pub(super) fn steps(db: &Db, steps: &[Step], run: &Run) -> Watch {
        let settings = &db.inner.settings;
        super::expect::note(steps.iter().filter(|step| !is_derived(step)).map(|step| &step.text), run.site);
        let derived =
            steps.iter().enumerate().filter(|(_, step)| is_derived(step)).map(|(number, step)| (number, step.text.clone())).collect();
        let table = db.hook_table();
        let told = table.any(HookKind::BeforeQuery) || table.any(HookKind::AfterQuery);
        let told = told || settings.logging || settings.slow_query.is_some();
        let texts = if told { steps.iter().map(|step| step.text.clone()).collect() } else { Vec::new() };
        let shown = settings.parameters.then(|| shown::parameters(db, steps));
        let params = (settings.slow_query.is_some() && settings.plans).then(|| slow::keep(steps)).flatten();
        let span = span(&db.inner, steps, run);
        if let Some(shown) = &shown {
            span.record("db.query.parameters", shown);
        }
        Watch { texts, derived, span, start: (told || meter::COUNTS).then(Instant::now), shown, params }
    }

    /// Takes note of which of the steps that may be skipped were run.
    fn settle(&mut self, run: &Run, done: &[StepDone]) {
        let mut ran = std::mem::take(&mut self.derived);
        let skipped = |number: usize| done.get(number).is_none_or(StepDone::is_skipped);
        if !self.texts.is_empty() {
            let mut number = 0;
            self.texts.retain(|_| {
                number += 1;
                !(ran.iter().any(|(derived, _)| *derived + 1 == number) && skipped(number - 1))
            });
        }
        ran.retain(|(number, _)| !skipped(*number));
        super::expect::note(ran.iter().map(|(_, text)| text), run.site);
    }

    /// Says what came of it.
    pub(super) fn end(&mut self, db: &Db, run: &Run, result: Result<&[StepDone], &Error>) {
        let error = result.err();
        if !self.derived.is_empty()
            && let Ok(done) = result
        {
            self.settle(run, done);
        }
        if !self.span.is_disabled() {
            match result {
                Ok(done) if !run.write => {
                    self.span.record("db.response.returned_rows", done.iter().map(|done| done.affected).sum::<u64>());
                }
                Ok(_) => {}
                Err(error) => failed(&self.span, error),
            }
        }
        if let Some(error) = error {
            db.inner.kept.failed(error);
        }
        let Some(took) = self.start.map(|start| start.elapsed()) else { return };
        meter::operation(&db.inner.labels, run.model.as_deref(), run.operation, error, took);
        let settings = &db.inner.settings;
        if settings.slow_query.is_some_and(|limit| took >= limit) {
            self.slow(db, run, error, took);
        } else if settings.logging {
            self.log(db, run, error, took);
        }
    }

    fn log(&self, db: &Db, run: &Run, error: Option<&Error>, took: Duration) {
        let (system, operation, model) = (db.inner.labels.system, run.operation, run.model.as_deref().unwrap_or(""));
        let (micros, parameters) = (micros(took), self.shown.as_deref());
        for text in &self.texts {
            tracing::info!(db.system.name = system, db.query.text = %text, db.query.parameters = parameters, operation, model, site = %run.site, micros, failed = error.is_some(), "query");
        }
    }

    /// Reports a slow query: to the log, to `db.slow_queries()`, and once with its plan.
    fn slow(&mut self, db: &Db, run: &Run, error: Option<&Error>, took: Duration) {
        let (system, operation, model) = (db.inner.labels.system, run.operation, run.model.as_deref().unwrap_or(""));
        let (micros, parameters) = (micros(took), self.shown.as_deref());
        let mut params = self.params.take();
        for text in &self.texts {
            let fingerprint = slow::fingerprint(text);
            tracing::warn!(db.system.name = system, db.query.text = %text, db.query.parameters = parameters, operation, model, site = %run.site, micros, fingerprint, failed = error.is_some(), "slow query");
            let slow = Slow { fingerprint, text: text.clone(), micros, failed: error.is_some() };
            db.inner.slow.note(db, slow, run, params.take());
        }
    }
}

/// The span of a batch; it costs next to nothing where nobody listens.
fn span(inner: &DbInner, steps: &[Step], run: &Run) -> Span {
    // The macro would gather all of the fields first.
    if !tracing::span_enabled!(target: "sequor::query", Level::INFO) {
        return Span::none();
    }
    let span = tracing::info_span!(
        target: "sequor::query",
        "query",
        otel.name = Empty,
        otel.kind = "client",
        otel.status_code = Empty,
        db.system.name = inner.labels.system,
        db.namespace = inner.labels.namespace,
        db.collection.name = Empty,
        db.operation.name = Empty,
        db.operation.batch.size = Empty,
        db.query.text = Empty,
        db.query.summary = Empty,
        db.query.parameters = Empty,
        db.response.returned_rows = Empty,
        db.response.status_code = Empty,
        error.r#type = Empty,
        server.address = inner.labels.address,
        server.port = inner.labels.port,
        code.file.path = run.site.file(),
        code.line.number = run.site.line(),
        sequor.operation = run.operation,
        sequor.model = run.model.as_deref(),
    );
    if !span.is_disabled() {
        describe(&span, inner, steps, run);
    }
    span
}

#[cold]
fn describe(span: &Span, inner: &DbInner, steps: &[Step], run: &Run) {
    let table = run.model.as_deref().and_then(|model| inner.registry.by_name(model)).map(|model| model.table.name.to_string());
    let table = table.or_else(|| run.model.as_deref().map(str::to_owned));
    let verb = steps.first().map(|step| verb(&step.text)).unwrap_or_default();
    let operation = if steps.len() > 1 { format!("BATCH {verb}") } else { verb };
    let summary = table.as_ref().map_or_else(|| operation.clone(), |table| format!("{operation} {table}"));
    let (name, kind) = if summary.is_empty() { (run.operation.to_owned(), run.operation.to_owned()) } else { (summary, operation) };
    span.record("otel.name", &name).record("db.query.summary", &name).record("db.operation.name", kind);
    if let Some(table) = table {
        span.record("db.collection.name", table);
    }
    if steps.len() > 1 {
        span.record("db.operation.batch.size", u64::try_from(steps.len()).unwrap_or(u64::MAX));
    }
    span.record("db.query.text", display(steps.iter().map(|step| &*step.text).collect::<Vec<_>>().join("; ")));
}

#[cold]
fn failed(span: &Span, error: &Error) {
    span.record("otel.status_code", "ERROR").record("error.type", error.sequelize_name());
    if let Some(code) = error.detail().and_then(|detail| detail.code.as_deref()) {
        span.record("db.response.status_code", code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_becomes_labels() {
        let all = |dialect, target: &str| {
            let labels = Labels::new(dialect, target);
            (labels.system, labels.namespace, labels.address, labels.port)
        };
        assert_eq!(all(Dialect::Postgres, "db.x.io:5432/app, b:1/app"), ("postgresql", "app".into(), Some("db.x.io".into()), Some(5432)));
        assert_eq!(all(Dialect::Mariadb, "[::1]:3306/app"), ("mariadb", "app".into(), Some("::1".into()), Some(3306)));
        assert_eq!(all(Dialect::Mysql, "/run/mysqld.sock/app"), ("mysql", "app".into(), Some("/run/mysqld.sock".into()), None));
        assert_eq!(all(Dialect::Sqlite, "/srv/app.db"), ("sqlite", "/srv/app.db".into(), None, None));
    }

    #[test]
    fn the_verb_is_the_first_word() {
        for (text, word) in [("SELECT 1", "SELECT"), ("with x as (..)", "WITH"), ("(SELECT 1) UNION", "SELECT"), ("", ""), ("é", "")] {
            assert_eq!(verb(text), word);
        }
    }
}
