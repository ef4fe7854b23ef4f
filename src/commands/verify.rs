//! `tributary verify`: the dataflow against the oracle, in many orders of arrival.

use std::collections::HashMap;
use std::io;
use std::net::TcpListener;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, anyhow, ensure};
use dataflows::event::Name;
use indicatif::ProgressBar;

use super::replay::source_options;
use crate::cli;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::ingest::admit::{Admitter, Decoded};
use crate::ingest::replay::Replay;
use crate::ingest::source::Source;
use crate::ingest::watermark::Top;
use crate::logging;
use crate::verify::{Dataflow, Input, Options, Processes, verify_to};

/// Tells a process that this one started by whom, which it is, and where the runs meet.
const PEER: &str = "TRIBUTARY_VERIFY_PEER";
/// Runs that are stopped in the middle, besides those that go to the end.
const STOPS: usize = 2;
/// Sets of addresses for the runs of several processes: each run meets at a fresh one.
const MEETINGS: usize = 64;

/// Runs every shuffle and prints a line for each; a difference is exit code 1.
pub fn run(args: &cli::Verify, config: &Config) -> Result<Exit> {
    let peer = std::env::var(PEER).ok();
    let peer = peer.as_deref().map(parse_peer).transpose()?;
    if let Some((parent, _)) = peer {
        end_with(parent)?;
    }
    check_files(args)?;
    let input = load(args, config)?;
    let options = options(args, config)?;
    if let Some((_, processes)) = peer {
        let dataflow = Dataflow::across(&input.names, processes);
        verify_to(&input, &options, &dataflow, &mut io::sink())?;
        return Ok(Exit::Ok);
    }
    let (dataflow, peers) = match usize::from(args.processes) {
        1 => (Dataflow::new(&input.names), Vec::new()),
        processes => {
            let hosts_by_run = meetings(processes)?;
            let peers = (1..processes)
                .map(|process| Ok(watch(start_peer(process, &hosts_by_run)?)))
                .collect::<Result<_>>()?;
            (
                Dataflow::across(
                    &input.names,
                    Processes {
                        process: 0,
                        hosts_by_run,
                    },
                ),
                peers,
            )
        }
    };
    let outcome = verify_to(&input, &options, &dataflow, &mut io::stdout())?;
    for peer in peers {
        peer.join()
            .map_err(|_| anyhow!("nobody watches a peer process"))?;
    }
    Ok(if outcome.passed() {
        Exit::Ok
    } else {
        Exit::Difference
    })
}

/// Several processes read the input each, so it must be files.
fn check_files(args: &cli::Verify) -> Result<()> {
    let is_file = |path: &PathBuf| std::fs::metadata(path).is_ok_and(|found| found.is_file());
    let pipe = |path: &&PathBuf| **path == Path::new("-") || path.exists() && !is_file(path);
    match args.input.files.iter().find(pipe) {
        Some(path) if args.processes > 1 => {
            let path = path.display();
            let message =
                format!("{path} can be read once, and each process reads all: name files");
            Err(Failure::new(Exit::Usage, message).into())
        }
        _ => Ok(()),
    }
}

/// Ends a peer when the process that started it ends, however that comes: alone it would wait for ever.
fn end_with(parent: u32) -> Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .context("asking for the end of the parent process")?;
    // It may have ended before that.
    ensure!(
        parent_id() == parent,
        "the process that started this one has ended"
    );
    Ok(())
}

/// Ends this process when a peer fails: before they have met it would wait for ever.
fn watch(mut peer: Child) -> JoinHandle<()> {
    thread::spawn(move || {
        let told = match peer.wait() {
            Ok(status) if status.success() => return,
            Ok(status) => format!("a peer process ended with {status}"),
            Err(error) => format!("waiting for a peer process: {error}"),
        };
        logging::fatal(&told);
        process::exit(Exit::Internal as i32);
    })
}

fn options(args: &cli::Verify, config: &Config) -> Result<Options> {
    let read =
        |path: &PathBuf| std::fs::read_to_string(path).map_err(|error| Failure::open(path, &error));
    Ok(Options {
        settings: config.settings(),
        shuffles: args.shuffle as usize,
        stops: STOPS,
        workers: args.workers.iter().copied().map(usize::from).collect(),
        batches: args
            .batch
            .iter()
            .map(|batch| batch.get() as usize)
            .collect(),
        seed: args.seed,
        against: args.against.as_ref().map(read).transpose()?,
    })
}

/// Decodes all files, one log each.
fn load(args: &cli::Verify, config: &Config) -> Result<Input> {
    let mut source = Replay::open(&source_options(&args.input, config, ProgressBar::hidden())?)?;
    let (support, record_bytes_max) = (
        config.lateness.watermark_support,
        config.ingest.record_bytes_max,
    );
    let mut admitter = Admitter::new(
        *config.privacy.key_or_development(),
        support,
        record_bytes_max,
    );
    let mut partitions = vec![Vec::new(); args.input.files.len()];
    let mut names: HashMap<Name, String> = HashMap::new();
    while let Some(block) = source.next(Vec::new())? {
        let mut decoded = Decoded::default();
        admitter.decode(&block, &mut decoded);
        let log: &mut Vec<_> = &mut partitions[block.partition as usize];
        admitter.judge(
            &mut decoded,
            block.partition,
            &Top::default(),
            log.len() as u64,
            None,
        );
        names.extend(decoded.names.drain(..));
        log.extend(decoded.into_log());
    }
    for tear in source.torn().lock().expect("nobody panics with it").iter() {
        tracing::warn!("{tear}");
    }
    Ok(Input { partitions, names })
}

/// Addresses on this machine that were free a moment ago, one set for each run.
fn meetings(processes: usize) -> Result<Vec<Vec<String>>> {
    let mut held = Vec::new();
    for _ in 0..MEETINGS * processes {
        held.push(TcpListener::bind("127.0.0.1:0").context("looking for free ports on loopback")?);
    }
    let addresses: Vec<String> = held
        .iter()
        .map(|listener| Ok(listener.local_addr()?.to_string()))
        .collect::<Result<_>>()?;
    Ok(addresses
        .chunks(processes)
        .map(<[String]>::to_vec)
        .collect())
}

fn start_peer(number: usize, hosts_by_run: &[Vec<String>]) -> Result<Child> {
    let sets: Vec<String> = hosts_by_run.iter().map(|hosts| hosts.join(",")).collect();
    let program =
        std::env::current_exe().context("finding this program to start a peer process")?;
    Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(
            PEER,
            format!("{};{number};{}", process::id(), sets.join(";")),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .context("starting a peer process")
}

fn parse_peer(text: &str) -> Result<(u32, Processes)> {
    let not_ours = || format!("{PEER} is not for people");
    let mut parts = text.split(';');
    let parent = parts.next().and_then(|parent| parent.parse().ok());
    let process = parts.next().and_then(|process| process.parse().ok());
    let hosts_by_run = parts
        .map(|hosts| hosts.split(',').map(str::to_owned).collect())
        .collect();
    let processes = Processes {
        process: process.with_context(not_ours)?,
        hosts_by_run,
    };
    Ok((parent.with_context(not_ours)?, processes))
}
