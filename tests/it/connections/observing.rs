//! What a program sees of its statements: spans by OpenTelemetry's names, slow queries with their plans, parameters only on request, metrics.

use super::{Account, Bed, on_each_server, until};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata as MetricMetadata, Recorder, SharedString, Unit,
};
use sequor::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, LazyLock, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata, Subscriber};

/// A model with a secret.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "patients")]
pub struct Patient {
    #[field(primary_key)]
    pub id: i64,
    #[field(sensitive)]
    pub diagnosis: String,
    pub ward: String,
}

type Fields = BTreeMap<String, String>;

/// Keeps every span and event.
#[derive(Clone, Default)]
pub(super) struct Listener {
    spans: Arc<Mutex<Vec<Fields>>>,
    events: Arc<Mutex<Vec<Fields>>>,
}

struct Reader<'a>(&'a mut Fields);

impl Visit for Reader<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("sequor")
    }

    /// Call sites that other tests reached first must be asked again.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields::from([("name".to_owned(), span.metadata().name().to_owned())]);
        span.record(&mut Reader(&mut fields));
        let mut spans = self.spans.lock().unwrap();
        spans.push(fields);
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        values.record(&mut Reader(&mut self.spans.lock().unwrap()[span.into_u64() as usize - 1]));
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        event.record(&mut Reader(&mut fields));
        self.events.lock().unwrap().push(fields);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Listener {
    fn spans(&self) -> Vec<Fields> {
        std::mem::take(&mut self.spans.lock().unwrap())
    }

    pub(super) fn events(&self) -> Vec<BTreeMap<String, String>> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    fn all(&self) -> String {
        format!("{:?} {:?}", self.spans.lock().unwrap(), self.events.lock().unwrap())
    }
}

/// A second listener that lives for ever: with only one, tracing asks the thread that reaches a call site first, which may have none.
static OTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Listener::default()));

/// Runs a test on a thread of its own, with a listener there.
pub(super) fn listened(database: &'static str, test: impl AsyncFnOnce(&Bed, &Listener) -> sequor::Result<()>) {
    let listener = Listener::default();
    LazyLock::force(&OTHER);
    let _guard = tracing::subscriber::set_default(listener.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let Some(bed) = Bed::open(database).await.unwrap() else { return };
        if let Err(error) = test(&bed, &listener).await {
            panic!("failed on {database}: {error:#}");
        }
        bed.remove().await.unwrap();
    });
}

fn field<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).map_or("", String::as_str)
}

async fn spans_speak_opentelemetry(bed: &Bed, listener: &Listener) -> sequor::Result<()> {
    let db = bed.db(2).await?;
    listener.spans();
    draft!(Account { id: 1, balance: 1 }).create(&db).await?;
    let rows = Account::find_all().filter(Account::BALANCE.gt(0)).exec(&db).await?;
    assert_eq!(rows.len(), 1);
    let spans: Vec<Fields> = listener.spans().into_iter().filter(|span| field(span, "name") == "query").collect();
    let (insert, select) = (&spans[0], &spans[1]);
    assert_eq!(field(insert, "otel.name"), "INSERT accounts");
    assert_eq!((field(select, "otel.name"), field(select, "otel.kind")), ("SELECT accounts", "client"));
    let system = match bed.database {
        "postgres" => "postgresql",
        "mysql" => field(select, "db.system.name"),
        other => other,
    };
    assert_eq!(field(select, "db.system.name"), system);
    assert_eq!((field(select, "db.operation.name"), field(select, "db.collection.name")), ("SELECT", "accounts"));
    assert!(field(select, "db.query.text").starts_with("SELECT") && !field(select, "db.namespace").is_empty());
    assert_eq!((field(select, "db.response.returned_rows"), field(select, "sequor.model")), ("1", "Account"));
    assert!(field(select, "code.file.path").ends_with("observing.rs") && !select.contains_key("db.query.parameters"));
    assert_eq!(select.contains_key("server.port"), bed.database != "sqlite");
    draft!(Account { id: 1, balance: 1 }).create(&db).await.unwrap_err();
    let spans = listener.spans();
    let failed = spans.iter().find(|span| field(span, "otel.status_code") == "ERROR").expect("a failed span");
    assert_eq!(field(failed, "error.type"), "SequelizeUniqueConstraintError");
    db.transaction(async |tx| Account::count().exec(tx).await).await?;
    assert!(listener.spans().iter().any(|span| field(span, "name") == "transaction"));
    db.close().await
}

async fn values_are_shown_on_request_and_never_secrets(bed: &Bed, listener: &Listener) -> sequor::Result<()> {
    let quiet = bed.db(1).await?;
    Account::find_all().filter(Account::BALANCE.eq(424_242)).exec(&quiet).await?;
    assert!(!listener.all().contains("424242"));
    quiet.close().await?;
    let db = Db::options(&bed.url).logging(true).log_query_parameters(true).slow_query(millis(0)).connect().await?;
    db.sync::<Patient>(SyncMode::Create).await?;
    Account::find_all().filter(Account::BALANCE.eq(424_242)).exec(&db).await?;
    assert!(listener.all().contains("[424242]"));
    draft!(Patient { id: 1, diagnosis: "tertiary-canary", ward: "ward-canary" }).create(&db).await?;
    Patient::find_all().filter(Patient::DIAGNOSIS.eq("tertiary-canary")).exec(&db).await?;
    let secret = "tertiary-canary";
    db.query_as::<(i64,)>(sql!("SELECT id FROM patients WHERE diagnosis = {secret}")).await?;
    db.transaction(async |tx| Patient::update_all().set(Patient::DIAGNOSIS, "tertiary-canary").every_row().exec(tx).await).await?;
    draft!(Patient { id: 1, diagnosis: "tertiary-canary", ward: "w" }).create(&db).await.unwrap_err();
    let shown = format!("{} {:?} {}", listener.all(), db.slow_queries(), serde_json::to_string(&db.health().await)?);
    assert!(!shown.contains("canary"), "{shown}");
    assert!(shown.contains("hidden"));
    db.close().await
}

macro_rules! on_each_with_a_listener {
    ($($name:ident)*) => {
        $(mod $name {
            #[test]
            fn sqlite() {
                super::listened("sqlite", super::$name);
            }
            #[test]
            fn postgres() {
                super::listened("postgres", super::$name);
            }
            #[test]
            fn mysql() {
                super::listened("mysql", super::$name);
            }
        })*
    };
}

on_each_with_a_listener! { spans_speak_opentelemetry values_are_shown_on_request_and_never_secrets }

on_each_server! {
    async fn slow_queries_are_counted_and_explained(bed) {
        let db = Db::options(&bed.url).slow_query(millis(0)).register::<Account>().connect().await?;
        db.sync::<Account>(SyncMode::Create).await?;
        Account::bulk_create((1..100).map(|id| draft!(Account { id, balance: 1 }))).exec(&db).await?;
        for length in 1..4 {
            Account::find_all().filter(Account::ID.is_in(1..=length)).exec(&db).await?;
        }
        let found = || db.slow_queries().into_iter().find(|query| query.operation == "find" && query.model.as_deref() == Some("Account"));
        until("the plan is there", async || found().is_some_and(|query| query.plan.is_some())).await;
        let query = found().expect("a find");
        assert_eq!(query.count, 3, "lists of any length are one query: {:?}", db.slow_queries());
        assert!(query.site.contains("observing.rs:") && query.fingerprint.len() == 16);
        assert!(query.longest_micros <= query.total_micros && query.longest_micros > 0);
        let plan = query.plan.unwrap_or_default();
        assert!(plan.contains("accounts") || plan.contains("t0"), "{plan}");
        assert!(serde_json::to_value(db.slow_queries())?[0]["fingerprint"].is_string());
        db.close().await?;
        let db = Db::options(&bed.url).slow_query(secs(60)).connect().await?;
        Account::find_all().exec(&db).await?;
        assert!(db.slow_queries().is_empty());
        db.close().await
    }

    async fn the_pool_tells_how_busy_it_was(bed) {
        let db = bed.with(Pool { max: 2, evict: millis(10), ..Pool::default() }).await?;
        let holder = db.begin().await?;
        holder.authenticate().await?;
        until("half of it is in use", async || (400..=510).contains(&db.pool_status().utilization_permille)).await;
        let before = db.pool_status().busy_micros;
        until("time on loan counts before its end", async || db.pool_status().busy_micros > before).await;
        holder.rollback().await?;
        let status = db.pool_status();
        assert!(status.utilization_permille <= 1000);
        until("it rests", async || db.pool_status().utilization_permille < 400).await;
        db.close().await
    }
}

/// Keeps every measurement.
#[derive(Clone, Default)]
struct Meter(Arc<Mutex<BTreeMap<String, Vec<f64>>>>);

struct Measure(Meter, String);

impl Measure {
    fn note(&self, value: f64) {
        self.0.0.lock().unwrap().entry(self.1.clone()).or_default().push(value);
    }
}

impl CounterFn for Measure {
    fn increment(&self, value: u64) {
        self.note(value as f64);
    }

    fn absolute(&self, value: u64) {
        self.note(value as f64);
    }
}

impl GaugeFn for Measure {
    fn increment(&self, value: f64) {
        self.note(value);
    }

    fn decrement(&self, value: f64) {
        self.note(-value);
    }

    fn set(&self, value: f64) {
        self.note(value);
    }
}

impl HistogramFn for Measure {
    fn record(&self, value: f64) {
        self.note(value);
    }
}

impl Meter {
    fn measure(&self, key: &Key) -> Arc<Measure> {
        let labels: Vec<String> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        Arc::new(Measure(self.clone(), format!("{} {}", key.name(), labels.join(","))))
    }

    fn find(&self, parts: &[&str]) -> Vec<f64> {
        let all = self.0.lock().unwrap();
        all.iter().filter(|(name, _)| parts.iter().all(|part| name.contains(part))).flat_map(|(_, values)| values.clone()).collect()
    }
}

impl Recorder for Meter {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &MetricMetadata<'_>) -> Counter {
        Counter::from_arc(self.measure(key))
    }

    fn register_gauge(&self, key: &Key, _: &MetricMetadata<'_>) -> Gauge {
        Gauge::from_arc(self.measure(key))
    }

    fn register_histogram(&self, key: &Key, _: &MetricMetadata<'_>) -> Histogram {
        Histogram::from_arc(self.measure(key))
    }
}

#[test]
fn metrics_speak_opentelemetry() {
    let meter = Meter::default();
    let _guard = metrics::set_default_local_recorder(&meter);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let bed = Bed::open("sqlite").await.unwrap().unwrap();
        let db = bed.with(Pool { max: 1, acquire: millis(30), evict: millis(10), ..Pool::default() }).await.unwrap();
        draft!(Account { id: 1, balance: 1 }).create(&db).await.unwrap();
        draft!(Account { id: 1, balance: 1 }).create(&db).await.unwrap_err();
        let holder = db.begin().await.unwrap();
        db.authenticate().await.unwrap_err();
        until("the gauge follows", async || meter.find(&["connection.count", "state=used"]).contains(&1.0)).await;
        holder.rollback().await.unwrap();
        let operation = meter.find(&[
            "db.client.operation.duration",
            "db.system.name=sqlite",
            "db.operation.name=create",
            "db.collection.name=Account",
        ]);
        assert!(operation.len() == 2 && operation.iter().all(|seconds| *seconds > 0.0 && *seconds < 5.0), "{operation:?}");
        assert_eq!(meter.find(&["db.client.operation.duration", "error.type=SequelizeUniqueConstraintError"]).len(), 1);
        assert_eq!(meter.find(&["db.client.connection.timeouts"]), [1.0]);
        assert_eq!(meter.find(&["db.client.connection.create_time"]).len(), 1);
        assert!(meter.find(&["db.client.connection.wait_time"]).len() >= 3 && meter.find(&["db.client.connection.use_time"]).len() >= 3);
        assert!(meter.find(&["db.client.connection.max"]).contains(&1.0) && !meter.find(&["sequor.pool.utilization"]).is_empty());
        db.close().await.unwrap();
        bed.remove().await.unwrap();
    });
}
