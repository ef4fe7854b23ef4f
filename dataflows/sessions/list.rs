//! A user's entries in order.

use super::entry::{Entry, Packed};
use super::slot::Slot;

/// The entries of one user.
pub(crate) struct List<'a> {
    pub(super) slot: &'a mut Slot,
    /// The slot's block: the entries, then room for more.
    pub(super) block: &'a mut [Packed],
}

impl List<'_> {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.slot.len()
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> Entry {
        Entry::load(&self.block[at])
    }

    /// The time of the entry at `at`.
    #[inline]
    pub(crate) fn time(&self, at: usize) -> i64 {
        Entry::time_of(&self.block[at])
    }

    #[inline]
    pub(crate) fn set(&mut self, at: usize, entry: Entry) {
        entry.store(&mut self.block[at]);
    }

    /// Whether one more entry has no room.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.block.len() == self.len()
    }

    /// Puts `entry` before the one at `at`; there is room.
    #[inline]
    pub(crate) fn insert(&mut self, at: usize, entry: Entry) {
        let len = self.len();
        if at < len {
            self.block.copy_within(at..len, at + 1);
        } else {
            self.slot.set_seen(entry.time());
        }
        self.set(at, entry);
        self.slot.set_len(len + 1);
    }

    pub(crate) fn remove(&mut self, at: usize) {
        let len = self.len();
        self.block.copy_within(at + 1..len, at);
        self.slot.set_len(len - 1);
    }

    /// Drops the entries before `start`.
    pub(crate) fn drop_before(&mut self, start: usize) {
        let len = self.len();
        self.block.copy_within(start..len, 0);
        self.slot.set_len(len - start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u32) -> Entry {
        let mut bytes = Packed::default();
        bytes[8..12].copy_from_slice(&number.to_le_bytes());
        Entry::load(&bytes)
    }

    /// The same changes to a list and to a vector.
    #[test]
    fn agrees_with_a_vector() {
        let mut random = 1u64;
        let mut draw = |below: usize| {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1);
            (random >> 33) as usize % below
        };
        for room in 0..9 {
            let (mut slot, mut block) = (Slot::EMPTY, vec![Packed::default(); room]);
            let mut list = List {
                slot: &mut slot,
                block: &mut block,
            };
            let mut expected: Vec<Entry> = Vec::new();
            for number in 0..20_000 {
                let len = expected.len();
                assert_eq!(list.is_full(), len == room);
                match draw(8) {
                    0 if len > 0 => {
                        let at = draw(len);
                        list.remove(at);
                        expected.remove(at);
                    }
                    1 => {
                        let start = draw(len + 1);
                        list.drop_before(start);
                        expected.drain(..start);
                    }
                    2 if len > 0 => {
                        let at = draw(len);
                        list.set(at, entry(number));
                        expected[at] = entry(number);
                    }
                    _ if !list.is_full() => {
                        let at = draw(len + 1);
                        list.insert(at, entry(number));
                        expected.insert(at, entry(number));
                    }
                    _ => {}
                }
                assert_eq!(list.len(), expected.len());
                assert!((0..list.len()).all(|at| list.get(at) == expected[at]));
            }
        }
    }
}
