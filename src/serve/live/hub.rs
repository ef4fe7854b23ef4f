//! The channels there are, and the clock that makes them tick together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use super::channel::Channel;
use super::reader::Reader;
use super::shape::Shape;
use crate::frames::{Frames, Mark, Topic};
use crate::meter::Meter;
use crate::questions::Questions;
use crate::run::Doors;

/// A client that has heard nothing for so long hears that nothing has happened.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(5);

/// Where clients join.
pub(crate) struct Hub {
    pub(super) generation: u64,
    frames: Arc<Mutex<Frames>>,
    questions: Questions,
    meter: Arc<Meter>,
    channels: Mutex<HashMap<Shape, Arc<Channel>>>,
    /// Ticks of all channels are multiples from here.
    began: Instant,
    stop: watch::Sender<bool>,
}

impl Hub {
    pub(crate) fn new(doors: &Doors, generation: u64) -> Arc<Hub> {
        Arc::new(Hub {
            generation,
            frames: doors.frames.clone(),
            questions: doors.questions.clone(),
            meter: doors.meter.clone(),
            channels: Mutex::default(),
            began: Instant::now(),
            stop: watch::Sender::new(false),
        })
    }

    pub(super) fn frames(&self) -> MutexGuard<'_, Frames> {
        self.frames.lock().expect("nobody panics with it")
    }

    pub(super) fn mark(&self) -> Mark {
        self.frames().mark()
    }

    pub(super) fn staleness_ms(&self) -> Option<u64> {
        Some(self.meter.since_closed()?.as_millis() as u64)
    }

    /// Tells all readers that the end has come.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Subscriptions that differ.
    pub(crate) fn channels(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Shape, Arc<Channel>>> {
        self.channels.lock().expect("nobody panics with it")
    }

    /// A reader of that subscription, which knows nothing yet.
    pub(super) fn join(self: &Arc<Self>, shape: Shape) -> Reader {
        let mut channels = self.lock();
        let channel = channels.entry(shape).or_insert_with_key(|shape| {
            let watch = shape
                .selection
                .has(Topic::Transitions)
                .then(|| self.questions.watch(shape.selection.chain.0));
            let channel = Arc::new(Channel::new(shape.clone(), self.mark(), watch));
            tokio::spawn(run(Arc::downgrade(self), channel.clone(), self.began));
            channel
        });
        // While the lock is held, so that the channel does not end before it has its reader.
        Reader::new(self.clone(), channel.clone(), self.stop.subscribe())
    }

    /// Ends a channel that nobody reads.
    fn leave(&self, channel: &Channel) -> bool {
        let mut channels = self.lock();
        let is_unread = channel.ticks.receiver_count() == 0;
        if is_unread {
            channels.remove(&channel.shape);
        }
        is_unread
    }
}

/// Ticks while somebody listens.
async fn run(hub: Weak<Hub>, channel: Arc<Channel>, began: Instant) {
    let mut told = Instant::now();
    let mut ticks =
        tokio::time::interval_at(next_tick(began, channel.shape.tick), channel.shape.tick);
    // A tick that was missed is left out; the next is where it would have been.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let Some(hub) = hub.upgrade() else { return };
        if channel.ticks.receiver_count() == 0 && hub.leave(&channel) {
            return;
        }
        channel.tick(&hub, &mut told);
    }
}

/// The next multiple of `tick` since `began`.
fn next_tick(began: Instant, tick: Duration) -> Instant {
    let passed = began.elapsed().as_nanos() / tick.as_nanos() + 1;
    began + tick * (passed.min(u32::MAX.into()) as u32)
}
