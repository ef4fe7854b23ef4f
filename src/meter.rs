//! Stand-in until the engine measures itself.

use std::sync::Mutex;
use std::time::Instant;

#[derive(Debug, Default)]
pub struct Meter {
    closed: Mutex<Option<(u64, Instant)>>,
}

#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub events_per_second: f64,
    pub latency_ms: [Option<f64>; 3],
    pub epochs_per_second: f64,
    pub event_lag_ms: Option<f64>,
    pub epochs_closed: u64,
    pub queue_depth: u64,
}

impl Meter {
    pub fn close(&self) {
        let mut closed = self.closed.lock().expect("nobody panics with it");
        let count = closed.map_or(0, |(count, _)| count);
        *closed = Some((count + 1, Instant::now()));
    }

    pub fn last_closed(&self) -> Option<Instant> {
        self.closed
            .lock()
            .expect("nobody panics with it")
            .map(|(_, at)| at)
    }

    pub fn snapshot(&self) -> Snapshot {
        Snapshot::default()
    }
}
