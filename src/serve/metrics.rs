//! `GET /metrics`: Prometheus text.

use std::fmt::{Display, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::reply::Response;

use super::Context;
use super::answer::response;
use super::counters::{BOUNDS, Counters};
use super::engine::Engine;
use super::routes::{Answers, Doc, ROUTES, route as plain};
use super::status;
use crate::meter::Reading;

pub(super) static DOC: Doc = Doc::get("/metrics", "Prometheus text", &[], Answers::Text);

pub(super) fn route(context: &Arc<Context>) -> BoxedFilter<(Response,)> {
    plain(&DOC, context, |context, _| async move {
        let text = text(&context);
        let content_type = "text/plain; version=0.0.4; charset=utf-8";
        Ok(response(StatusCode::OK, content_type, text))
    })
}

/// Lines of Prometheus text.
#[derive(Default)]
struct Page(String);

impl Page {
    /// What follows is of this name.
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            self.0,
            "# HELP tributary_{name} {help}\n# TYPE tributary_{name} {kind}"
        );
    }

    fn line(&mut self, name: &str, labels: &[(&str, &dyn Display)], value: impl Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{value}\""))
            .collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.0, "tributary_{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.line(name, &[], value);
    }

    /// Nothing is said of what is not known.
    fn maybe(&mut self, name: &str, help: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.one(name, "gauge", help, value);
        }
    }
}

fn text(context: &Context) -> String {
    let mut page = Page::default();
    let labels: [(&str, &dyn Display); 2] =
        [("version", &status::VERSION), ("commit", &status::COMMIT)];
    page.head("build_info", "gauge", "Which program this is");
    page.line("build_info", &labels, 1);
    records(&mut page, context);
    engine(&mut page, context, &context.engine());
    clients(&mut page, context);
    requests(&mut page, &context.counters);
    page.0
}

fn records(page: &mut Page, context: &Context) {
    let (counted, touches, chains, epoch) = {
        let frames = context.frames();
        let everyone = crate::frames::Selection::default().chain;
        let all = frames.attribution(everyone.0, everyone.1);
        let touches = all.map_or(0, |row| row.touches);
        (
            frames.dispositions,
            touches,
            frames.chains(),
            frames.as_of_epoch,
        )
    };
    page.head(
        "events_total",
        "counter",
        "Records read, by what became of them",
    );
    for (disposition, count) in [
        ("accepted", counted.accepted),
        ("duplicate", counted.duplicate),
        ("late", counted.late),
        ("invalid", counted.invalid),
        ("no_consent", counted.no_consent),
    ] {
        page.line("events_total", &[("disposition", &disposition)], count);
    }
    page.one(
        "conflicts_total",
        "counter",
        "Identities with differing copies",
        counted.conflicts,
    );
    page.one(
        "open_sessions",
        "gauge",
        "Sessions that may go on",
        counted.open_sessions,
    );
    page.one(
        "open_journeys",
        "gauge",
        "Journeys that may go on",
        counted.open_journeys,
    );
    page.one(
        "touches",
        "gauge",
        "Touches counted, of all advertisers",
        touches,
    );
    page.one(
        "chains",
        "gauge",
        "Chains with journeys, each window by itself",
        chains,
    );
    page.one("epoch", "gauge", "The last closed epoch", epoch);
}

fn engine(page: &mut Page, context: &Context, engine: &Engine) {
    let measured = context.doors.meter.read();
    page.one(
        "epochs_closed_total",
        "counter",
        "Epochs closed",
        measured.epochs_total,
    );
    for (name, help, count) in [
        (
            "epochs_open",
            "Epochs with records under way",
            measured.epochs_open,
        ),
        (
            "queue_depth",
            "Records under way, taken in but not in a result",
            measured.records_open,
        ),
    ] {
        page.one(name, "gauge", help, count);
    }
    let staleness = context.staleness_ms().map(|ms| ms as f64 / 1e3);
    page.maybe(
        "staleness_seconds",
        "Age of the last closed epoch",
        staleness,
    );
    let lag = engine.event_lag_ms.map(|ms| ms / 1e3);
    page.maybe("event_lag_seconds", "Age of the events as they come", lag);
    latency(page, engine, &measured);
    page.one(
        "resident_memory_bytes",
        "gauge",
        "Memory of the process",
        engine.memory_bytes,
    );
    page.one(
        "uptime_seconds",
        "gauge",
        "Since the start",
        engine.uptime_ms as f64 / 1e3,
    );
    workers(page, engine);
}

/// How busy each worker of all processes is.
fn workers(page: &mut Page, engine: &Engine) {
    page.head(
        "worker_busy_share",
        "gauge",
        "Share of the time that a worker had a processor",
    );
    for worker in &engine.workers {
        let labels: [(&str, &dyn Display); 2] =
            [("process", &worker.process), ("worker", &worker.worker)];
        page.line("worker_busy_share", &labels, worker.busy_share);
    }
    page.head(
        "worker_events_per_second",
        "gauge",
        "Events a worker took in",
    );
    for worker in &engine.workers {
        let labels: [(&str, &dyn Display); 2] =
            [("process", &worker.process), ("worker", &worker.worker)];
        page.line(
            "worker_events_per_second",
            &labels,
            worker.events_per_second,
        );
    }
}

/// From acceptance to the closed epoch: the last seconds as quantiles, all since the start as a histogram.
fn latency(page: &mut Page, engine: &Engine, measured: &Reading) {
    let name = "engine_latency_recent_seconds";
    page.head(name, "gauge", "From acceptance to closed epoch, over 10 s");
    for (quantile, ms) in [
        ("0.5", engine.latency_ms_p50),
        ("0.99", engine.latency_ms_p99),
        ("0.999", engine.latency_ms_p999),
    ] {
        if let Some(ms) = ms {
            page.line(name, &[("quantile", &quantile)], ms / 1e3);
        }
    }
    let name = "engine_latency_seconds";
    page.head(
        name,
        "histogram",
        "From acceptance to closed epoch, by event",
    );
    let all = &measured.latency_us_total;
    for bound in BOUNDS {
        let count = all.count_between(0, (bound * 1e6) as u64);
        page.line(&format!("{name}_bucket"), &[("le", &bound)], count);
    }
    page.line(&format!("{name}_bucket"), &[("le", &"+Inf")], all.len());
    let sum = all.mean() * all.len() as f64 / 1e6;
    page.line(&format!("{name}_sum"), &[], sum);
    page.line(&format!("{name}_count"), &[], all.len());
}

fn clients(page: &mut Page, context: &Context) {
    let counters = &context.counters;
    page.head("clients", "gauge", "Who is connected");
    for (kind, count) in [
        ("connection", &counters.connections),
        ("websocket", &counters.sockets),
        ("event_stream", &counters.listeners),
    ] {
        page.line("clients", &[("kind", &kind)], count.load(Relaxed));
    }
    let channels = context.hub.channels();
    page.one(
        "subscriptions",
        "gauge",
        "Subscriptions that differ",
        channels,
    );
    for (name, help, count) in [
        (
            "messages_sent_total",
            "Messages to subscribers",
            &counters.messages,
        ),
        ("message_bytes_total", "Bytes of them", &counters.bytes),
        (
            "clients_stalled_total",
            "Let go since they took nothing",
            &counters.stalled,
        ),
        (
            "clients_turned_away_total",
            "Beyond the limit of connections",
            &counters.turned_away,
        ),
    ] {
        page.one(name, "counter", help, count.load(Relaxed));
    }
}

fn requests(page: &mut Page, counters: &Counters) {
    let path = |i: usize| ROUTES.get(i).map_or("other", |doc| doc.path);
    let used = || {
        let routes = counters.routes.iter().enumerate();
        routes.filter(|(_, route)| route.answers.iter().any(|count| count.load(Relaxed) > 0))
    };
    page.head(
        "http_requests_total",
        "counter",
        "Requests by route and class of status",
    );
    for (i, route) in used() {
        for (class, count) in route.answers.iter().enumerate() {
            let count = count.load(Relaxed);
            if count > 0 {
                let class = format!("{class}xx");
                let labels: [(&str, &dyn Display); 2] = [("route", &path(i)), ("status", &class)];
                page.line("http_requests_total", &labels, count);
            }
        }
    }
    let name = "http_request_duration_seconds";
    page.head(name, "histogram", "Until the answer began");
    for (i, route) in used() {
        let mut sum = 0;
        let bounds = BOUNDS.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(&route.buckets) {
            sum += count.load(Relaxed);
            let labels: [(&str, &dyn Display); 2] = [("route", &path(i)), ("le", &bound)];
            page.line(&format!("{name}_bucket"), &labels, sum);
        }
        let seconds = route.micros.load(Relaxed) as f64 / 1e6;
        page.line(&format!("{name}_sum"), &[("route", &path(i))], seconds);
        page.line(&format!("{name}_count"), &[("route", &path(i))], sum);
    }
}
