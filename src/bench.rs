//! `tributary bench`: measures this build on this machine against the numbers it must hold.
//!
//! In: which groups of measurements, and how thorough. Out: [`Row`]s, each with its floor (what must be held) and
//! goal. What must hold: everything is measured from outside, through the same doors that a run uses.

mod child;
mod flat;
mod increment;
mod latency;
mod measure;
mod memory;
mod plain_loop;
mod print;
mod records;
mod rows;
mod serve;
mod solve;
mod sources;
mod stages;
mod throughput;
mod workload;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use dataflows::settings::Settings;

use crate::ingest::source::Source;
use crate::results::Results;
use crate::run::{self, Options};
use measure::Usage;
use workload::{Mix, Workload};

pub use child::{CHILD, run as run_child};
pub use print::{head, json, table};
pub use rows::{groups, names};

/// What a measurement must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    pub floor: f64,
    pub goal: Option<f64>,
    pub more_is_better: bool,
}

impl Bound {
    fn at_least(floor: f64, goal: f64) -> Option<Bound> {
        Some(Bound {
            floor,
            goal: Some(goal),
            more_is_better: true,
        })
    }

    fn at_most(floor: f64, goal: f64) -> Option<Bound> {
        Some(Bound {
            floor,
            goal: Some(goal),
            more_is_better: false,
        })
    }

    fn holds(&self, value: f64, bound: f64) -> bool {
        if self.more_is_better {
            value >= bound
        } else {
            value <= bound
        }
    }
}

/// One measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub group: &'static str,
    pub name: String,
    pub value: f64,
    pub unit: &'static str,
    pub bound: Option<Bound>,
}

impl Row {
    /// A figure that nothing is asked of.
    fn new(group: &'static str, name: impl Into<String>, value: f64, unit: &'static str) -> Row {
        Row {
            group,
            name: name.into(),
            value,
            unit,
            bound: None,
        }
    }

    fn bound(self, bound: Option<Bound>) -> Row {
        Row { bound, ..self }
    }

    /// The better of two measurements of the same; the first where nothing is asked.
    fn better(self, other: Row) -> Row {
        match self.bound {
            Some(bound) if bound.holds(other.value, self.value) => other,
            _ => self,
        }
    }

    /// How the value compares with floor and goal.
    pub fn verdict(&self) -> &'static str {
        match self.bound {
            None => "",
            Some(bound) if !bound.holds(self.value, bound.floor) => "below floor",
            Some(bound) if bound.goal.is_some_and(|goal| bound.holds(self.value, goal)) => "goal",
            Some(_) => "ok",
        }
    }
}

/// How thorough, and where the files of events lie meanwhile.
pub struct Bench {
    pub is_quick: bool,
    folder: PathBuf,
}

impl Bench {
    /// # Errors
    /// When there is no room for files of events.
    pub fn new(is_quick: bool) -> Result<Bench> {
        let folder = std::env::temp_dir().join(format!("tributary-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("creating {}", folder.display()))?;
        Ok(Bench { is_quick, folder })
    }

    fn pick<T>(&self, thorough: T, quick: T) -> T {
        if self.is_quick { quick } else { thorough }
    }

    /// How often a rate is measured; the best counts.
    fn rounds(&self) -> usize {
        self.pick(3, 1)
    }

    /// How often what is compared with one another has its turn.
    fn turns(&self) -> usize {
        self.pick(5, 1)
    }

    /// Each row's best of several measurements of all.
    fn best_of(&self, measure: impl Fn() -> Result<Vec<Row>>) -> Result<Vec<Row>> {
        let mut best = measure()?;
        for _ in 1..self.rounds() {
            let rows = best.into_iter().zip(measure()?);
            best = rows.map(|(row, other)| row.better(other)).collect();
        }
        Ok(best)
    }

    /// The mix that most rows use.
    fn mix(&self) -> Mix {
        Mix::of(self.pick(5_000_000, 1_000_000))
    }

    /// The mix as a file of JSON lines, written once.
    fn file(&self, mix: Mix) -> Result<PathBuf> {
        let Mix {
            events,
            users,
            advertisers,
            span_ms,
            ..
        } = mix;
        let name = format!("{events}-{users}-{advertisers}-{span_ms}.jsonl");
        let path = self.folder.join(name);
        if !path.exists() {
            write_lines(mix, &path).with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(path)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // Nothing can be done about a file that will not go; the folder is a temporary one.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn write_lines(mix: Mix, path: &PathBuf) -> Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut line = Vec::new();
    for record in Workload::new(mix) {
        line.clear();
        record.write_line(&mut line);
        out.write_all(&line)?;
    }
    out.flush()?;
    Ok(())
}

/// A run of so many workers that closes an epoch after so many records.
fn options(mix: &Mix, workers: usize, epoch_records: u64) -> Options {
    Options {
        names: Arc::new(mix.names()),
        ..line_options(workers, epoch_records)
    }
}

/// The same for lines, whose names the decoders see.
fn line_options(workers: usize, epoch_records: u64) -> Options {
    Options::flat_out(Settings::default(), workload::KEY, workers, epoch_records)
}

/// Runs a source of `events` records, none of which may be lost.
fn run_whole(
    source: impl Source + 'static,
    options: &Options,
    events: u64,
) -> Result<(Results, Usage)> {
    let (results, usage) = measure::measured(|| {
        run::run(Box::new(source), options)?.context("worker 0 left no results")
    })?;
    let accepted = results.frames.dispositions.accepted;
    ensure!(
        accepted == events as i64,
        "{accepted} of {events} events were accepted"
    );
    Ok((results, usage))
}

#[cfg(test)]
mod tests;
