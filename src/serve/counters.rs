//! What the server counts about itself, for `/metrics`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use warp::http::StatusCode;

use super::routes::COUNT;

/// Upper bounds of the buckets of durations, in seconds.
pub(super) const BOUNDS: [f64; 9] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];

/// Everything that is counted; all of it lock-free.
#[derive(Default)]
pub(super) struct Counters {
    requests: AtomicU64,
    pub(super) connections: Arc<AtomicI64>,
    pub(super) sockets: Arc<AtomicI64>,
    pub(super) listeners: Arc<AtomicI64>,
    pub(super) turned_away: AtomicU64,
    pub(super) stalled: AtomicU64,
    pub(super) messages: AtomicU64,
    pub(super) bytes: AtomicU64,
    /// By place in the list of routes; the last is for everything else.
    pub(super) routes: [Route; COUNT + 1],
}

/// One route.
#[derive(Default)]
pub(super) struct Route {
    /// By first digit of the status.
    pub(super) answers: [AtomicU64; 6],
    /// Durations up to each of [`BOUNDS`], and beyond.
    pub(super) buckets: [AtomicU64; BOUNDS.len() + 1],
    pub(super) micros: AtomicU64,
}

/// Counts one thing for as long as it lives.
pub(super) struct Counted(Arc<AtomicI64>);

impl Counted {
    fn new(gauge: &Arc<AtomicI64>) -> Counted {
        gauge.fetch_add(1, Relaxed);
        Counted(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Counters {
    /// A number for the next request.
    pub(super) fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Relaxed) + 1
    }

    pub(super) fn connection(&self) -> Counted {
        Counted::new(&self.connections)
    }

    pub(super) fn socket(&self) -> Counted {
        Counted::new(&self.sockets)
    }

    pub(super) fn listener(&self) -> Counted {
        Counted::new(&self.listeners)
    }

    pub(super) fn turn_away(&self) {
        self.turned_away.fetch_add(1, Relaxed);
    }

    pub(super) fn stall(&self) {
        self.stalled.fetch_add(1, Relaxed);
    }

    /// A message to a client.
    pub(super) fn sent(&self, bytes: usize) {
        self.messages.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// A request that has its answer, or the head of it.
    pub(super) fn answered(&self, route: Option<usize>, status: StatusCode, took: Duration) {
        let route = &self.routes[route.unwrap_or(COUNT)];
        let class = usize::from(status.as_u16() / 100).min(5);
        route.answers[class].fetch_add(1, Relaxed);
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.partition_point(|bound| *bound < seconds);
        route.buckets[bucket].fetch_add(1, Relaxed);
        route.micros.fetch_add(took.as_micros() as u64, Relaxed);
    }
}
