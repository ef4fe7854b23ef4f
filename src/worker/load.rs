//! How busy a worker is: its processor time and its records, once a second.

use std::time::{Duration, Instant};

use dataflows::row::Load;
use rustix::time::{ClockId, clock_gettime};

const EVERY: Duration = Duration::from_secs(1);

/// Counts for one worker, on its own thread.
pub(super) struct LoadMeter {
    worker: usize,
    process: usize,
    since: Instant,
    processor_time: Duration,
    records: u64,
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

impl LoadMeter {
    pub(super) fn new(worker: usize, process: usize) -> LoadMeter {
        LoadMeter {
            worker,
            process,
            since: Instant::now(),
            processor_time: processor_time(),
            records: 0,
        }
    }

    pub(super) fn count(&mut self, records: u64) {
        self.records += records;
    }

    /// The load since the last one, if a second has gone by.
    pub(super) fn due(&mut self) -> Option<Load> {
        let wall = self.since.elapsed();
        if wall < EVERY {
            return None;
        }
        let now = processor_time();
        let busy = now.saturating_sub(self.processor_time).as_secs_f64() / wall.as_secs_f64();
        let load = Load {
            worker: self.worker,
            process: self.process,
            events_per_second: (self.records as f64 / wall.as_secs_f64()).round() as u32,
            busy_permille: (busy * 1000.0).round() as u32,
        };
        *self = LoadMeter {
            since: Instant::now(),
            processor_time: now,
            records: 0,
            ..*self
        };
        Some(load)
    }
}
