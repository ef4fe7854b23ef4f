//! Bytes of state: what a process grows by while the dataflow takes in events and forgets none of them.

use std::io::Write;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};

use super::child::held;
use super::measure::memory_mib;
use super::sources::Streamed;
use super::workload::{Mix, events_of};
use super::{Bench, Bound, Row, options};
use crate::frames::Frames;

const BYTES_PER_MIB: f64 = 1024.0 * 1024.0;
const BLOCK_RECORDS: usize = 2_000;
/// An epoch of ten milliseconds at the rate below.
const EPOCH_RECORDS: u64 = 2_000;
/// Impressions and clicks among the events.
const TOUCH_SHARE: f64 = 0.48;
const OFFERED_PER_SECOND: u64 = 208_000;

/// Holds all events of the mix, one worker, and prints how many MiB that takes, and the peak.
pub(super) fn hold(mix: Mix, is_unbounded: bool) -> Result<()> {
    // Held to the end: the source may let go of them before what is held is looked at, or after.
    let weights = mix.weights();
    let source = Streamed::new(events_of(mix, weights.clone()), BLOCK_RECORDS);
    let before = memory_mib("self", "VmRSS").context("no /proc on this machine")?;
    let after = Arc::new(Mutex::new(before));
    let last = after.clone();
    let look = move |frames: &Frames| {
        if frames.dispositions.read == mix.events as i64 {
            let now = memory_mib("self", "VmRSS").unwrap_or(f64::NAN);
            *last.lock().expect("nobody panics with it") = now;
        }
    };
    let mut options = options(&mix, 1, EPOCH_RECORDS);
    if is_unbounded {
        options.settings.allowed_lateness_ms = None;
    }
    options.on_frame = Some(Arc::new(look));
    super::run_whole(source, &options, mix.events)?;
    drop(weights);
    let held = *after.lock().expect("nobody panics with it") - before;
    let peak = memory_mib("self", "VmHWM").context("no /proc on this machine")?;
    writeln!(std::io::stdout(), "{held} {peak}")?;
    Ok(())
}

/// Bytes per entry when lateness is unbounded: of the mix, and of four times as many events, where what a process takes
/// anyway weighs less.
pub(super) fn entries(bench: &Bench) -> Result<Vec<Row>> {
    let few = bench.mix();
    let many = Mix::of(4 * few.events);
    let mut rows = per_entry(few)?;
    let bounds = [None, Some((20.0, 14.0)), Some((32.0, 22.0))];
    let bounded = per_entry(many)?.into_iter().zip(bounds);
    rows.extend(
        bounded.map(|(row, most)| {
            row.bound(most.and_then(|(floor, goal)| Bound::at_most(floor, goal)))
        }),
    );
    Ok(rows)
}

fn per_entry(mix: Mix) -> Result<Vec<Row>> {
    let (held, _) = held(mix, "unbounded")?;
    let millions = mix.events as f64 / 1e6;
    let bytes = held * BYTES_PER_MIB / mix.events as f64;
    let row = |name: &str, value, unit| {
        Row::new(
            "memory",
            format!("{millions} M events held, {name}"),
            value,
            unit,
        )
    };
    Ok(vec![
        row("growth", held, "MiB"),
        row("per retained entry, all in", bytes, "bytes"),
        row(
            "per open touch, the other entries on its account",
            bytes / TOUCH_SHARE,
            "bytes",
        ),
    ])
}

/// Half an hour of event time at the rate of the busiest day; takes minutes and gigabytes.
pub(super) fn held_open(bench: &Bench) -> Result<Vec<Row>> {
    let seconds = bench.pick(30 * 60, 60);
    let mix = Mix::of(OFFERED_PER_SECOND * seconds).over_ms(seconds * 1_000);
    let (held, peak) = held(mix, "default")?;
    let name = format!("{seconds} s of event time at 208000 events/s held open");
    let bound = Bound::at_most(8.0, 4.0).filter(|_| !bench.is_quick);
    Ok(vec![
        Row::new("held-open", name, held / 1024.0, "GiB").bound(bound),
        Row::new(
            "held-open",
            "peak of that process, its generator too",
            peak / 1024.0,
            "GiB",
        ),
    ])
}
