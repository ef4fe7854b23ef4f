//! A whole process on a file, and whether its CPU per event stays flat as event time or users grow.

use std::fs::File;

use anyhow::Result;

use super::child::replayed;
use super::measure::Usage;
use super::workload::Mix;
use super::{Bench, Bound, Row};

const HOUR_MS: u64 = 3_600_000;

/// Of each mix, the best of the rounds by CPU time. The mixes take turns: a bad hour of the machine meets all of them. The
/// file is read before: where the system has let go of a part of it, to have that back costs more than all that we do with it.
fn best(bench: &Bench, mixes: &[Mix]) -> Result<Vec<Usage>> {
    let files = mixes.iter().map(|&mix| bench.file(mix));
    let files = files.collect::<Result<Vec<_>>>()?;
    let mut best: Vec<Option<Usage>> = vec![None; mixes.len()];
    for _ in 0..bench.turns() {
        for (best, file) in best.iter_mut().zip(&files) {
            std::io::copy(&mut File::open(file)?, &mut std::io::sink())?;
            let usage = replayed(bench, file)?;
            if best.is_none_or(|best| usage.cpu < best.cpu) {
                *best = Some(usage);
            }
        }
    }
    for (&mix, file) in mixes.iter().zip(&files) {
        if mix != bench.mix() {
            std::fs::remove_file(file)?;
        }
    }
    Ok(best.into_iter().flatten().collect())
}

fn cpu_us(usage: Usage, mix: Mix) -> f64 {
    usage.cpu * 1e6 / mix.events as f64
}

/// From JSON lines to final counts.
pub(super) fn file(bench: &Bench) -> Result<Vec<Row>> {
    const GROUP: &str = "file";
    let mix = bench.mix();
    let usage = best(bench, &[mix])?[0];
    let millions = mix.events / 1_000_000;
    let rate = mix.events as f64 / 1e6 / usage.wall;
    let mut rows = vec![
        Row::new(
            GROUP,
            format!("CPU per event, JSON file to counts, {millions} M"),
            cpu_us(usage, mix),
            "us",
        )
        .bound(Bound::at_most(0.6, 0.4)),
        Row::new(GROUP, "wall clock of the same", rate, "M events/s"),
    ];
    rows.extend(usage.peak_mib.map(|peak| {
        Row::new(
            GROUP,
            format!("resident memory, {millions} M file"),
            peak,
            "MiB",
        )
        .bound(Bound::at_most(150.0, 75.0))
    }));
    Ok(rows)
}

/// A row for each mix, and one for the largest CPU per event over the smallest.
fn compared(
    bench: &Bench,
    group: &'static str,
    mixes: &[(String, Mix)],
    bound: Option<Bound>,
) -> Result<Vec<Row>> {
    let (names, mixes): (Vec<_>, Vec<_>) = mixes.iter().cloned().unzip();
    let mut rows = Vec::new();
    for ((name, mix), usage) in names.iter().zip(&mixes).zip(best(bench, &mixes)?) {
        let cpu = cpu_us(usage, *mix);
        rows.push(Row::new(group, format!("CPU per event, {name}"), cpu, "us"));
    }
    let largest = rows.iter().map(|row| row.value).fold(0.0, f64::max);
    let smallest = rows.iter().map(|row| row.value).fold(f64::MAX, f64::min);
    let ratio = Row::new(group, "largest over smallest", largest / smallest, "times");
    rows.push(ratio.bound(bound));
    Ok(rows)
}

/// The same rate and active users for longer.
pub(super) fn event_time(bench: &Bench) -> Result<Vec<Row>> {
    let per_hour = bench.pick(1_000_000, 200_000);
    let mixes = [1, 5, 20].map(|hours| {
        let mix = Mix {
            users: per_hour / 10,
            ..Mix::of(per_hour * hours).over_ms(hours * HOUR_MS)
        };
        (format!("{hours} h of event time"), mix)
    });
    compared(bench, "event-time", &mixes, Bound::at_most(1.1, 1.02))
}

/// More events of more users in the same time.
pub(super) fn growth(bench: &Bench) -> Result<Vec<Row>> {
    let sizes = bench.pick(
        [1_000_000, 5_000_000, 20_000_000],
        [500_000, 1_000_000, 2_000_000],
    );
    let mixes = sizes.map(|events| (format!("{} M events", events as f64 / 1e6), Mix::of(events)));
    compared(bench, "growth", &mixes, Bound::at_most(1.25, 1.1))
}
