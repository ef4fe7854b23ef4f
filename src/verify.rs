//! `tributary verify`: the same log in many schedules, each run's report against the oracle's.
//!
//! In: the records of every partition and something that runs a [`Plan`]. Out: a line for every run, and whether all
//! agreed. What must hold: a schedule changes only what no result may depend on, so that one oracle's report is the
//! answer to all schedules of the same records.

mod against;
mod dataflow;
mod plan;

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use anyhow::Context;
use dataflows::event::Name;
use dataflows::settings::{JourneyRule, Settings};

pub use against::{Comparison, Counts, compare, read_counts};
pub use dataflow::{Dataflow, Processes};
pub use plan::{Plan, Step, deal, first_records};

use crate::exit::{Exit, Failure};
use crate::oracle::{self, Log};
use crate::report::Report;

/// So many partitions are made of a single file, else there would be nothing to interleave.
pub const DEALT_PARTITIONS: usize = 8;
/// So many records are taken where every epoch holds a single one.
pub const SINGLE_RECORDS: usize = 20_000;
/// The second rule that is tried: a journey breaks after a week.
pub const WEEK_MS: i64 = 7 * 24 * 60 * 60_000;

/// Runs a schedule: takes in the steps of each epoch, closes it, and reports at the last one.
pub trait Runner {
    fn run(&self, plan: &Plan) -> anyhow::Result<Report>;
}

impl<F: Fn(&Plan) -> anyhow::Result<Report>> Runner for F {
    fn run(&self, plan: &Plan) -> anyhow::Result<Report> {
        self(plan)
    }
}

/// What is verified: the records of every partition in log order, and the text of every name in them.
#[derive(Clone, Debug)]
pub struct Input {
    pub partitions: Vec<Log>,
    pub names: HashMap<Name, String>,
}

/// How it is verified.
#[derive(Clone, Debug)]
pub struct Options {
    pub settings: Settings,
    /// Full runs of each rule.
    pub shuffles: usize,
    /// Further runs of each rule that stop midway, while the partitions still live.
    pub stops: usize,
    /// Numbers of workers, one a run, in turn.
    pub workers: Vec<usize>,
    /// Records an epoch, about; one a run, in turn after the workers.
    pub batches: Vec<usize>,
    pub seed: u64,
    /// The text of a transitions CSV that the counts are compared with.
    pub against: Option<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            settings: Settings::default(),
            shuffles: 6,
            stops: 2,
            workers: vec![1, 2, 3],
            batches: vec![2_000, 100_000],
            seed: 0,
            against: None,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub runs: usize,
    pub differing: usize,
    /// The oracle's digest over the whole log, for each rule.
    pub oracle: Vec<(JourneyRule, String)>,
    pub against: Option<Comparison>,
}

impl Outcome {
    pub fn passed(&self) -> bool {
        let against_agrees = self
            .against
            .as_ref()
            .is_none_or(|it| it.differing.is_empty());
        self.differing == 0 && against_agrees
    }
}

/// Verifies and prints to standard output.
pub fn verify(input: &Input, options: &Options, runner: &dyn Runner) -> anyhow::Result<Outcome> {
    verify_to(input, options, runner, &mut io::stdout())
}

/// Verifies and prints to `out`.
pub fn verify_to(
    input: &Input,
    options: &Options,
    runner: &dyn Runner,
    out: &mut dyn Write,
) -> anyhow::Result<Outcome> {
    anyhow::ensure!(
        !options.workers.contains(&0) && !options.workers.is_empty(),
        "a run needs at least one worker"
    );
    anyhow::ensure!(
        !options.batches.contains(&0) && !options.batches.is_empty(),
        "an epoch needs at least one record"
    );
    let partitions = Arc::new(match &input.partitions[..] {
        [single] => {
            writeln!(out, "1 partition, dealt to {DEALT_PARTITIONS} in turn")?;
            deal(single, DEALT_PARTITIONS)
        }
        several => several.to_vec(),
    });
    let against = options.against.as_deref().map(read_counts).transpose();
    let against = against.map_err(|error| {
        let message = format!("reading the counts to compare with: {error:#}");
        Failure::new(Exit::InputUnusable, message)
    })?;
    let mut outcome = Outcome::default();
    for settings in rules(options.settings) {
        let whole = Expected::new(partitions.clone(), &input.names, settings, true);
        verify_rule(&whole, input, options, runner, &mut outcome, out)?;
        let rule = rule_name(settings.journeys);
        writeln!(out, "oracle   {rule:<8} {:>27} {}", "", whole.digest)?;
        outcome.oracle.push((settings.journeys, whole.digest));
    }
    if let Some(theirs) = &against {
        let report = oracle::report(&input.partitions, &input.names, &options.settings, true);
        let comparison = compare(&report, theirs);
        write!(out, "{comparison}")?;
        outcome.against = Some(comparison);
    }
    summarize(&outcome, options.seed, out)?;
    Ok(outcome)
}

/// The configured rule; beside sessions also a gap, since the two share little.
fn rules(settings: Settings) -> Vec<Settings> {
    let mut rules = vec![settings];
    if settings.journeys == JourneyRule::Session {
        let journeys = JourneyRule::GapMs(WEEK_MS);
        rules.push(Settings {
            journeys,
            ..settings
        });
    }
    rules
}

/// A log, or the part of one that was taken in, and what the oracle says of it.
struct Expected {
    partitions: Arc<Vec<Log>>,
    settings: Settings,
    report: Report,
    digest: String,
}

impl Expected {
    fn new(
        partitions: Arc<Vec<Log>>,
        names: &HashMap<Name, String>,
        settings: Settings,
        ended: bool,
    ) -> Expected {
        let report = oracle::report(&partitions, names, &settings, ended);
        Expected {
            partitions,
            settings,
            digest: report.digest(),
            report,
        }
    }
}

/// All runs of one rule.
fn verify_rule(
    whole: &Expected,
    input: &Input,
    options: &Options,
    runner: &dyn Runner,
    outcome: &mut Outcome,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut first: Option<Expected> = None;
    for turn in 0..options.shuffles + options.stops {
        let workers = options.workers[turn % options.workers.len()];
        let batch = options.batches[turn / options.workers.len() % options.batches.len()];
        let log = match batch {
            1 => &*first.get_or_insert_with(|| {
                let records = first_records(&whole.partitions, SINGLE_RECORDS);
                Expected::new(Arc::new(records), &input.names, whole.settings, true)
            }),
            _ => whole,
        };
        let seed = options.seed.wrapping_mul(1_000_003) + turn as u64;
        let mut plan = Plan::shuffled(&log.partitions, log.settings, workers, batch, seed);
        let stopped = (turn >= options.shuffles).then(|| {
            plan.stop_midway();
            let taken_in = Arc::new(plan.taken_in());
            Expected::new(taken_in, &input.names, log.settings, false)
        });
        let expected = stopped.as_ref().unwrap_or(log);
        outcome.runs += 1;
        let run = format!(
            "run {:>3}  {:<8}  workers {workers:<2}  batch {batch:<7}",
            outcome.runs,
            rule_name(log.settings.journeys)
        );
        let report = runner.run(&plan).with_context(|| run.clone())?;
        let differences = differences(&report, expected);
        outcome.differing += usize::from(!differences.is_empty());
        write_run(&run, &plan, &report, &differences, out)?;
    }
    Ok(())
}

/// What the run has that the oracle has otherwise.
fn differences(report: &Report, expected: &Expected) -> Vec<String> {
    if report.digest() == expected.digest {
        return Vec::new();
    }
    let differences = report.differences(&expected.report);
    assert!(
        !differences.is_empty(),
        "digests differ, so some figure does"
    );
    differences
}

fn write_run(
    run: &str,
    plan: &Plan,
    report: &Report,
    differences: &[String],
    out: &mut dyn Write,
) -> io::Result<()> {
    let verdict = if differences.is_empty() {
        "equal"
    } else {
        "DIFFERS"
    };
    let stopped = match plan.ended {
        true => String::new(),
        false => format!("  (stopped after {} records)", plan.records()),
    };
    writeln!(out, "{run}  {}  {verdict}{stopped}", report.digest())?;
    for difference in differences {
        writeln!(out, "         {difference} of the oracle")?;
    }
    Ok(())
}

fn summarize(outcome: &Outcome, seed: u64, out: &mut dyn Write) -> io::Result<()> {
    let runs = outcome.runs;
    match outcome.differing {
        0 => write!(out, "{runs} runs, all equal to the oracle (seed {seed})")?,
        differing => write!(
            out,
            "{differing} of {runs} runs DIFFER from the oracle (seed {seed} repeats them)"
        )?,
    }
    match &outcome.against {
        Some(against) if !against.differing.is_empty() => {
            let rows = against.differing.len();
            writeln!(out, "; {rows} rows DIFFER from the file")
        }
        _ => writeln!(out),
    }
}

/// `session`, or `gap:` and the gap in the largest unit that says it exactly.
pub fn rule_name(rule: JourneyRule) -> String {
    let JourneyRule::GapMs(gap_ms) = rule else {
        return "session".to_owned();
    };
    let units = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1_000, "s"),
    ];
    let exact = units.iter().find(|(unit, _)| gap_ms % unit == 0);
    let &(unit, suffix) = exact.unwrap_or(&(1, "ms"));
    format!("gap:{}{suffix}", gap_ms / unit)
}
