//! `tributary run`: takes in events and serves the results until it is told to stop.
//!
//! What must hold: a first signal ends it in order within [`STOP_TIME`], with the last frame sent; a second at once.
//! An engine that closes no epoch for [`STUCK_TIME`] is ended with its own exit code, for a supervisor to start anew.

use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::MissedTickBehavior;

use super::simulate::of_scenario;
use crate::cluster::Cluster;
use crate::config::{Config, DEVELOPMENT_KEY, RunSource};
use crate::exit::{Exit, Failure};
use crate::ingest::simulator::{Live, Options as Simulated};
use crate::ingest::source::{Nothing, Source};
use crate::meter::{Meter, wall_ms};
use crate::run::{self, Options, Running};
use crate::serve::{self, Facts, Limits, Server};

/// From the first signal to the end.
const STOP_TIME: Duration = Duration::from_secs(5);
/// Kept of it for clients to hear the end.
const FAREWELL_TIME: Duration = Duration::from_millis(1_500);
/// No epoch has closed for so long: the engine does not recover from that by itself.
const STUCK_TIME: Duration = Duration::from_secs(10);
/// How often the engine is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Threads, files and links of the process besides its connections.
const OTHER_FILES: u64 = 256;

/// Runs until a signal.
///
/// # Errors
/// When settings do not allow it, the address is taken, or the cluster cannot be formed.
pub fn run(config: &Config) -> Result<Exit> {
    let key = key(config)?;
    allow_files(config.serve.connections_max as u64);
    // Before the engine, so that an address that is taken is told at once.
    let listener = serve::bind(config.serve.address)?;
    let generation = wall_ms() as u64;
    let running = run::start(source(config)?, &options(config, key))?;
    let server = serve(config, listener, &running, generation, key)?;
    let url = format!("http://{}/", server.address());
    tracing::info!(url, "serving");
    if config.serve.insecure {
        tracing::warn!("anyone who reaches {url} may ask: serve.insecure is set");
    }
    attend(running, server)
}

/// The key of pseudonyms; the public one is for made-up users only.
fn key(config: &Config) -> Result<[u8; 32]> {
    match config.privacy.user_key.secret() {
        Some(key) => Ok(*key),
        None if config.run.development => {
            tracing::warn!("user ids are hashed with the public development key");
            Ok(DEVELOPMENT_KEY)
        }
        None => bail!(Failure::new(
            Exit::Usage,
            "privacy.user_key is not set, so user ids would not be protected; set TRIBUTARY__PRIVACY__USER_KEY, \
             or for made-up users use --config config/development.toml"
        )),
    }
}

/// A connection is a file; the system's soft limit is often lower than what it allows.
fn allow_files(connections_max: u64) {
    let wanted = connections_max + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return;
    }
    let current = limit.maximum.map_or(wanted, |most| most.min(wanted));
    let raised = Rlimit {
        current: Some(current),
        ..limit
    };
    if setrlimit(Resource::Nofile, raised).is_err() || current < wanted {
        tracing::warn!(
            "the system allows {current} open files, fewer than serve.connections_max; raise `ulimit -n`"
        );
    }
}

fn source(config: &Config) -> Result<Box<dyn Source>> {
    match config.run.source {
        RunSource::None => Ok(Box::new(Nothing)),
        RunSource::Simulator => Ok(Box::new(simulator(config)?)),
    }
}

/// The simulator in real time, some time already behind it. Each process has users of its own.
fn simulator(config: &Config) -> Result<Live> {
    let settings = &config.simulator;
    // A stream without end cannot be flat out.
    let speed = settings.speed.number().unwrap_or(1.0);
    let (now_ms, process) = (wall_ms(), config.workers.process);
    let options = Simulated {
        events: None,
        seed: settings.seed + process as u64,
        rate: settings.events_per_second.number(),
        out_of_order_share: settings.out_of_order_share.number(),
        duplicate_share: settings.duplicate_share.number(),
        late_share: settings.late_share.number(),
        start_ms: Some(now_ms - config.run.past.ms()),
        ..Simulated::default()
    };
    let simulator = of_scenario(&settings.scenario, &options)?;
    Ok(Live::new(simulator, process as u32, now_ms, speed))
}

fn options(config: &Config, key: [u8; 32]) -> Options {
    let workers = &config.workers;
    let hosts = match workers.processes {
        1 => Vec::new(),
        _ => workers.addresses(),
    };
    Options {
        cluster: Cluster {
            threads: workers.threads,
            hosts,
            process: workers.process,
        },
        epochs: config.epochs.policy(),
        record_bytes_max: config.ingest.record_bytes_max,
        is_live: true,
        ..Options::flat_out(config.settings(), key, workers.threads, 0)
    }
}

fn serve(
    config: &Config,
    listener: TcpListener,
    running: &Running,
    generation: u64,
    key: [u8; 32],
) -> Result<Server> {
    let settings = &config.serve;
    let time = |time: crate::config::Duration| Duration::from_millis(time.ms() as u64);
    let limits = Limits {
        connections_max: settings.connections_max,
        head_time: time(settings.head_time),
        request_time: time(settings.request_time),
        body_bytes_max: settings.body_bytes_max,
        stall_time: time(settings.stall_time),
        origins: settings.origins.clone(),
        any_host: settings.insecure,
    };
    let facts = Facts {
        generation,
        source: match config.run.source {
            RunSource::None => "posted events".to_owned(),
            RunSource::Simulator => format!("simulator, {}", config.simulator.scenario),
        },
        settings: config.settings(),
        key,
        is_development_key: key == DEVELOPMENT_KEY,
        process: config.workers.process,
        processes: config.workers.processes,
        threads: config.workers.threads,
        is_insecure: settings.insecure,
    };
    serve::start(listener, limits, running.doors.clone(), facts)
}

/// Why the run ends.
enum End {
    Signal,
    Stuck,
}

/// Waits for the end and sees to it.
fn attend(running: Running, server: Server) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("setting up the wait for signals")?;
    let (mut terminate, mut interrupt) = runtime.block_on(async {
        let terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
        let interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
        anyhow::Ok((terminate, interrupt))
    })?;
    let meter = running.doors.meter.clone();
    let end = runtime.block_on(async {
        tokio::select! {
            () = either(&mut terminate, &mut interrupt) => End::Signal,
            () = stuck(&meter) => End::Stuck,
        }
    });
    if matches!(end, End::Stuck) {
        return Err(give_up(running, server).into());
    }
    tracing::info!(
        "stopping: what has been taken in is finished first; a second signal ends at once"
    );
    std::thread::spawn(move || {
        runtime.block_on(either(&mut terminate, &mut interrupt));
        std::process::exit(Exit::Stuck as i32);
    });
    stop(running, server)
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Ends when no epoch has closed for too long. Before the first, the processes may still be waiting for each other.
async fn stuck(meter: &Meter) {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        if meter.since_closed().is_some_and(|age| age >= STUCK_TIME) {
            return;
        }
    }
}

/// Lets an engine be that closes no epoch: to wait for its workers would be to hang with them.
fn give_up(running: Running, server: Server) -> Failure {
    std::mem::forget(running);
    server.stop(FAREWELL_TIME);
    let seconds = STUCK_TIME.as_secs();
    Failure::new(
        Exit::Stuck,
        format!("no epoch has closed for {seconds} s; restart all processes"),
    )
}

/// Takes nothing more in, finishes what there is, tells clients the last frame and good-bye.
fn stop(running: Running, server: Server) -> Result<Exit> {
    let began = Instant::now();
    server.drain();
    running.stopper().stop();
    let finishing = std::thread::spawn(move || running.join());
    let is_finished = wait(&finishing, STOP_TIME - FAREWELL_TIME);
    let is_heard = server.stop(STOP_TIME.saturating_sub(began.elapsed()).min(FAREWELL_TIME));
    if !is_heard {
        tracing::warn!("some clients did not hear the end");
    }
    if !is_finished {
        bail!(Failure::new(
            Exit::Stuck,
            "what was taken in could not be finished in time; the last frame is not the last result"
        ));
    }
    finishing
        .join()
        .map_err(|_| anyhow::anyhow!("the engine ended early"))??;
    tracing::info!("stopped");
    Ok(Exit::Ok)
}

fn wait<T>(thread: &JoinHandle<T>, limit: Duration) -> bool {
    let began = Instant::now();
    while !thread.is_finished() && began.elapsed() < limit {
        std::thread::sleep(Duration::from_millis(5));
    }
    thread.is_finished()
}
