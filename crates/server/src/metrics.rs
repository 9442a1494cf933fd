//! Metrics in the OpenMetrics text form.
//!
//! Route labels are looked up without an allocation; a request costs one map look-up and two
//! counters.

use crate::book::Book;
use calendar::{HolidayCalendar, instant_at};
use engine::runtime::Counters;
use engine::store::{Queries, Scan};
use engine::{EffectRecord, Record};
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Effects counted by state at most; more are shown as this number.
const EFFECTS_COUNTED_MAX: usize = 1_000;

/// Upper bounds of the latency histogram, in seconds.
const LATENCY_BUCKETS: [f64; 12] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// A route as a label, shared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Route(Arc<str>);

impl EncodeLabelValue for Route {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        EncodeLabelValue::encode(&&*self.0, encoder)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: Route,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: Route,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    target: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

type Latency = Family<RouteLabels, Histogram, fn() -> Histogram>;

/// All metrics of a server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    routes: HashMap<Arc<str>, Route>,
    other: Route,
    requests: Family<RequestLabels, Counter>,
    latency: Latency,
    attempts: Family<AttemptLabels, Counter>,
    queue: Gauge,
    last_commit: Gauge,
    effects: Family<StateLabels, Gauge>,
    database: Gauge,
    shards: Gauge,
    holidays_end: Gauge,
    engine: EngineCounters,
}

/// The engine counts by itself; these are set to its numbers at each scrape.
#[derive(Debug, Default)]
struct EngineCounters {
    commands: Counter,
    batches: Counter,
    ledger_rows: Counter,
    failed_commits: Counter,
    set_aside: Counter,
    fenced: Counter,
}

impl Metrics {
    /// Metrics over the routes of the API.
    pub fn new<'a>(routes: impl IntoIterator<Item = &'a str>) -> Metrics {
        let routes = routes
            .into_iter()
            .map(|route| {
                let route: Arc<str> = Arc::from(route);
                (route.clone(), Route(route))
            })
            .collect();
        let mut metrics = Metrics {
            registry: Registry::with_prefix("qingyuan"),
            routes,
            other: Route(Arc::from("unknown")),
            requests: Family::default(),
            latency: Family::new_with_constructor(|| Histogram::new(LATENCY_BUCKETS)),
            attempts: Family::default(),
            queue: Gauge::default(),
            last_commit: Gauge::default(),
            effects: Family::default(),
            database: Gauge::default(),
            shards: Gauge::default(),
            holidays_end: Gauge::default(),
            engine: EngineCounters::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register(
            "http_requests",
            "HTTP requests answered",
            self.requests.clone(),
        );
        r.register(
            "http_request_duration_seconds",
            "Time from the head of a request to its answer",
            self.latency.clone(),
        );
        r.register(
            "effect_attempts",
            "Requests to channels and webhook deliveries",
            self.attempts.clone(),
        );
        r.register(
            "queue_length",
            "Commands waiting for the shard",
            self.queue.clone(),
        );
        r.register(
            "last_commit_microseconds",
            "Duration of the last commit",
            self.last_commit.clone(),
        );
        r.register(
            "effects",
            "Effects without an outcome, at most 1000 a state",
            self.effects.clone(),
        );
        r.register(
            "database_bytes",
            "Size of the database",
            self.database.clone(),
        );
        r.register(
            "shards_held",
            "Shards that this server writes",
            self.shards.clone(),
        );
        r.register(
            "holidays_end_timestamp_seconds",
            "When the list of holidays ends, as Unix time; zero when it knows weekends only",
            self.holidays_end.clone(),
        );
        let e = &self.engine;
        r.register("commands", "Commands committed", e.commands.clone());
        r.register("batches", "Batches committed", e.batches.clone());
        r.register(
            "ledger_rows",
            "Ledger rows committed",
            e.ledger_rows.clone(),
        );
        r.register(
            "failed_commits",
            "Commits that failed",
            e.failed_commits.clone(),
        );
        r.register("set_aside", "Commands set aside", e.set_aside.clone());
        r.register(
            "fenced",
            "Shards that ended here because their writer was refused: another server had taken them",
            e.fenced.clone(),
        );
    }

    /// Counts a request. `route` is the pattern, `None` for unknown paths.
    pub fn request(&self, method: &'static str, route: Option<&str>, status: u16, took: Duration) {
        let route = route
            .and_then(|route| self.routes.get(route))
            .unwrap_or(&self.other);
        self.requests
            .get_or_create(&RequestLabels {
                method,
                route: route.clone(),
                status,
            })
            .inc();
        self.latency
            .get_or_create(&RouteLabels {
                route: route.clone(),
            })
            .observe(took.as_secs_f64());
    }

    /// Says when the list of holidays ends.
    pub fn holidays(&self, calendar: &HolidayCalendar) {
        let until = calendar.covered_until();
        let end = until.map_or(0, |day| instant_at(day.next(), 0, 0, 0).as_second());
        self.holidays_end.set(end);
    }

    /// Counts an attempt at an effect.
    pub fn attempt(&self, target: &'static str, outcome: &'static str) {
        self.attempts
            .get_or_create(&AttemptLabels { target, outcome })
            .inc();
    }

    /// The text of a scrape. Reads the database: call it where blocking is allowed.
    pub fn scrape(&self, book: &Book) -> String {
        self.observe(book);
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            tracing::error!("metrics could not be written");
        }
        text
    }

    /// Counters are those of the shards that this server writes, the database is everybody's.
    fn observe(&self, book: &Book) {
        let engines = book.engines();
        let total = |counter: fn(&Counters) -> &AtomicU64| -> u64 {
            let values = engines
                .iter()
                .map(|(_, engine)| Counters::get(counter(engine.counters())));
            values.sum()
        };
        let e = &self.engine;
        for (shown, value) in [
            (&e.commands, total(|counters| &counters.commands)),
            (&e.batches, total(|counters| &counters.batches)),
            (&e.ledger_rows, total(|counters| &counters.ledger_rows)),
            (
                &e.failed_commits,
                total(|counters| &counters.failed_commits),
            ),
            (&e.set_aside, total(|counters| &counters.set_aside)),
            (&e.fenced, book.fenced()),
        ] {
            // What a shard counted that has moved elsewhere stays counted here.
            shown.inner().fetch_max(value, Ordering::Relaxed);
        }
        let waiting = engines.iter().map(|(_, engine)| engine.queue_length());
        self.queue.set(to_gauge(waiting.sum::<usize>() as u64));
        let commits = engines
            .iter()
            .map(|(_, engine)| Counters::get(&engine.counters().last_commit_us));
        self.last_commit.set(to_gauge(commits.max().unwrap_or(0)));
        self.shards.set(to_gauge(engines.len() as u64));
        let shards = book.all_queries();
        for state in ["due", "stranded"] {
            if let Some(count) = count_effects(&shards, state) {
                self.effects
                    .get_or_create(&StateLabels { state })
                    .set(count);
            }
        }
        if let Some(Ok(bytes)) = shards.first().map(|queries| queries.size_bytes()) {
            self.database.set(to_gauge(bytes));
        }
    }
}

fn to_gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A store that cannot be read shows its last number; `/readyz` reports it.
fn count_effects(shards: &[Arc<dyn Queries>], index: &str) -> Option<i64> {
    let scan = Scan {
        kind: EffectRecord::KIND.to_owned(),
        index: index.to_owned(),
        from: String::new(),
        to: "~".to_owned(),
        after: None,
        descending: false,
        limit: EFFECTS_COUNTED_MAX,
    };
    let mut count = 0;
    for queries in shards {
        count += queries.list(&scan).ok()?.len();
    }
    i64::try_from(count).ok()
}
