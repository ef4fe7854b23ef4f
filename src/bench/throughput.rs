//! Flat out: decoded events against a plain loop, JSON lines by CPU time.

use std::io::Cursor;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use dataflows::event::Event;
use dataflows::transitions::{Dimension, Window};

use super::child;
use super::measure::{Usage, measured};
use super::plain_loop::{self, Counted};
use super::records::{Record, Texts};
use super::sources::Lines;
use super::workload::{KEY, Mix, Workload, events};
use super::{Bench, Bound, Row, line_options, options, run_whole};
use crate::ingest::admit::{self, Admitter};
use crate::ingest::source::{Decoded, Step};
use crate::report;
use crate::results::Results;

const PLAIN_LOOP: &str = "plain-loop";
/// Most records of a block.
const BLOCK_RECORDS: usize = 4_096;
/// Most bytes of a block of lines; small where an epoch must hold several.
const BLOCK_BYTES: usize = 256 * 1024;
const SMALL_BLOCK_BYTES: usize = 64 * 1024;

/// A log of decoded events, in memory.
pub(super) type Log = Arc<[Option<Event>]>;

/// Made in its place: memory given back now, the allocator would give back to the system while something is measured.
pub(super) fn log(mix: Mix) -> Log {
    let mut log: Log = std::iter::repeat_n(None, mix.events as usize).collect();
    let places = Arc::get_mut(&mut log).expect("nobody else has it yet");
    for (place, event) in places.iter_mut().zip(events(mix)) {
        *place = Some(event);
    }
    log
}

/// The log as a source, in blocks and epochs of so many records.
pub(super) fn source(log: &Log, epoch_records: usize) -> Decoded {
    let count = log.len();
    let block = epoch_records.min(BLOCK_RECORDS);
    let steps = (0..count).step_by(block).map(|start| Step {
        partition: 0,
        records: start..(start + block).min(count),
        ends_epoch: false,
        thread: None,
    });
    Decoded::new(std::slice::from_ref(log), vec![0], steps, true)
}

/// Best rates in M events a second, of wall clock and of CPU.
#[derive(Clone, Copy, Default)]
struct Rate {
    wall: f64,
    cpu: f64,
}

impl Rate {
    fn improve(&mut self, events: u64, usage: Usage) {
        let millions = events as f64 / 1e6;
        self.wall = self.wall.max(millions / usage.wall);
        self.cpu = self.cpu.max(millions / usage.cpu);
    }
}

/// Records of an epoch, workers, floor and goal.
const CASES: [(u64, usize, f64, f64); 4] = [
    (100_000, 1, 3.0, 5.0),
    (100_000, 2, 5.0, 9.0),
    (2_000, 1, 1.5, 3.5),
    (2_000, 2, 2.5, 6.5),
];

/// Decoded events through the whole dataflow over the plain loop. Each is timed in a process of its own: a batch program
/// finds no memory that it used before. They take turns: a bad hour of the machine meets all of them. The loop pays for the
/// identity of users and names, which decoded events bring along, so a second ratio adds to our side what its admission
/// takes.
pub(super) fn over_plain_loop(bench: &Bench) -> Result<Vec<Row>> {
    let mix = bench.mix();
    counts_agree(mix)?;
    let (mut plain, mut rates) = (Rate::default(), [Rate::default(); CASES.len()]);
    for _ in 0..bench.rounds() {
        plain.improve(mix.events, child::plain_loop(mix.events)?);
        for (rate, (epoch, workers, ..)) in rates.iter_mut().zip(CASES) {
            rate.improve(mix.events, child::dataflow(mix.events, epoch, workers)?);
        }
    }
    let admission = admission(bench, mix)?;
    let mut rows = vec![
        Row::new(PLAIN_LOOP, "plain loop", plain.wall, "M events/s"),
        Row::new(
            PLAIN_LOOP,
            "pseudonyms and names of the same records, one thread",
            admission.wall,
            "M events/s",
        ),
    ];
    for (rate, (epoch, workers, floor, goal)) in rates.into_iter().zip(CASES) {
        let case = format!("epochs of {epoch}, workers {workers}");
        let with_admission = 1.0 / (1.0 / rate.wall + 1.0 / (admission.wall * workers as f64));
        let row =
            |name: &str, value, unit| Row::new(PLAIN_LOOP, format!("{name}{case}"), value, unit);
        rows.extend([
            row("", rate.wall, "M events/s"),
            row("over the plain loop, ", rate.wall / plain.wall, "times")
                .bound(Bound::at_least(floor, goal)),
            row(
                "the same with admission added, ",
                with_admission / plain.wall,
                "times",
            ),
            row("by CPU time instead, ", rate.cpu / plain.cpu, "times"),
        ]);
    }
    Ok(rows)
}

/// The plain loop over the mix: what it counts, and what it takes.
pub(super) fn plain(mix: Mix) -> Result<(Counted, Usage)> {
    let texts = Texts::new(mix);
    let records = texts.records();
    measured(|| Ok(plain_loop::count(&records)))
}

/// The dataflow over a log of the mix.
pub(super) fn dataflow(
    mix: Mix,
    log: &Log,
    epoch: u64,
    workers: usize,
) -> Result<(Results, Usage)> {
    let options = options(&mix, workers, epoch);
    run_whole(source(log, epoch as usize), &options, mix.events)
}

fn counts_agree(mix: Mix) -> Result<()> {
    let (counted, _) = plain(mix)?;
    let log = log(mix);
    for (epoch, workers) in [(100_000, 1), (2_000, 2)] {
        let (results, _) = dataflow(mix, &log, epoch, workers)?;
        ensure!(
            counted == of_dataflow(&results)?,
            "the plain loop and the dataflow count differently"
        );
    }
    Ok(())
}

/// Our admission of the records that the plain loop takes, on one thread.
fn admission(bench: &Bench, mix: Mix) -> Result<Rate> {
    let texts = Texts::new(mix);
    let records = texts.records();
    let mut rate = Rate::default();
    for _ in 0..bench.rounds() {
        let mut admitter = Admitter::new(KEY, 3, usize::MAX);
        let mut decoded = admit::Decoded::default();
        let ((), usage) = measured(|| {
            for block in records.chunks(BLOCK_RECORDS) {
                let block = block.iter().map(Record::decoded);
                admitter.admit(block, &mut decoded);
            }
            Ok(())
        })?;
        rate.improve(mix.events, usage);
    }
    Ok(rate)
}

/// The dataflow's counts, without what the plain loop leaves out.
fn of_dataflow(results: &Results) -> Result<Counted> {
    let mut counted = Counted::new();
    for (key, chain) in results.report().chains {
        if (key.dimension, key.window) != (Dimension::Channel, Window::All) {
            continue;
        }
        let Some(advertiser) = key.advertiser else {
            continue;
        };
        for ((from, to), count) in chain.counts {
            if from != report::State::Start || matches!(to, report::State::Named(_)) {
                let count = u64::try_from(count.count).context("a count below 0")?;
                counted.push((advertiser.clone(), from, to, count));
            }
        }
    }
    counted.sort();
    Ok(counted)
}

/// JSON lines in memory to attribution, by CPU time of the whole process.
pub(super) fn json(bench: &Bench) -> Result<Vec<Row>> {
    let mix = bench.mix();
    let mut lines = Vec::new();
    Workload::new(mix).for_each(|record| record.write_line(&mut lines));
    let lines: Arc<[u8]> = lines.into();
    let mut rows = Vec::new();
    for (epoch, block, floor, goal) in [
        (2_000, SMALL_BLOCK_BYTES, 1.2, 2.0),
        (100_000, BLOCK_BYTES, 1.6, 2.6),
    ] {
        for workers in [1, 2] {
            let mut best = 0f64;
            for _ in 0..bench.rounds() {
                let source = Lines::new(Cursor::new(lines.clone()), block);
                let (_, usage) = run_whole(source, &line_options(workers, epoch), mix.events)?;
                best = best.max(mix.events as f64 / 1e6 / usage.cpu);
            }
            let name = format!("JSON lines to attribution, epochs of {epoch}, workers {workers}");
            rows.push(
                Row::new("json", name, best, "M events/CPU-s").bound(Bound::at_least(floor, goal)),
            );
        }
    }
    Ok(rows)
}
