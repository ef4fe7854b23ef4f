//! A user's entries in order, in place in their block.

use super::entry::{ENTRY_BYTES, Entry};

/// The entries; the block has room for as many as `bytes` holds.
pub(crate) struct List<'a> {
    pub(crate) bytes: &'a mut [u8],
    pub(crate) len: usize,
}

impl List<'_> {
    #[inline]
    pub(crate) fn get(&self, at: usize) -> Entry {
        Entry::load(&self.bytes[at * ENTRY_BYTES..(at + 1) * ENTRY_BYTES])
    }

    #[inline]
    pub(crate) fn set(&mut self, at: usize, entry: Entry) {
        entry.store(&mut self.bytes[at * ENTRY_BYTES..(at + 1) * ENTRY_BYTES]);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() == self.len * ENTRY_BYTES
    }

    /// Shifts the entries from `at` on and puts `entry` there; the block has room.
    #[inline]
    pub(crate) fn insert(&mut self, at: usize, entry: Entry) {
        let (from, to) = (at * ENTRY_BYTES, self.len * ENTRY_BYTES);
        if from != to {
            self.bytes.copy_within(from..to, from + ENTRY_BYTES);
        }
        self.len += 1;
        self.set(at, entry);
    }

    pub(crate) fn remove(&mut self, at: usize) {
        self.bytes.copy_within(
            (at + 1) * ENTRY_BYTES..self.len * ENTRY_BYTES,
            at * ENTRY_BYTES,
        );
        self.len -= 1;
    }

    /// Drops the entries before `start`.
    pub(crate) fn drop_before(&mut self, start: usize) {
        self.bytes
            .copy_within(start * ENTRY_BYTES..self.len * ENTRY_BYTES, 0);
        self.len -= start;
    }
}
