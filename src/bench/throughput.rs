//! Flat out: decoded events against a plain loop, JSON lines by CPU time.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use dataflows::event::Event;
use dataflows::transitions::{Dimension, Window};

use super::child;
use super::measure::{Usage, measured, median};
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

/// Records of an epoch, workers, floor and goal.
const CASES: [(u64, usize, f64, f64); 4] = [
    (100_000, 1, 3.0, 5.0),
    (100_000, 2, 5.0, 9.0),
    (2_000, 1, 1.5, 3.5),
    (2_000, 2, 2.5, 6.5),
];

/// What each takes in one round. Each is timed in a process of its own: a batch program finds no memory that it used before.
struct Round {
    /// The plain loop with its parsing.
    batch: Usage,
    plain: Usage,
    dataflow: [Usage; CASES.len()],
}

impl Round {
    fn of(file: &Path, events: u64) -> Result<Round> {
        let parse = child::parse(file)?;
        let batch = child::plain_loop(file, events)?;
        let mut dataflow = [Usage::default(); CASES.len()];
        for (usage, (epoch, workers, ..)) in dataflow.iter_mut().zip(CASES) {
            *usage = child::dataflow(events, epoch, workers)?;
        }
        Ok(Round {
            batch,
            plain: batch - parse,
            dataflow,
        })
    }
}

/// Decoded events through the whole dataflow over the plain loop, which is the batch program less its parsing. What is
/// compared takes turns, and a ratio is the median of the rounds' own: the machine is a slower or a faster one from minute to
/// minute. The loop pays for the identity of users and names, which decoded events bring along, so a second ratio adds to
/// our side what its admission takes.
pub(super) fn over_plain_loop(bench: &Bench) -> Result<Vec<Row>> {
    let mix = bench.mix();
    let (file, events) = (bench.file(mix)?, mix.events);
    counts_agree(mix, &file)?;
    let rounds = (0..bench.turns()).map(|_| Round::of(&file, events));
    let rounds = rounds.collect::<Result<Vec<_>>>()?;
    let admission = admission(bench, mix)?;
    let mut rows = vec![
        rate("plain loop", events, rounds.iter().map(|r| r.plain)),
        rate("with its parsing", events, rounds.iter().map(|r| r.batch)),
        rate(
            "pseudonyms and names of the same records, one thread",
            events,
            [admission],
        ),
    ];
    for at in 0..CASES.len() {
        rows.extend(of_case(at, events, &rounds, admission.wall));
    }
    Ok(rows)
}

fn rate(name: &str, events: u64, usages: impl IntoIterator<Item = Usage>) -> Row {
    let wall = median(usages.into_iter().map(|usage| usage.wall));
    Row::new(PLAIN_LOOP, name, events as f64 / 1e6 / wall, "M events/s")
}

/// The rows of the case at `at`, with what the admission takes on one thread in seconds.
fn of_case(at: usize, events: u64, rounds: &[Round], admission: f64) -> [Row; 4] {
    let (epoch, workers, floor, goal) = CASES[at];
    let case = format!("epochs of {epoch}, workers {workers}");
    let times = |name: &str, ratio: &dyn Fn(Usage, Usage) -> f64| {
        let ratios = rounds.iter().map(|r| ratio(r.plain, r.dataflow[at]));
        Row::new(PLAIN_LOOP, format!("{name}{case}"), median(ratios), "times")
    };
    let admitted = admission / workers as f64;
    [
        rate(&case, events, rounds.iter().map(|r| r.dataflow[at])),
        times("over the plain loop, ", &|plain, ours| {
            plain.wall / ours.wall
        })
        .bound(Bound::at_least(floor, goal)),
        times("the same with admission added, ", &|plain, ours| {
            plain.wall / (ours.wall + admitted)
        }),
        times("by CPU time instead, ", &|plain, ours| plain.cpu / ours.cpu),
    ]
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

fn counts_agree(mix: Mix, file: &Path) -> Result<()> {
    let counted = plain_loop::count(file, mix.events)?;
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
fn admission(bench: &Bench, mix: Mix) -> Result<Usage> {
    let texts = Texts::new(mix);
    let records = texts.records();
    let mut least: Option<Usage> = None;
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
        if least.is_none_or(|least| usage.wall < least.wall) {
            least = Some(usage);
        }
    }
    least.context("nothing was measured")
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
