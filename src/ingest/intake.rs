//! One process's intake: blocks in, epochs out.
//!
//! Readers and those who post hand blocks over (`intake/queue.rs`); workers take them, decode them at leisure, and then
//! enter them one after the other in the order they were read. Entering assigns the epoch, so an epoch is a prefix of every
//! partition's log. What must hold: the queue and the epochs in flight are bounded; nothing enters out of order.

mod queue;
mod sleepers;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use dataflows::clock::Watermark;
use dataflows::epochs::Epoch;

use super::admit::Decoded;
use super::block::{Block, Payload};
use super::watermark::Top;
use queue::Queue;
use sleepers::Sleepers;

/// Blocks that wait to be decoded.
const QUEUED_BLOCKS: usize = 8;
/// The same of posted blocks, which are smaller.
const QUEUED_POSTS: usize = 64;
/// How long a worker sleeps when nobody wakes it: blocks, epochs and messages of other workers do.
const REST: Duration = Duration::from_millis(4);
/// Records between a source and the closed epoch, so that a large epoch does not fill memory.
const RECORDS_IN_FLIGHT: u64 = 100_000;

/// When an epoch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochPolicy {
    /// After so many records.
    pub records: u64,
    /// After this time, if it has records and no more than one epoch is open before it; `None`: by records only.
    pub interval: Option<Duration>,
    /// Epochs that may be open at once.
    pub in_flight: u64,
}

/// The number of the present epoch by the wall clock.
fn epoch_by_clock(interval: Duration) -> Epoch {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    let since_1970 = since_1970.expect("the clock is set to a time after 1970");
    (since_1970.as_micros() / interval.as_micros().max(1)) as Epoch
}

/// Where an entered block stands in its log.
pub struct Entered {
    pub epoch: Epoch,
    pub before: Top,
    pub records_before: u64,
    pub watermark: Watermark,
}

/// A partition's log so far.
#[derive(Clone, Default)]
struct Log {
    top: Top,
    records: u64,
}

struct Order {
    entered: u64,
    epoch: Epoch,
    records_in_epoch: u64,
    /// Something waits for the epoch to close.
    is_awaited: bool,
    epoch_began: Instant,
    logs: Vec<(u32, Log)>,
}

/// Shared by the workers of a process.
pub struct Intake {
    partitions: Vec<u32>,
    policy: EpochPolicy,
    /// Epochs are numbered by the wall clock and end by it even when empty, so that the processes of a live cluster
    /// go on together.
    by_clock: bool,
    support: usize,
    queue: Mutex<Queue>,
    order: Mutex<Order>,
    used: SyncSender<Vec<u8>>,
    workers: Sleepers,
    is_stopping: AtomicBool,
}

/// The end of those who post single blocks and do not wait.
pub struct Posts(SyncSender<Block>);

/// Why a block was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotPosted {
    /// As many as may wait are waiting.
    Full,
    Stopped,
}

impl Posts {
    /// Hands a block over if there is room.
    pub fn post(&self, intake: &Intake, block: Block) -> Result<(), NotPosted> {
        self.0.try_send(block).map_err(|error| match error {
            TrySendError::Full(_) => NotPosted::Full,
            TrySendError::Disconnected(_) => NotPosted::Stopped,
        })?;
        intake.workers.wake_one();
        Ok(())
    }
}

/// The reader's end.
pub struct Feed {
    blocks: SyncSender<Block>,
    used: Receiver<Vec<u8>>,
}

impl Feed {
    /// Waits for room, hands a block over; false when nobody takes blocks any more.
    pub fn send(&self, intake: &Intake, block: Block) -> bool {
        let is_for_one = block.thread.is_some();
        let is_sent = !intake.is_stopping() && self.blocks.send(block).is_ok();
        if is_for_one {
            intake.wake();
        } else {
            intake.workers.wake_one();
        }
        is_sent
    }

    /// A buffer that was used before, empty.
    pub fn buffer(&self) -> Vec<u8> {
        let mut buffer = self.used.try_recv().unwrap_or_default();
        buffer.clear();
        buffer
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("a thread that panics ends the process")
}

impl Intake {
    /// For the given partitions of this process, one of `processes`.
    pub fn new(
        partitions: Vec<u32>,
        policy: EpochPolicy,
        support: usize,
        processes: usize,
    ) -> (Intake, Feed, Posts) {
        let (blocks, receiver) = sync_channel(QUEUED_BLOCKS);
        let (posts, posted) = sync_channel(QUEUED_POSTS);
        let (used, reusable) = sync_channel(2 * QUEUED_BLOCKS);
        let logs = partitions
            .iter()
            .map(|&partition| (partition, Log::default()))
            .collect();
        let clock = policy.interval.filter(|_| processes > 1);
        let order = Order {
            entered: 0,
            epoch: clock.map_or(1, epoch_by_clock),
            records_in_epoch: 0,
            is_awaited: false,
            epoch_began: Instant::now(),
            logs,
        };
        let intake = Intake {
            partitions,
            policy,
            by_clock: clock.is_some(),
            support,
            queue: Mutex::new(Queue::new(receiver, posted)),
            order: Mutex::new(order),
            used,
            workers: Sleepers::default(),
            is_stopping: AtomicBool::new(false),
        };
        let feed = Feed {
            blocks,
            used: reusable,
        };
        (intake, feed, Posts(posts))
    }

    /// Readers end with the block they are at; what has been handed over is still taken.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        self.wake();
    }

    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// How many records an epoch has at most.
    pub fn epoch_records(&self) -> u64 {
        self.policy.records
    }

    /// Somebody waits for the present epoch to close: it is to end when its time is up, records or not.
    pub fn await_epoch(&self) {
        lock(&self.order).is_awaited = true;
    }

    pub fn partitions(&self) -> &[u32] {
        &self.partitions
    }

    /// Names the calling thread as one to wake when a block comes.
    pub fn register(&self) {
        self.workers.register();
    }

    /// Wakes all workers.
    pub fn wake(&self) {
        self.workers.wake_all();
    }

    /// The next block and its ticket for worker thread `thread`, unless none waits or enough is in flight; `closed`
    /// is the first open epoch.
    pub fn take(&self, thread: usize, closed: Epoch) -> Option<(u64, Block)> {
        let most_epochs =
            (RECORDS_IN_FLIGHT / self.policy.records.max(1)).clamp(2, self.policy.in_flight.max(2));
        if self.epoch() > closed.saturating_add(most_epochs) {
            return None;
        }
        let mut queue = lock(&self.queue);
        let block = queue.next()?;
        if block.thread.is_some_and(|wanted| wanted != thread) {
            queue.put_back(block);
            self.workers.wake_others();
            return None;
        }
        Some((queue.ticket(), block))
    }

    /// Gives a block's buffer back to the reader.
    pub fn recycle(&self, block: Block) {
        if let Payload::Json(bytes) | Payload::Csv(bytes, _) = block.payload {
            // A full return queue means there are buffers enough.
            let _ = self.used.try_send(bytes);
        }
    }

    /// Enters a decoded block if it is its turn.
    pub fn enter(&self, ticket: u64, block: &Block, decoded: &Decoded) -> Option<Entered> {
        let mut order = lock(&self.order);
        if order.entered != ticket {
            return None;
        }
        order.entered += 1;
        let epoch = order.epoch;
        let (before, records_before, watermark) = order.extend(block, decoded, self.support);
        order.records_in_epoch += decoded.records;
        order.is_awaited = true;
        let ends_epoch = block.ends_epoch || order.records_in_epoch >= self.policy.records;
        if ends_epoch {
            order.next_epoch();
        }
        drop(order);
        // Others wait for the epoch to move, or for their turn.
        if ends_epoch || lock(&self.queue).taken() > ticket + 1 {
            self.workers.wake_others();
        }
        Some(Entered {
            epoch,
            before,
            records_before,
            watermark,
        })
    }

    /// The epoch that records enter now. Ends it first if its time is up and the dataflow keeps pace.
    pub fn tick(&self, closed: Epoch) -> Epoch {
        let mut order = lock(&self.order);
        if let Some(interval) = self.policy.interval {
            let is_wanted = order.is_awaited || self.by_clock;
            let is_due = is_wanted && order.epoch_began.elapsed() >= interval;
            if is_due && order.epoch <= closed.saturating_add(1) {
                order.next_epoch();
                if self.by_clock {
                    order.epoch = order.epoch.max(epoch_by_clock(interval));
                }
                self.workers.wake_others();
            }
        }
        order.epoch
    }

    /// How long a worker may sleep that nobody wakes: an epoch may come to its end meanwhile.
    pub fn rest(&self) -> Duration {
        let order = lock(&self.order);
        let is_wanted = order.is_awaited || self.by_clock;
        let due = self.policy.interval.filter(|_| is_wanted);
        let left = due.map(|interval| interval.saturating_sub(order.epoch_began.elapsed()));
        // One that is overdue waits for the dataflow, whose progress wakes.
        left.filter(|left| !left.is_zero())
            .map_or(REST, |left| left.min(REST))
    }

    /// The epoch that records enter now.
    pub fn epoch(&self) -> Epoch {
        lock(&self.order).epoch
    }

    /// Every block there will ever be has entered.
    pub fn is_finished(&self) -> bool {
        let queue = lock(&self.queue);
        queue.is_ended() && lock(&self.order).entered == queue.taken()
    }
}

impl Order {
    fn next_epoch(&mut self) {
        self.epoch += 1;
        self.records_in_epoch = 0;
        self.is_awaited = false;
        self.epoch_began = Instant::now();
    }

    fn extend(
        &mut self,
        block: &Block,
        decoded: &Decoded,
        support: usize,
    ) -> (Top, u64, Watermark) {
        let (_, log) = self
            .logs
            .iter_mut()
            .find(|(partition, _)| *partition == block.partition)
            .expect("a source announces its partitions");
        let (before, records_before) = (log.top.clone(), log.records);
        log.top.merge(&decoded.top, support);
        log.records += decoded.records;
        let ended = block.ends_partition;
        let time = if ended {
            log.top.at_end()
        } else {
            log.top.watermark(support)
        };
        (
            before,
            records_before,
            Watermark {
                partition: block.partition,
                time,
                ended,
            },
        )
    }
}
