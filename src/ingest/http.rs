//! Records that are posted: one partition a process, in the order they arrive.
//!
//! In: JSON lines of one request. Out: a block, and later what became of its records. What must hold: posting never
//! waits; while no event comes, the partition's watermark follows the others, so that it holds back nothing; none that
//! comes moves it ahead of the wall clock, so that a sender whose clock is ahead makes nobody else late.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use dataflows::answer::{Answer, Body};
use dataflows::epochs::Epoch;
use dataflows::event::{Receipt, TimeMs};
use tokio::sync::watch;

use super::admit::Decoded;
use super::block::{Block, Payload};
use super::intake::{Intake, NotPosted, Posts};
use crate::meter::wall_ms;

/// Partitions from here on are posted ones, one a process.
const FIRST_PARTITION: u32 = 1 << 24;
/// A partition is idle when no event has come for so long.
const IDLE: Duration = Duration::from_secs(1);
/// How often the watermark of an idle partition moves.
pub(crate) const HEARTBEAT: Duration = Duration::from_millis(50);

/// The partition of records posted to `process`.
pub fn partition(process: usize) -> u32 {
    FIRST_PARTITION + process as u32
}

/// What became of the records of one request, as of its epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Became {
    pub as_of_epoch: Epoch,
    pub read: u64,
    pub accepted: u64,
    pub duplicate: u64,
    pub late: u64,
    pub invalid: u64,
    pub no_consent: u64,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Waiting,
    Entered(Epoch),
    Closed(Became),
}

/// Somebody who posted and may wait to hear.
pub struct Posted(watch::Receiver<Progress>);

impl Posted {
    /// How far the request has come within `limit`.
    pub async fn within(mut self, limit: Duration) -> Progress {
        let closed = self.0.wait_for(|it| matches!(it, Progress::Closed(_)));
        // In time or not, what was last said counts.
        let _ = tokio::time::timeout(limit, closed).await;
        *self.0.borrow()
    }
}

struct Waiting {
    became: Became,
    progress: watch::Sender<Progress>,
}

/// Where records are posted; clones share it.
#[derive(Clone)]
pub struct Door {
    shared: Arc<Shared>,
    intake: Arc<Intake>,
}

struct Shared {
    asker: usize,
    partition: u32,
    next: AtomicU32,
    /// `None` once closed.
    posts: Mutex<Option<Posts>>,
    /// By receipt, all that nobody has settled.
    waiting: Mutex<BTreeMap<u64, Waiting>>,
    last_event: Mutex<Option<Instant>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("a thread that panics ends the process")
}

impl Door {
    /// For one process, whose first worker is `asker`.
    pub(crate) fn new(posts: Posts, intake: Arc<Intake>, process: usize, asker: usize) -> Door {
        let shared = Shared {
            asker,
            partition: partition(process),
            next: AtomicU32::new(0),
            posts: Mutex::new(Some(posts)),
            waiting: Mutex::default(),
            last_event: Mutex::default(),
        };
        Door {
            shared: Arc::new(shared),
            intake,
        }
    }

    /// Takes in the lines of one request.
    ///
    /// # Errors
    /// When too many wait, and when the engine stops.
    pub fn post(&self, lines: Vec<u8>) -> Result<Posted, NotPosted> {
        let shared = &self.shared;
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        let receipt = Receipt::new(shared.asker, number);
        let (progress, posted) = watch::channel(Progress::Waiting);
        let became = Became::default();
        lock(&shared.waiting).insert(receipt.id(), Waiting { became, progress });
        let block = Block {
            receipt,
            arrived: Some(wall_ms()),
            ..Block::new(shared.partition, Payload::Json(lines))
        };
        self.send(block).inspect_err(|_| {
            lock(&shared.waiting).remove(&receipt.id());
        })?;
        Ok(Posted(posted))
    }

    fn send(&self, block: Block) -> Result<(), NotPosted> {
        match lock(&self.shared.posts).as_ref() {
            Some(posts) => posts.post(&self.intake, block),
            None => Err(NotPosted::Stopped),
        }
    }

    /// Nothing can be posted any more.
    pub(crate) fn close(&self) {
        *lock(&self.shared.posts) = None;
    }

    /// Moves the watermark of an idle partition to `latest`, the greatest of any that has closed.
    pub(crate) fn beat(&self, latest: TimeMs) {
        let last_event = *lock(&self.shared.last_event);
        if last_event.is_none_or(|last| last.elapsed() >= IDLE) {
            // A full queue is a busy engine; the next beat will do.
            let _ = self.send(Block::new(
                self.shared.partition,
                Payload::Heartbeat(latest),
            ));
        }
    }

    /// A request's block has entered.
    pub(crate) fn enter(&self, receipt: Receipt, epoch: Epoch, decoded: &Decoded, late: u64) {
        // Lines that are no events, or late ones, are no reason for time to wait.
        if decoded.records > decoded.invalid + late {
            *lock(&self.shared.last_event) = Some(Instant::now());
        }
        if let Some(waiting) = lock(&self.shared.waiting).get_mut(&receipt.id()) {
            waiting.became = Became {
                as_of_epoch: epoch,
                read: decoded.records,
                invalid: decoded.invalid,
                late,
                ..Became::default()
            };
            waiting.progress.send_replace(Progress::Entered(epoch));
        }
    }

    /// A worker tells what became of some of a request's events.
    pub(crate) fn collect(&self, answer: &Answer) {
        let waiting = &mut *lock(&self.shared.waiting);
        if let (
            Some(waiting),
            Body::Receipt {
                accepted,
                duplicate,
            },
        ) = (waiting.get_mut(&answer.question), &answer.body)
        {
            waiting.became.accepted += accepted;
            waiting.became.duplicate += duplicate;
        }
    }

    /// Tells everybody whose epoch lies before `open`.
    pub(crate) fn settle(&self, open: Epoch) {
        lock(&self.shared.waiting).retain(|_, waiting| {
            let entered = *waiting.progress.borrow();
            let is_closed = matches!(entered, Progress::Entered(epoch) if epoch < open);
            if is_closed {
                let became = waiting.became;
                assert_eq!(
                    became.read,
                    became.accepted + became.duplicate + became.late + became.invalid,
                    "records posted and dispositions differ at epoch {}",
                    became.as_of_epoch
                );
                waiting.progress.send_replace(Progress::Closed(became));
            }
            !is_closed
        });
    }
}
