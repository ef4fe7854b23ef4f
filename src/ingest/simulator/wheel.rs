//! A calendar of the visits under way: each waits in the bucket of the time its next event is due.
//!
//! Costs about the same for a hundred visits as for millions, which a heap does not: visits lie side by side in chunks,
//! so that the ones due together are read in a row. Within a bucket the order is last in, first out; it is a fixed order,
//! and times are given out when an event is made, so nothing is lost by it.

use dataflows::event::TimeMs;

use super::visits::Visit;

const BUCKET_MS: TimeMs = 512;
/// About 35 minutes ahead, more than the longest pause in a visit.
const BUCKETS: i64 = 4096;
/// 2 KiB of visits: a page's half, so that buckets far ahead, which hold few, waste little.
const CHUNK: usize = 32;
const NONE: u32 = u32::MAX;

pub(super) struct Wheel {
    /// By bucket: the chunk that is being filled, or none.
    heads: Vec<u32>,
    chunks: Vec<Chunk>,
    free: Vec<u32>,
    /// No visit is due before this bucket.
    cursor: i64,
    waiting: usize,
}

struct Chunk {
    visits: Vec<Visit>,
    /// A full one of the same bucket.
    next: u32,
}

impl Wheel {
    pub(super) fn new(start_ms: TimeMs) -> Wheel {
        Wheel {
            heads: vec![NONE; BUCKETS as usize],
            chunks: Vec::new(),
            free: Vec::new(),
            cursor: start_ms.div_euclid(BUCKET_MS),
            waiting: 0,
        }
    }

    /// The visit is due `pause_ms` after `now_ms`, and never in the same bucket again, so that its events have different
    /// times.
    pub(super) fn wait(&mut self, visit: Visit, now_ms: TimeMs, pause_ms: TimeMs) {
        let from = self.cursor.max(now_ms.div_euclid(BUCKET_MS));
        let bucket = from + (pause_ms / BUCKET_MS).max(1);
        let bucket = bucket.min(self.cursor + BUCKETS - 1).rem_euclid(BUCKETS) as usize;
        let mut head = self.heads[bucket];
        if head == NONE || self.chunks[head as usize].visits.len() == CHUNK {
            head = self.chunk(head);
            self.heads[bucket] = head;
        }
        self.chunks[head as usize].visits.push(visit);
        self.waiting += 1;
    }

    /// An empty chunk in front of `next`.
    fn chunk(&mut self, next: u32) -> u32 {
        if let Some(chunk) = self.free.pop() {
            self.chunks[chunk as usize].next = next;
            return chunk;
        }
        let visits = Vec::with_capacity(CHUNK);
        self.chunks.push(Chunk { visits, next });
        (self.chunks.len() - 1) as u32
    }

    /// A visit that is due by now.
    pub(super) fn due(&mut self, now_ms: TimeMs) -> Option<Visit> {
        let bucket = now_ms.div_euclid(BUCKET_MS);
        if self.waiting == 0 {
            self.cursor = self.cursor.max(bucket);
            return None;
        }
        self.pop_until(bucket)
    }

    /// The visit that is due next, even if that is later.
    pub(super) fn soonest(&mut self) -> Option<Visit> {
        match self.waiting {
            0 => None,
            _ => self.pop_until(self.cursor + BUCKETS),
        }
    }

    fn pop_until(&mut self, last: i64) -> Option<Visit> {
        while self.cursor <= last {
            let head = &mut self.heads[self.cursor.rem_euclid(BUCKETS) as usize];
            if *head != NONE {
                let chunk = &mut self.chunks[*head as usize];
                let visit = chunk.visits.pop();
                if chunk.visits.is_empty() {
                    self.free.push(*head);
                    *head = chunk.next;
                }
                self.waiting -= 1;
                return visit;
            }
            if self.cursor == last {
                break;
            }
            self.cursor += 1;
        }
        None
    }
}
