//! All removal effects of one chain, from its counts.

use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;
use dataflows::attribution::Solver;

use super::{Bench, Bound, Row};

/// Time to spend on each size, best of that many slices.
const SLICES: u32 = 20;
const SLICE_MS: u128 = 10;

/// A dense chain of `k` states.
fn fill(solver: &mut Solver, k: usize) {
    let counts = &mut solver.counts;
    counts.clear(k);
    for (at, count) in counts.between.iter_mut().enumerate() {
        *count = (at * 7_919 % 101) as i64 + 1;
    }
    for at in 0..k {
        counts.from_start[at] = (at * 31 % 17) as i64 + 5;
        counts.to_conversion[at] = (at * 13 % 7) as i64 + 1;
        counts.to_null[at] = (at * 29 % 23) as i64 + 40;
        counts.value[at] = i128::from(counts.to_conversion[at]) * 25_000_000;
    }
    counts.journeys = counts.from_start.iter().sum();
}

/// Microseconds a solution takes, the best slice's mean.
fn best_us(solver: &mut Solver) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..SLICES {
        let (began, mut solved) = (Instant::now(), 0u32);
        while began.elapsed().as_millis() < SLICE_MS {
            for _ in 0..8 {
                black_box(&mut *solver).solve();
            }
            solved += 8;
        }
        best = best.min(began.elapsed().as_secs_f64() * 1e6 / f64::from(solved));
    }
    best
}

pub(super) fn chain(_: &Bench) -> Result<Vec<Row>> {
    let mut solver = Solver::default();
    let cases = [(8, 2.0, 0.5), (20, 15.0, 4.0), (100, 1_000.0, 150.0)];
    let rows = cases.map(|(k, floor, goal)| {
        fill(&mut solver, k);
        let name = format!("all removal effects of one chain, k = {k}");
        Row::new("solve", name, best_us(&mut solver), "us").bound(Bound::at_most(floor, goal))
    });
    Ok(rows.into())
}
