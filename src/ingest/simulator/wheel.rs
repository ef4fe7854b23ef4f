//! A calendar of the visits under way: each waits in the bucket of the time its next event is due.
//!
//! Costs the same for a hundred visits as for millions, which a heap does not. Within a bucket the order is last in,
//! first out; it is a fixed order, and times are given out when an event is made, so nothing is lost by it.

use super::visits::Visit;

const BUCKET_MS: i64 = 512;
/// About 35 minutes ahead, more than the longest pause in a visit.
const BUCKETS: i64 = 4096;
const NONE: u32 = u32::MAX;

pub(super) struct Wheel {
    heads: Vec<u32>,
    slots: Vec<Visit>,
    free: Vec<u32>,
    /// No visit is due before this bucket.
    cursor: i64,
    waiting: usize,
}

impl Wheel {
    pub(super) fn new(start_ms: i64) -> Wheel {
        Wheel {
            heads: vec![NONE; BUCKETS as usize],
            slots: Vec::new(),
            free: Vec::new(),
            cursor: start_ms.div_euclid(BUCKET_MS),
            waiting: 0,
        }
    }

    /// Takes a visit in; it waits nowhere until [`Wheel::wait`].
    pub(super) fn add(&mut self, visit: Visit) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = visit;
            return slot;
        }
        self.slots.push(visit);
        (self.slots.len() - 1) as u32
    }

    /// Lets go of a visit that waits nowhere.
    pub(super) fn remove(&mut self, slot: u32) {
        self.free.push(slot);
    }

    pub(super) fn visit(&mut self, slot: u32) -> &mut Visit {
        &mut self.slots[slot as usize]
    }

    /// The visit is due `pause_ms` after `now_ms`, and never in the same bucket again, so that its events have different
    /// times.
    pub(super) fn wait(&mut self, slot: u32, now_ms: i64, pause_ms: i64) {
        let from = self.cursor.max(now_ms.div_euclid(BUCKET_MS));
        let bucket = from + (pause_ms / BUCKET_MS).max(1);
        let head =
            &mut self.heads[bucket.min(self.cursor + BUCKETS - 1).rem_euclid(BUCKETS) as usize];
        self.slots[slot as usize].link = std::mem::replace(head, slot);
        self.waiting += 1;
    }

    /// A visit that is due by now.
    pub(super) fn due(&mut self, now_ms: i64) -> Option<u32> {
        self.pop_until(now_ms.div_euclid(BUCKET_MS))
    }

    /// The visit that is due next, even if that is later.
    pub(super) fn soonest(&mut self) -> Option<u32> {
        if self.waiting == 0 {
            return None;
        }
        self.pop_until(self.cursor + BUCKETS)
    }

    fn pop_until(&mut self, last: i64) -> Option<u32> {
        if self.waiting == 0 {
            self.cursor = self.cursor.max(last);
            return None;
        }
        loop {
            let head = &mut self.heads[self.cursor.rem_euclid(BUCKETS) as usize];
            if self.cursor <= last && *head != NONE {
                let slot = *head;
                *head = self.slots[slot as usize].link;
                self.waiting -= 1;
                return Some(slot);
            }
            if self.cursor >= last {
                return None;
            }
            self.cursor += 1;
        }
    }
}
