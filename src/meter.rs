//! Measurements of a running process: how late its results are, how busy its workers.
//!
//! In: when blocks were accepted and when their epochs closed, and the processor time of the workers. Out: figures
//! over the last ten seconds and since the start (METRICS: `engine_latency`, `event_lag`). What must hold: nothing
//! here changes a result.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use dataflows::epochs::Epoch;
use dataflows::event::TimeMs;
use hdrhistogram::Histogram;

/// Seconds that a recent figure looks back.
const RECENT: usize = 10;
/// Longest latency told apart, in microseconds: an hour.
const LATENCY_US_MAX: u64 = 3_600_000_000;

/// Shared by the workers of a process and those who serve.
pub struct Meter {
    began: Instant,
    is_caught_up: AtomicBool,
    inner: Mutex<Inner>,
}

struct Inner {
    /// Blocks whose epoch is open: when they were accepted, and their records.
    open: BTreeMap<Epoch, Vec<(Instant, u64)>>,
    seconds: VecDeque<Second>,
    latency_us: Histogram<u64>,
    lag_ms: Histogram<u64>,
    closed: u64,
    last_closed: Instant,
    first_open: Epoch,
    records: u64,
}

/// What one second brought.
struct Second {
    number: u64,
    latency_us: Histogram<u64>,
    lag_ms: Histogram<u64>,
    records: u64,
    closed: u64,
}

/// Figures of one process.
#[derive(Clone, Debug)]
pub struct Reading {
    pub uptime: Duration,
    /// Microseconds from acceptance to the closed epoch, by event, over the last ten seconds.
    pub latency_us: Histogram<u64>,
    /// The same since the start.
    pub latency_us_total: Histogram<u64>,
    /// Wall clock less event time at acceptance, in milliseconds, over the last ten seconds.
    pub lag_ms: Histogram<u64>,
    /// The same since the start.
    pub lag_ms_total: Histogram<u64>,
    pub records_per_second: f64,
    pub records_total: u64,
    pub epochs_per_second: f64,
    pub epochs_total: u64,
    /// The first epoch that has not closed.
    pub first_open: Epoch,
    pub since_closed: Duration,
    /// Epochs with records that have not closed, and how many records that is.
    pub epochs_open: u64,
    pub records_open: u64,
}

fn histogram(max: u64) -> Histogram<u64> {
    Histogram::new_with_max(max, 2).expect("the bounds are valid")
}

/// Milliseconds since 1970 by the wall clock.
pub fn wall_ms() -> TimeMs {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    since_1970.map_or(0, |since| since.as_millis() as TimeMs)
}

impl Default for Meter {
    fn default() -> Meter {
        let now = Instant::now();
        Meter {
            began: now,
            is_caught_up: AtomicBool::new(false),
            inner: Mutex::new(Inner {
                open: BTreeMap::new(),
                seconds: VecDeque::new(),
                latency_us: histogram(LATENCY_US_MAX),
                lag_ms: histogram(LATENCY_US_MAX),
                closed: 0,
                last_closed: now,
                first_open: 0,
                records: 0,
            }),
        }
    }
}

impl Meter {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .expect("a thread that panics ends the process")
    }

    /// The source has said whether much waits at it.
    pub fn tell_caught_up(&self, is_caught_up: bool) {
        self.is_caught_up.store(is_caught_up, Ordering::Relaxed);
    }

    pub fn is_caught_up(&self) -> bool {
        self.is_caught_up.load(Ordering::Relaxed)
    }

    fn second(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    /// A block has entered an epoch; `newest` is the largest event time in it.
    pub fn enter(&self, epoch: Epoch, accepted: Instant, records: u64, newest: Option<TimeMs>) {
        if records == 0 {
            return;
        }
        let second = self.second();
        let mut inner = self.lock();
        inner
            .open
            .entry(epoch)
            .or_default()
            .push((accepted, records));
        inner.records += records;
        inner.second(second).records += records;
        if let Some(newest) = newest {
            let lag = (wall_ms() - newest).max(0) as u64;
            inner.lag_ms.saturating_record_n(lag, records);
            let recent = inner.second(second);
            recent.lag_ms.saturating_record_n(lag, records);
        }
    }

    /// Time since an epoch closed; `None` before the first.
    pub fn since_closed(&self) -> Option<Duration> {
        let inner = self.lock();
        (inner.closed > 0).then(|| inner.last_closed.elapsed())
    }

    /// All epochs before `first_open` have closed.
    pub fn close(&self, first_open: Epoch) {
        let (second, now) = (self.second(), Instant::now());
        let mut inner = self.lock();
        if first_open <= inner.first_open {
            return;
        }
        inner.first_open = first_open;
        inner.last_closed = now;
        inner.closed += 1;
        inner.second(second).closed += 1;
        let open = inner.open.split_off(&first_open);
        let closed = std::mem::replace(&mut inner.open, open);
        for (accepted, records) in closed.into_values().flatten() {
            let latency = now.saturating_duration_since(accepted).as_micros() as u64;
            inner.latency_us.saturating_record_n(latency, records);
            let recent = inner.second(second);
            recent.latency_us.saturating_record_n(latency, records);
        }
    }

    /// The figures as of now.
    pub fn read(&self) -> Reading {
        let second = self.second();
        let mut inner = self.lock();
        inner.second(second);
        let recent = |of: fn(&Second) -> &Histogram<u64>| {
            let mut sum = histogram(LATENCY_US_MAX);
            for second in &inner.seconds {
                sum.add(of(second)).expect("histograms of the same bounds");
            }
            sum
        };
        let latency_us = recent(|second| &second.latency_us);
        let lag_ms = recent(|second| &second.lag_ms);
        let over = self.began.elapsed().as_secs_f64().clamp(1.0, RECENT as f64);
        let sum = |of: fn(&Second) -> u64| inner.seconds.iter().map(of).sum::<u64>() as f64 / over;
        Reading {
            uptime: self.began.elapsed(),
            latency_us,
            latency_us_total: inner.latency_us.clone(),
            lag_ms,
            lag_ms_total: inner.lag_ms.clone(),
            records_per_second: sum(|second| second.records),
            records_total: inner.records,
            epochs_per_second: sum(|second| second.closed),
            epochs_total: inner.closed,
            first_open: inner.first_open,
            since_closed: inner.last_closed.elapsed(),
            epochs_open: inner.open.len() as u64,
            records_open: inner.open.values().flatten().map(|(_, count)| count).sum(),
        }
    }
}

impl Inner {
    /// The present second's part; older ones than asked for go.
    fn second(&mut self, number: u64) -> &mut Second {
        while self
            .seconds
            .front()
            .is_some_and(|second| second.number + RECENT as u64 <= number)
        {
            self.seconds.pop_front();
        }
        if self
            .seconds
            .back()
            .is_none_or(|second| second.number < number)
        {
            self.seconds.push_back(Second {
                number,
                latency_us: histogram(LATENCY_US_MAX),
                lag_ms: histogram(LATENCY_US_MAX),
                records: 0,
                closed: 0,
            });
        }
        self.seconds.back_mut().expect("one was just made")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_is_counted_by_event_when_its_epoch_closes() {
        let meter = Meter::default();
        let accepted = Instant::now() - Duration::from_millis(40);
        meter.enter(3, accepted, 7, Some(wall_ms() - 5_000));
        meter.enter(4, accepted, 2, None);
        meter.close(4);
        let reading = meter.read();
        assert_eq!((reading.latency_us.len(), reading.epochs_total), (7, 1));
        assert!(reading.latency_us.min() >= 39_000);
        assert_eq!((reading.epochs_open, reading.records_open), (1, 2));
        assert!(reading.lag_ms_total.min() >= 4_900);
        meter.close(4);
        meter.close(9);
        let reading = meter.read();
        assert_eq!(
            (reading.latency_us_total.len(), reading.epochs_total),
            (9, 2)
        );
    }
}
