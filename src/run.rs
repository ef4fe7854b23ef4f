//! A run: a source, a cluster of workers, and what they leave.
//!
//! In: a [`Job`]'s worth of settings and a [`Source`]. Out: the [`Results`], on the process that has worker 0. What
//! must hold: a process whose peer dies ends too (see `panics`), so what comes back is whole.

use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, anyhow};
use timely::{CommunicationConfig, Config, WorkerConfig};

use crate::ingest::intake::{EpochPolicy, Feed, Intake};
use crate::ingest::source::Source;
use crate::results::Results;
use crate::worker::{self, Job, OnBlock, OnFrame, OnRejected};
use dataflows::settings::Settings;

/// The workers and processes of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Worker threads of each process.
    pub threads: usize,
    /// Addresses of all processes; empty for a single one.
    pub hosts: Vec<String>,
    /// Which of them this is.
    pub process: usize,
}

impl Cluster {
    pub fn single(threads: usize) -> Cluster {
        Cluster {
            threads,
            hosts: Vec::new(),
            process: 0,
        }
    }

    pub fn processes(&self) -> usize {
        self.hosts.len().max(1)
    }

    fn config(&self) -> Config {
        let communication = match (self.hosts.len(), self.threads) {
            (0 | 1, 1) => CommunicationConfig::Thread,
            (0 | 1, threads) => CommunicationConfig::Process(threads),
            _ => CommunicationConfig::Cluster {
                threads: self.threads,
                process: self.process,
                addresses: self.hosts.clone(),
                report: false,
                zerocopy: false,
            },
        };
        Config {
            communication,
            worker: WorkerConfig::default(),
        }
    }
}

/// What a run needs besides its source.
#[derive(Clone)]
pub struct Options {
    pub settings: Settings,
    /// Makes pseudonyms of user ids.
    pub key: [u8; 32],
    pub cluster: Cluster,
    pub epochs: EpochPolicy,
    /// A longer record is invalid.
    pub record_bytes_max: usize,
    pub on_frame: Option<OnFrame>,
    pub on_block: Option<OnBlock>,
    pub on_rejected: Option<OnRejected>,
    /// Names that the records use but no decoder will see, for events decoded before.
    pub names: Arc<Vec<(dataflows::event::Name, String)>>,
}

impl Options {
    /// One process, no hooks; epochs end after `epoch_records` or where the source says.
    pub fn flat_out(
        settings: Settings,
        key: [u8; 32],
        threads: usize,
        epoch_records: u64,
    ) -> Options {
        Options {
            settings,
            key,
            cluster: Cluster::single(threads),
            epochs: EpochPolicy {
                records: epoch_records,
                interval: None,
                in_flight: 20,
            },
            record_bytes_max: usize::MAX,
            on_frame: None,
            on_block: None,
            on_rejected: None,
            names: Arc::default(),
        }
    }
}

/// Runs `source` to its end; `None` on a process that does not have worker 0.
///
/// # Errors
/// When a source cannot be read or the cluster cannot be formed.
pub fn run(source: Box<dyn Source>, options: &Options) -> Result<Option<Results>> {
    let (intake, feed) = Intake::new(
        source.partitions(),
        options.epochs,
        options.settings.watermark_support,
    );
    let intake = Arc::new(intake);
    let results = Arc::new(Mutex::new(None));
    let job = Job {
        settings: options.settings,
        key: options.key,
        intake: intake.clone(),
        processes: options.cluster.processes(),
        names: options.names.clone(),
        record_bytes_max: options.record_bytes_max,
        on_frame: options.on_frame.clone(),
        on_block: options.on_block.clone(),
        on_rejected: options.on_rejected.clone(),
        results: results.clone(),
    };
    let reader = std::thread::Builder::new()
        .name("reader".to_owned())
        .spawn(move || read(source, &intake, feed))
        .context("starting the reader thread")?;
    let guards = timely::execute(options.cluster.config(), move |worker| {
        worker::run(worker, &job)
    })
    .map_err(|error| anyhow!("forming the cluster: {error}"))?;
    for guard in guards.join() {
        guard.map_err(|error| anyhow!("a worker ended early: {error}"))?;
    }
    reader
        .join()
        .map_err(|_| anyhow!("the reader thread ended early"))??;
    let results = results.lock().expect("no worker panicked").take();
    Ok(results)
}

fn read(mut source: Box<dyn Source>, intake: &Intake, feed: Feed) -> Result<()> {
    while let Some(block) = source.next(feed.buffer())? {
        if !feed.send(intake, block) {
            break;
        }
    }
    Ok(())
}
