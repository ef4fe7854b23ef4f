//! `tributary replay`: files in, results out.

mod ledger;
mod summary;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::outputs;
use crate::cli;
use crate::cluster::Cluster;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::ingest::csv::Columns;
use crate::ingest::intake::EpochPolicy;
use crate::ingest::replay::{Format, Options, Replay};
use crate::report::Report;
use crate::run;
use ledger::Ledger;

/// Replays `args.input` and writes what was asked for; a summary goes to standard output.
pub fn run(args: &cli::Replay, config: &Config) -> Result<Exit> {
    let options = source_options(&args.input, config, progress())?;
    let letters = dead_letters(args, config);
    let outputs = [&args.export, &args.transitions].into_iter().flatten();
    outputs::check(&args.input.files, outputs.chain(&letters))?;
    let dead_letter = letters.get(config.workers.process).map(PathBuf::as_path);
    let replay = Replay::open(&options)?;
    let torn = replay.torn();
    let ledger = Arc::new(Ledger::new(&args.input.files, dead_letter)?);
    let results = run::run(Box::new(replay), &run_options(args, config, &ledger))?;
    ledger.finish()?;
    options.progress.finish_and_clear();
    torn.lock()
        .expect("nobody panics with it")
        .iter()
        .for_each(|tear| tracing::warn!("{tear}"));
    let Some(results) = results else {
        return Ok(Exit::Ok);
    };
    let report = results.report();
    write_outputs(args, &report)?;
    let summary = summary::text(&report, &ledger, args);
    let written = io::stdout().write_all(summary.as_bytes());
    written.context("writing to standard output")?;
    Ok(Exit::Ok)
}

/// Where each process keeps its dead letters: behind the name of a file comes the number of the process.
fn dead_letters(args: &cli::Replay, config: &Config) -> Vec<PathBuf> {
    let Some(path) = &args.dead_letter else {
        return Vec::new();
    };
    let processes = config.workers.processes;
    let is_pipe = std::fs::metadata(path).is_ok_and(|found| !found.is_file());
    let own = |process| match processes {
        1 => path.clone(),
        _ if is_pipe => path.clone(),
        _ => {
            let mut name = path.clone().into_os_string();
            name.push(format!(".{process}"));
            name.into()
        }
    };
    (0..processes).map(own).collect()
}

/// The files and how they are read.
pub fn source_options(
    input: &cli::Input,
    config: &Config,
    progress: ProgressBar,
) -> Result<Options> {
    let columns = &config.replay.columns;
    let is_stdin = |path: &&PathBuf| **path == Path::new("-");
    if input.files.iter().filter(is_stdin).count() > 1 {
        let message = "`-` is given twice, but standard input can be read once";
        return Err(Failure::new(Exit::Usage, message).into());
    }
    Ok(Options {
        files: input.files.clone(),
        format: match input.format {
            cli::InputFormat::Auto => Format::Auto,
            cli::InputFormat::Json => Format::Json,
            cli::InputFormat::Csv => Format::Csv,
        },
        columns: match columns.is_empty() {
            true => None,
            false => Some(parse_columns(&columns.to_string())?),
        },
        block_bytes: block_bytes(config),
        record_bytes_max: config.ingest.record_bytes_max,
        speed: config.replay.speed.number(),
        processes: config.workers.processes,
        process: config.workers.process,
        progress,
    })
}

fn parse_columns(text: &str) -> Result<Columns> {
    let columns = text.parse::<Columns>();
    Ok(columns.map_err(|error| Failure::new(Exit::Usage, format!("columns: {error}")))?)
}

/// Blocks small enough that an epoch of few records can end on time.
fn block_bytes(config: &Config) -> usize {
    const RECORD_BYTES: usize = 128;
    config
        .ingest
        .block_bytes
        .min(config.epochs.events.saturating_mul(RECORD_BYTES).max(4096))
}

fn run_options(args: &cli::Replay, config: &Config, ledger: &Arc<Ledger>) -> run::Options {
    let workers = &config.workers;
    let hosts = if workers.processes > 1 {
        workers.addresses()
    } else {
        Vec::new()
    };
    let is_paced = config.replay.speed.number().is_some();
    let epochs = config.epochs.policy();
    let (of_block, of_rejected) = (ledger.clone(), ledger.clone());
    run::Options {
        cluster: Cluster {
            threads: workers.threads,
            hosts,
            process: workers.process,
        },
        epochs: EpochPolicy {
            interval: epochs.interval.filter(|_| is_paced),
            ..epochs
        },
        record_bytes_max: config.ingest.record_bytes_max,
        inputs: format!("{:?} {}", args.input, config.replay.columns),
        on_block: Some(Arc::new(move |partition, records, late, unknown| {
            of_block.count(partition, records, late, unknown);
        })),
        on_rejected: Some(Arc::new(move |partition, before, rejected| {
            of_rejected.reject(partition, before, rejected);
        })),
        ..run::Options::flat_out(
            config.settings(),
            *config.privacy.key_or_development(),
            workers.threads,
            0,
        )
    }
}

/// A bar on a terminal, else nothing.
fn progress() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let style = "{bar:30} {percent:>3} % of {total_bytes}, {bytes_per_sec}, {eta} left";
    bar.set_style(ProgressStyle::with_template(style).expect("a fixed template"));
    bar
}

fn write_outputs(args: &cli::Replay, report: &Report) -> Result<()> {
    if let Some(path) = &args.export {
        let json = serde_json::to_vec_pretty(&report.export_json(args.dimension, args.window))?;
        outputs::write(path, |file| file.write_all(&json))?;
    }
    if let Some(path) = &args.transitions {
        outputs::write(path, |file| {
            report.transitions_csv(file).map_err(io::Error::other)
        })?;
    }
    Ok(())
}
