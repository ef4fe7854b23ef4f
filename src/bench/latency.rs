//! Open loop: from the moment an event is due to the moment the frame with it is ready on worker 0.
//!
//! Event time runs as wall time does. The first second is left out.

use std::fs::File;
use std::io::BufReader;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::{Context, Result};
use hdrhistogram::Histogram;

use super::sources::{Pace, Paced, events_of, lines_of};
use super::workload::{Mix, events};
use super::{Bench, Bound, Row, line_options, options, run_whole};
use crate::config::Epochs;
use crate::frames::Frames;
use crate::ingest::intake::EpochPolicy;
use crate::ingest::source::Source;
use crate::run::Options;

pub(super) const WORKERS: usize = 2;
pub(super) const OFFERED: u64 = 208_000;
const OFFERED_DECODED: u64 = 1_000_000;
/// Two chains each: channels and campaigns.
const ADVERTISERS_OF_1000_CHAINS: u64 = 500;
/// Decoded events that are told again and again.
const LOG_EVENTS: u64 = 2_000_000;
/// Each so-many-th event is looked at.
const EVERY: u64 = 8;
pub(super) const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

/// Epochs as a live process has them that nobody told otherwise.
pub(super) fn epochs() -> EpochPolicy {
    Epochs::default().policy()
}

/// Records read as of each frame, and when it was ready.
type Ready = Arc<Mutex<Vec<(i64, Instant)>>>;

pub(super) struct Case {
    group: &'static str,
    bounds: [(f64, f64); 3],
    cpu_bound: Option<Bound>,
    pub(super) pace: Arc<Pace>,
    pub(super) per_second: u64,
    pub(super) events: u64,
}

impl Case {
    pub(super) fn new(
        group: &'static str,
        per_second: u64,
        seconds: u64,
        bounds: [(f64, f64); 3],
    ) -> Case {
        let events = per_second * seconds;
        Case {
            group,
            bounds,
            cpu_bound: None,
            pace: Arc::new(Pace::new(per_second, events)),
            per_second,
            events,
        }
    }

    /// The rows of one run.
    fn rows(&self, source: impl Source + 'static, options: Options) -> Result<Vec<Row>> {
        let ready = Ready::default();
        let told = ready.clone();
        let on_frame = move |frames: &Frames| {
            let now = (frames.dispositions.read, Instant::now());
            told.lock().expect("nobody panics with it").push(now);
        };
        let options = Options {
            epochs: epochs(),
            on_frame: Some(Arc::new(on_frame)),
            ..options
        };
        let (_, usage) = run_whole(source, &options, self.events)?;
        let frames = ready.lock().expect("nobody panics with it");
        let histogram = self.histogram(&frames)?;
        let rows = QUANTILES.iter().zip(self.bounds);
        let mut rows: Vec<Row> = rows
            .map(|(&(name, quantile), (floor, goal))| {
                let ms = histogram.value_at_quantile(quantile) as f64 / 1e3;
                let name = format!("due to frame at {} events/s, {name}", self.per_second);
                Row::new(self.group, name, ms, "ms").bound(Bound::at_most(floor, goal))
            })
            .collect();
        let per_second = frames.len() as f64 / usage.wall;
        rows.push(Row::new(self.group, "frames", per_second, "per second"));
        let share = usage.cpu / usage.wall * 100.0;
        let name = "CPU at that rate, all threads";
        rows.push(Row::new(self.group, name, share, "% of a core").bound(self.cpu_bound));
        Ok(rows)
    }

    /// Latencies in microseconds.
    pub(super) fn histogram(&self, frames: &[(i64, Instant)]) -> Result<Histogram<u64>> {
        let mut histogram = Histogram::new(3).context("making a histogram")?;
        let mut number = self.per_second;
        for &(read, ready) in frames {
            while number < read as u64 {
                let latency = ready.saturating_duration_since(self.pace.due(number));
                histogram.record(latency.as_micros() as u64)?;
                number += EVERY;
            }
        }
        Ok(histogram)
    }
}

pub(super) fn seconds(bench: &Bench) -> u64 {
    bench.pick(20, 5)
}

/// JSON lines of a mix with so many advertisers, live.
fn paced_lines(bench: &Bench, case: &Case, advertisers: u64) -> Result<Vec<Row>> {
    let mix = Mix {
        advertisers,
        ..Mix::of(case.events).over_ms(seconds(bench) * 1_000)
    };
    let path = bench.file(mix)?;
    let reader = BufReader::with_capacity(256 * 1024, File::open(&path)?);
    let source = Paced::new(case.pace.clone(), lines_of(reader));
    let rows = case.rows(source, line_options(WORKERS, epochs().records))?;
    std::fs::remove_file(path)?;
    Ok(rows)
}

/// What the busiest day offers, and what it costs.
pub(super) fn lines(bench: &Bench) -> Result<Vec<Row>> {
    bench.best_of(|| {
        let bounds = [(8.0, 3.5), (15.0, 6.0), (40.0, 15.0)];
        let case = Case {
            cpu_bound: Bound::at_most(30.0, 12.0),
            ..Case::new("latency", OFFERED, seconds(bench), bounds)
        };
        paced_lines(bench, &case, 10)
    })
}

/// The same with 1,000 chains.
pub(super) fn chains(bench: &Bench) -> Result<Vec<Row>> {
    bench.best_of(|| {
        let bounds = [(12.0, 5.0), (50.0, 12.0), (100.0, 30.0)];
        let case = Case::new("latency-chains", OFFERED, seconds(bench), bounds);
        paced_lines(bench, &case, ADVERTISERS_OF_1000_CHAINS)
    })
}

/// A million decoded events a second.
pub(super) fn decoded(bench: &Bench) -> Result<Vec<Row>> {
    let span_ms = LOG_EVENTS * 1_000 / OFFERED_DECODED;
    let mix = Mix::of(LOG_EVENTS).over_ms(span_ms);
    let log: Vec<_> = events(mix).collect();
    bench.best_of(|| {
        let bounds = [(12.0, 4.5), (30.0, 9.0), (80.0, 30.0)];
        let case = Case::new("latency-decoded", OFFERED_DECODED, seconds(bench), bounds);
        let source = Paced::new(case.pace.clone(), events_of(log.clone(), span_ms));
        case.rows(source, options(&mix, WORKERS, epochs().records))
    })
}
