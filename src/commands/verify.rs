//! `tributary verify`: the dataflow against the oracle, in many orders of arrival.

use std::collections::HashMap;
use std::io;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
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
use crate::verify::{Dataflow, Input, Options, Processes, verify_to};

/// Tells a process that this one started which it is, and where the runs meet.
const PEER: &str = "TRIBUTARY_VERIFY_PEER";
/// Runs that are stopped in the middle, besides those that go to the end.
const STOPS: usize = 2;
/// Sets of addresses for the runs of several processes: each run meets at a fresh one.
const MEETINGS: usize = 64;

/// Runs every shuffle and prints a line for each; a difference is exit code 1.
pub fn run(args: &cli::Verify, config: &Config) -> Result<Exit> {
    let input = load(args, config)?;
    let options = options(args, config)?;
    if let Ok(peer) = std::env::var(PEER) {
        let dataflow = Dataflow::across(&input.names, parse_peer(&peer)?);
        verify_to(&input, &options, &dataflow, &mut io::sink())?;
        return Ok(Exit::Ok);
    }
    let (dataflow, mut peers) = match args.processes.get() {
        1 => (Dataflow::new(&input.names), Peers::default()),
        processes => {
            let hosts_by_run = meetings(processes)?;
            let mut peers = Peers::default();
            for process in 1..processes {
                peers.0.push(start_peer(process, &hosts_by_run)?);
            }
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
    peers.join()?;
    Ok(if outcome.passed() {
        Exit::Ok
    } else {
        Exit::Difference
    })
}

/// The other processes. They end with this one, also where it ends early: alone they would wait for it.
#[derive(Default)]
struct Peers(Vec<Child>);

impl Peers {
    fn join(&mut self) -> Result<()> {
        for mut peer in self.0.drain(..) {
            let status = peer.wait().context("waiting for a peer process")?;
            ensure!(status.success(), "a peer process ended with {status}");
        }
        Ok(())
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        for peer in &mut self.0 {
            // One that has ended already needs no more.
            let _ = peer.kill();
            let _ = peer.wait();
        }
    }
}

fn options(args: &cli::Verify, config: &Config) -> Result<Options> {
    let read = |path: &std::path::PathBuf| {
        std::fs::read_to_string(path).map_err(|error| Failure::open(path, &error))
    };
    Ok(Options {
        settings: config.settings(),
        shuffles: args.shuffle as usize,
        stops: STOPS,
        workers: args.workers.iter().map(|workers| workers.get()).collect(),
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

fn start_peer(process: usize, hosts_by_run: &[Vec<String>]) -> Result<Child> {
    let sets: Vec<String> = hosts_by_run.iter().map(|hosts| hosts.join(",")).collect();
    let program =
        std::env::current_exe().context("finding this program to start a peer process")?;
    Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(PEER, format!("{process};{}", sets.join(";")))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .context("starting a peer process")
}

fn parse_peer(text: &str) -> Result<Processes> {
    let mut parts = text.split(';');
    let process = parts.next().and_then(|process| process.parse().ok());
    let hosts_by_run = parts
        .map(|hosts| hosts.split(',').map(str::to_owned).collect())
        .collect();
    Ok(Processes {
        process: process.with_context(|| format!("{PEER} is not for people"))?,
        hosts_by_run,
    })
}
