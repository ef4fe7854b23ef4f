//! `tributary simulate`: a scenario's events as JSON lines, and the truth behind them.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::outputs;
use crate::cli;
use crate::config::{self, Config};
use crate::exit::{Exit, Failure};
use crate::ingest::simulator::{Options, Scenario, Simulator};

/// Lines made at a time: many when flat out, few when paced.
const LINES: usize = 4096;
const PACED_LINES: usize = 64;

/// Writes the events to `args.out`, line by line in turn, or to standard output.
pub fn run(args: &cli::Simulate, config: &Config) -> Result<Exit> {
    outputs::check(&[], args.out.iter().chain(&args.truth))?;
    let mut simulator = simulator(&config.simulator)?;
    if let Some(path) = &args.truth {
        let truth = serde_json::to_vec_pretty(&simulator.truth())?;
        outputs::write(path, |file| file.write_all(&truth))?;
    }
    let mut outputs = Outputs::open(args)?;
    let mut pace = config
        .simulator
        .speed
        .number()
        .map(|speed| (speed, Instant::now(), None));
    let lines = if pace.is_some() { PACED_LINES } else { LINES };
    let mut buffer = Vec::new();
    while simulator.fill(&mut buffer, lines) > 0 {
        if let Some((speed, began, first)) = &mut pace {
            let after_ms = simulator.arrival_ms() - *first.get_or_insert(simulator.arrival_ms());
            let due = *began + Duration::from_secs_f64(after_ms as f64 / *speed / 1000.0);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        outputs.write(&buffer)?;
        if pace.is_some() {
            outputs.flush()?;
        }
        buffer.clear();
    }
    outputs.flush()?;
    Ok(Exit::Ok)
}

/// The simulator that the settings describe.
///
/// # Errors
/// When they, or the scenario, ask for what cannot be; when the scenario's file cannot be read.
pub fn simulator(settings: &config::Simulator) -> Result<Simulator> {
    let options = Options {
        events: Some(settings.events),
        seed: settings.seed,
        rate: settings.events_per_second.number(),
        out_of_order_share: settings.out_of_order_share.number(),
        duplicate_share: settings.duplicate_share.number(),
        late_share: settings.late_share.number(),
        ..Options::default()
    };
    of_scenario(&settings.scenario, &options)
}

/// The simulator of a scenario, by its name or its file.
///
/// # Errors
/// When it or the options ask for what cannot be; when the file cannot be read.
pub(super) fn of_scenario(scenario: &str, options: &Options) -> Result<Simulator> {
    let simulator = Scenario::load(scenario).and_then(|scenario| Simulator::new(scenario, options));
    simulator.map_err(|error| {
        let exit = match Exit::of(&error) {
            Exit::Io => Exit::InputMissing,
            _ => Exit::Usage,
        };
        Failure::new(exit, format!("{error:#}")).into()
    })
}

const STANDARD: &str = "writing to standard output";

/// Where lines go.
enum Outputs<'a> {
    Standard(io::StdoutLock<'a>),
    Files {
        files: Vec<(&'a Path, BufWriter<File>)>,
        next: usize,
    },
}

impl<'a> Outputs<'a> {
    fn open(args: &'a cli::Simulate) -> Result<Outputs<'a>> {
        if args.out.is_empty() {
            return Ok(Outputs::Standard(io::stdout().lock()));
        }
        let create = |path: &'a std::path::PathBuf| {
            let file = File::create(path).map_err(|error| Failure::create(path, &error))?;
            Ok((path.as_path(), BufWriter::with_capacity(1 << 18, file)))
        };
        Ok(Outputs::Files {
            files: args.out.iter().map(create).collect::<Result<_>>()?,
            next: 0,
        })
    }

    fn write(&mut self, lines: &[u8]) -> Result<()> {
        match self {
            Outputs::Standard(out) => out.write_all(lines).context(STANDARD)?,
            Outputs::Files { files, next } => {
                for line in lines.split_inclusive(|&byte| byte == b'\n') {
                    let (path, file) = &mut files[*next];
                    file.write_all(line)
                        .map_err(|error| Failure::write(path, &error))?;
                    *next = (*next + 1) % files.len();
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        match self {
            Outputs::Standard(out) => out.flush().context(STANDARD)?,
            Outputs::Files { files, .. } => {
                for (path, file) in files {
                    file.flush().map_err(|error| Failure::write(path, &error))?;
                }
            }
        }
        Ok(())
    }
}
