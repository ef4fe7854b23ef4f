//! How the engine does: the row `engine`, and the same numbers for those who ask.

use std::sync::Weak;
use std::time::Duration;

use serde::Serialize;
use tokio::time::MissedTickBehavior;

use super::Context;

/// How often the row is renewed.
const RENEWED: Duration = Duration::from_millis(250);

#[derive(Clone, Debug, Serialize)]
pub(super) struct Engine {
    pub(super) events_per_second: f64,
    pub(super) latency_ms_p50: Option<f64>,
    pub(super) latency_ms_p99: Option<f64>,
    pub(super) latency_ms_p999: Option<f64>,
    pub(super) epochs_per_second: f64,
    pub(super) event_time_ms: Option<i64>,
    pub(super) event_lag_ms: Option<f64>,
    pub(super) memory_bytes: u64,
    pub(super) uptime_ms: u64,
    pub(super) workers: Vec<Worker>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Worker {
    pub(super) process: usize,
    pub(super) worker: usize,
    pub(super) events_per_second: f64,
    pub(super) busy_share: f64,
}

impl Context {
    /// The engine over the last ten seconds.
    pub(super) fn engine(&self) -> Engine {
        let measured = self.doors.meter.read();
        let latency = &measured.latency_us;
        let latency_ms = |quantile| {
            let is_known = !latency.is_empty();
            is_known.then(|| latency.value_at_quantile(quantile) as f64 / 1e3)
        };
        let lag = &measured.lag_ms;
        let (event_time_ms, workers) = {
            let frames = self.frames();
            let event_time_ms = frames.clock.and_then(|clock| clock.now_ms);
            let loads = frames.loads.values();
            let workers = loads.map(|load| Worker {
                process: load.process,
                worker: load.worker,
                events_per_second: load.events_per_second.into(),
                busy_share: f64::from(load.busy_permille) / 1e3,
            });
            let workers: Vec<Worker> = workers.collect();
            (event_time_ms, workers)
        };
        Engine {
            events_per_second: workers.iter().map(|it| it.events_per_second).sum(),
            latency_ms_p50: latency_ms(0.5),
            latency_ms_p99: latency_ms(0.99),
            latency_ms_p999: latency_ms(0.999),
            epochs_per_second: measured.epochs_per_second,
            event_time_ms,
            event_lag_ms: (!lag.is_empty()).then(|| lag.value_at_quantile(0.5) as f64),
            memory_bytes: resident_bytes().unwrap_or(0),
            uptime_ms: self.began.elapsed().as_millis() as u64,
            workers,
        }
    }
}

/// Renews the row for as long as there is a server.
pub(super) async fn tell(context: Weak<Context>) {
    let mut ticks = tokio::time::interval(RENEWED);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let Some(context) = context.upgrade() else {
            return;
        };
        let row = serde_json::to_vec(&context.engine()).expect("plain numbers are JSON");
        context.frames().tell_engine(row.into());
    }
}

/// Resident memory of this process, where the system tells.
pub(super) fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = status.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
