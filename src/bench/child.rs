//! Measurements in a process of their own, so that nothing measured before is in its memory.
//!
//! `bench --only child,MODE,..` is how this program starts itself; what it prints is for itself. A file's name comes last: it
//! may have commas in it.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::measure::{self, Usage, measured};
use super::workload::Mix;
use super::{Bench, memory, plain_loop, throughput};
use crate::exit::Exit;

/// The first name of `--only` that asks for a measurement of this kind.
pub const CHILD: &str = "child";

fn myself(arguments: &[&str]) -> Result<Command> {
    let program = std::env::current_exe().context("finding this program")?;
    let mut command = Command::new(program);
    command.args(arguments);
    Ok(command)
}

/// What a whole process takes that replays a file of lines to its end.
pub(super) fn replayed(bench: &Bench, file: &Path) -> Result<Usage> {
    let out = bench.folder.join("transitions.csv");
    let (file, out) = (path_text(file)?, path_text(&out)?);
    measure::child(&mut myself(&["replay", file, "--transitions", out])?)
}

fn path_text(path: &Path) -> Result<&str> {
    path.to_str()
        .with_context(|| format!("{} is not UTF-8", path.display()))
}

/// Resident MiB that a process adds while it takes in so many events and forgets none, and its peak.
pub(super) fn held(mix: Mix, lateness: &str) -> Result<(f64, f64)> {
    let Mix {
        events, span_ms, ..
    } = mix;
    let arguments = format!("{CHILD},held,{events},{span_ms},{lateness}");
    two_numbers(&arguments)
}

/// What the plain loop takes over a file of so many lines.
pub(super) fn plain_loop(file: &Path, events: u64) -> Result<Usage> {
    usage(&format!("{CHILD},plain,{events},{}", path_text(file)?))
}

/// What it takes to parse the lines alone.
pub(super) fn parse(file: &Path) -> Result<Usage> {
    usage(&format!("{CHILD},parse,{}", path_text(file)?))
}

/// What the dataflow takes over so many decoded events.
pub(super) fn dataflow(events: u64, epoch: u64, workers: usize) -> Result<Usage> {
    usage(&format!("{CHILD},dataflow,{events},{epoch},{workers}"))
}

/// Runs a child that says what its work took.
fn usage(arguments: &str) -> Result<Usage> {
    let (wall, cpu) = two_numbers(arguments)?;
    Ok(Usage {
        cpu,
        wall,
        peak_mib: None,
    })
}

/// Runs a child that prints two numbers.
fn two_numbers(arguments: &str) -> Result<(f64, f64)> {
    let output = myself(&["bench", "--only", arguments])?
        .output()
        .context("starting a child process")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "a child process ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let mut numbers = text.split_whitespace().map(str::parse::<f64>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(first)), Some(Ok(second))) => Ok((first, second)),
        _ => bail!("a child process said {text:?}"),
    }
}

fn say(usage: Usage) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{} {}", usage.wall, usage.cpu)?)
}

/// What the child does.
///
/// # Errors
/// When the arguments are none of this program's making, and as a run does.
pub fn run(arguments: &[String]) -> Result<Exit> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [_, "held", events, span_ms, lateness] => {
            let mix = Mix::of(events.parse()?).over_ms(span_ms.parse()?);
            memory::hold(mix, lateness == "unbounded")?;
        }
        [_, "plain", events, ref file @ ..] => {
            let (file, events) = (file.join(","), events.parse()?);
            say(measured(|| plain_loop::count(Path::new(&file), events))?.1)?;
        }
        [_, "parse", ref file @ ..] => {
            let file = file.join(",");
            say(measured(|| plain_loop::parse(Path::new(&file)))?.1)?;
        }
        [_, "dataflow", events, epoch, workers] => {
            let mix = Mix::of(events.parse()?);
            let log = throughput::log(mix);
            say(throughput::dataflow(mix, &log, epoch.parse()?, workers.parse()?)?.1)?;
        }
        _ => bail!("no such measurement: {arguments:?}"),
    }
    Ok(Exit::Ok)
}
