//! A run: a source, a cluster of workers, doors while it lasts, and what it leaves.
//!
//! In: a [`Job`]'s worth of settings and a [`Source`]. Out: [`Doors`] to those who serve, and at the end the
//! [`Results`], on the process that has worker 0. What must hold: a process whose peer dies ends too (see `panics`),
//! so what comes back is whole.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};
use timely::communication::WorkerGuards;

use crate::cluster::Cluster;
use crate::frames::Frames;
use crate::ingest::admit::Decoded;
use crate::ingest::block::Block;
use crate::ingest::http::{self, Door};
use crate::ingest::intake::{Entered, EpochPolicy, Feed, Intake};
use crate::ingest::source::Source;
use crate::meter::Meter;
use crate::questions::Questions;
use crate::results::Results;
use crate::worker::{self, Job, OnBlock, OnFrame, OnRejected};
use dataflows::event::UserId;
use dataflows::settings::Settings;
use xxhash_rust::xxh3::xxh3_64;

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
    /// Runs until it is stopped: takes posted records, lets time go on without any, tells its load.
    pub is_live: bool,
    /// What the source reads, in words that are the same on all processes.
    pub inputs: String,
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
            is_live: false,
            inputs: String::new(),
            names: Arc::default(),
        }
    }

    /// A number for what must be the same on all processes: the program, and what it was started with. Of the key goes in what it
    /// makes of nobody.
    fn alike(&self, settings: Settings) -> u64 {
        let program = (env!("CARGO_PKG_VERSION"), env!("TRIBUTARY_COMMIT"));
        let nobody = UserId::new(&self.key, b"");
        let (most, inputs) = (self.record_bytes_max, &self.inputs);
        xxh3_64(format!("{program:?} {settings:?} {nobody:?} {most} {inputs}").as_bytes())
    }
}

/// The ways into a running process and out of it; clones share them.
#[derive(Clone)]
pub struct Doors {
    pub frames: Arc<Mutex<Frames>>,
    pub questions: Questions,
    pub door: Door,
    pub meter: Arc<Meter>,
}

impl Doors {
    /// Tells those who wait that a block has entered.
    pub(crate) fn tell_entered(
        &self,
        block: &Block,
        entered: &Entered,
        decoded: &Decoded,
        late: u64,
    ) {
        let newest = decoded.top.newest();
        self.meter
            .enter(entered.epoch, block.accepted, decoded.records, newest);
        if block.receipt.is_some() {
            self.door.enter(block.receipt, entered.epoch, decoded, late);
        }
    }
}

/// A process at work.
pub struct Running {
    pub doors: Doors,
    /// Before the workers: who drops it does not wait for ever.
    stop_at_drop: StopAtDrop,
    reader: JoinHandle<Result<()>>,
    workers: WorkerGuards<()>,
    results: Arc<Mutex<Option<Results>>>,
}

/// Stops a process at work, from any thread.
#[derive(Clone)]
pub struct Stop {
    door: Door,
    intake: Arc<Intake>,
}

impl Stop {
    /// Nothing more is taken in; what has been is finished.
    pub fn stop(&self) {
        self.intake.stop();
        self.door.close();
    }
}

struct StopAtDrop(Stop);

impl Drop for StopAtDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl Running {
    pub fn stopper(&self) -> Stop {
        self.stop_at_drop.0.clone()
    }

    /// Waits for the end; the results on the process that has worker 0.
    ///
    /// # Errors
    /// When the source could not be read.
    pub fn join(self) -> Result<Option<Results>> {
        let Running {
            stop_at_drop: _stops_after,
            workers,
            reader,
            results,
            ..
        } = self;
        for guard in workers.join() {
            guard.map_err(|error| anyhow!("a worker ended early: {error}"))?;
        }
        reader
            .join()
            .map_err(|_| anyhow!("the reader thread ended early"))??;
        let results = results.lock().expect("no worker panicked").take();
        Ok(results)
    }
}

/// Runs `source` to its end; `None` on a process that does not have worker 0.
///
/// # Errors
/// When a source cannot be read or the cluster cannot be formed.
pub fn run(source: Box<dyn Source>, options: &Options) -> Result<Option<Results>> {
    start(source, options)?.join()
}

/// Sets a process to work.
///
/// # Errors
/// When the cluster cannot be formed.
pub fn start(source: Box<dyn Source>, options: &Options) -> Result<Running> {
    let cluster = &options.cluster;
    let mut partitions = source.partitions();
    if options.is_live {
        partitions.push(http::partition(cluster.process));
    }
    let (intake, feed, posts) = Intake::new(
        partitions,
        options.epochs,
        options.settings.watermark_support,
        cluster.processes(),
    );
    let intake = Arc::new(intake);
    let asker = cluster.process * cluster.threads;
    let frames = match options.is_live {
        true => Frames::default(),
        false => Frames::without_history(),
    };
    let doors = Doors {
        frames: Arc::new(Mutex::new(frames)),
        questions: Questions::new(intake.clone()),
        door: Door::new(posts, intake.clone(), cluster.process, asker),
        meter: Arc::default(),
    };
    if options.is_live {
        beat(doors.clone(), intake.clone())?;
    } else {
        doors.door.close();
    }
    let results = Arc::new(Mutex::new(None));
    let job = job(options, intake.clone(), doors.clone(), results.clone());
    let reader = {
        let (intake, meter) = (intake.clone(), doors.meter.clone());
        spawn("reader", move || read(source, &intake, feed, &meter))?
    };
    let alike = options.alike(job.settings);
    let workers = cluster.execute(alike, move |worker| worker::run(worker, &job))?;
    let stop = Stop {
        door: doors.door.clone(),
        intake: intake.clone(),
    };
    Ok(Running {
        doors,
        stop_at_drop: StopAtDrop(stop),
        reader,
        workers,
        results,
    })
}

fn job(
    options: &Options,
    intake: Arc<Intake>,
    doors: Doors,
    results: Arc<Mutex<Option<Results>>>,
) -> Job {
    let processes = options.cluster.processes();
    let settings = Settings {
        processes,
        ..options.settings
    };
    Job {
        settings,
        key: options.key,
        intake,
        processes,
        names: options.names.clone(),
        record_bytes_max: options.record_bytes_max,
        on_frame: options.on_frame.clone(),
        on_block: options.on_block.clone(),
        on_rejected: options.on_rejected.clone(),
        doors,
        is_live: options.is_live,
        results,
    }
}

fn spawn<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .with_context(|| format!("starting the {name} thread"))
}

fn read(mut source: Box<dyn Source>, intake: &Intake, feed: Feed, meter: &Meter) -> Result<()> {
    while let Some(block) = source.next(feed.buffer())? {
        if !feed.send(intake, block) {
            break;
        }
        meter.tell_caught_up(source.is_caught_up());
    }
    meter.tell_caught_up(true);
    Ok(())
}

/// Lets the time of the posted partition go on while nobody posts, until the run is stopped.
fn beat(doors: Doors, intake: Arc<Intake>) -> Result<()> {
    spawn("heartbeat", move || {
        while !intake.is_stopping() {
            let frames = doors.frames.lock().expect("nobody panics with it");
            let latest = frames.clock.map(|clock| clock.latest_ms);
            drop(frames);
            if let Some(latest) = latest {
                doors.door.beat(latest);
            }
            std::thread::sleep(http::HEARTBEAT);
        }
    })?;
    Ok(())
}
