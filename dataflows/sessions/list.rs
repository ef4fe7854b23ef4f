//! A user's entries in order: the newest in the slot, those before them in a block.

use super::entry::{ENTRY_BYTES, Entry};
use super::slot::{NEWEST, Slot};

/// The entries of one user.
pub(crate) struct List<'a> {
    pub(super) slot: &'a mut Slot,
    /// The slot's block.
    pub(super) older: &'a mut [u8],
}

/// The bytes of the entries `from..to`.
fn span(from: usize, to: usize) -> std::ops::Range<usize> {
    from * ENTRY_BYTES..to * ENTRY_BYTES
}

impl List<'_> {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.slot.len()
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> Entry {
        match at.checked_sub(self.slot.older()) {
            Some(at) => Entry::load(&self.slot.newest[span(at, at + 1)]),
            None => Entry::load(&self.older[span(at, at + 1)]),
        }
    }

    /// The time of the entry at `at`.
    #[inline]
    pub(crate) fn time(&self, at: usize) -> i64 {
        match at.checked_sub(self.slot.older()) {
            Some(at) => Entry::time_of(&self.slot.newest[span(at, at + 1)]),
            None => Entry::time_of(&self.older[span(at, at + 1)]),
        }
    }

    #[inline]
    pub(crate) fn set(&mut self, at: usize, entry: Entry) {
        match at.checked_sub(self.slot.older()) {
            Some(at) => entry.store(&mut self.slot.newest[span(at, at + 1)]),
            None => entry.store(&mut self.older[span(at, at + 1)]),
        }
    }

    /// Whether one more entry has no room.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= NEWEST && self.older.len() == self.slot.older() * ENTRY_BYTES
    }

    /// Puts `entry` before the one at `at`; there is room.
    #[inline]
    pub(crate) fn insert(&mut self, at: usize, entry: Entry) {
        let (len, older) = (self.len(), self.slot.older());
        if at == len {
            return self.append(entry);
        }
        self.slot.len += 1;
        let newest = &mut self.slot.newest;
        if len < NEWEST {
            newest.copy_within(span(at, len), span(at + 1, at + 2).start);
        } else if at > older {
            // The first of the newest makes room.
            self.older[span(older, older + 1)].copy_from_slice(&newest[span(0, 1)]);
            newest.copy_within(span(1, at - older), 0);
        } else {
            self.older
                .copy_within(span(at, older), span(at + 1, at + 2).start);
        }
        self.set(at, entry);
    }

    /// Puts `entry` at the end; there is room.
    #[inline]
    fn append(&mut self, entry: Entry) {
        let (len, older) = (self.len(), self.slot.older());
        let newest = &mut self.slot.newest;
        let at = if len < NEWEST {
            len
        } else {
            self.older[span(older, older + 1)].copy_from_slice(&newest[span(0, 1)]);
            newest.copy_within(span(1, NEWEST), 0);
            NEWEST - 1
        };
        entry.store(&mut newest[span(at, at + 1)]);
        self.slot.len += 1;
    }

    pub(crate) fn remove(&mut self, at: usize) {
        let (len, older) = (self.len(), self.slot.older());
        let newest = &mut self.slot.newest;
        if older == 0 {
            newest.copy_within(span(at + 1, len), span(at, at).start);
        } else if at >= older {
            newest.copy_within(span(0, at - older), span(1, 1).start);
            newest[span(0, 1)].copy_from_slice(&self.older[span(older - 1, older)]);
        } else {
            self.older
                .copy_within(span(at + 1, older), span(at, at).start);
        }
        self.slot.len -= 1;
    }

    /// Drops the entries before `start`.
    pub(crate) fn drop_before(&mut self, start: usize) {
        let (len, older) = (self.len(), self.slot.older());
        match older.checked_sub(start) {
            Some(_) => self.older.copy_within(span(start, older), 0),
            None => {
                let newest = span(start - older, len - older);
                self.slot.newest.copy_within(newest, 0);
            }
        }
        self.slot.len -= start as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u32) -> Entry {
        let mut bytes = [0; ENTRY_BYTES];
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
            let (mut slot, mut block) = (Slot::new(7), vec![0; room * ENTRY_BYTES]);
            let mut list = List {
                slot: &mut slot,
                older: &mut block,
            };
            let mut expected: Vec<Entry> = Vec::new();
            for number in 0..20_000 {
                let len = expected.len();
                assert_eq!(list.is_full(), len == NEWEST + room);
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
