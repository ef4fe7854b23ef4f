//! The worker threads of a process, which sleep when they have nothing to do.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Thread};

use super::lock;

#[derive(Default)]
pub(super) struct Sleepers {
    threads: Mutex<Vec<Thread>>,
    /// Blocks that have woken one.
    turn: AtomicUsize,
}

impl Sleepers {
    /// Adds the calling thread.
    pub(super) fn register(&self) {
        lock(&self.threads).push(thread::current());
    }

    pub(super) fn wake_all(&self) {
        lock(&self.threads).iter().for_each(Thread::unpark);
    }

    /// Wakes one, each in turn: one block is no work for two.
    pub(super) fn wake_one(&self) {
        let threads = lock(&self.threads);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        if let Some(thread) = threads.get(turn % threads.len().max(1)) {
            thread.unpark();
        }
    }

    /// Wakes all but the calling thread.
    pub(super) fn wake_others(&self) {
        let me = thread::current().id();
        lock(&self.threads)
            .iter()
            .filter(|thread| thread.id() != me)
            .for_each(Thread::unpark);
    }
}
