//! From a user to the user's slot: one small open-addressing table per key group.
//!
//! A byte per place says whether it is taken and hints by whom, so that a look-up reads these few bytes and then the
//! one slot it wants. Small tables rehash in microseconds, so no epoch waits for a large one, and a group can be taken
//! out whole.

use super::slot::Slot;

/// The hint of a place that nobody has.
const EMPTY: u8 = 0;
/// Hints that are read at once.
const WORD: usize = 8;

/// The users of one key group.
pub(crate) struct Table {
    /// One for each place, then the first [`WORD`] again, so that a word can be read at every place.
    hints: Vec<u8>,
    slots: Vec<Slot>,
    users: usize,
}

/// Never [`EMPTY`]; of bits that do not tell the home.
#[inline]
fn hint_of(key: u64) -> u8 {
    key as u8 | 1
}

/// The top bit of every byte that is 0; above the lowest of them it may err.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(u64::MAX / 255) & !word & (u64::MAX / 255 * 128)
}

/// Where the key's probe begins in a table of so many places; increasing in the key.
#[inline]
fn home(key: u64, places: usize) -> usize {
    ((u128::from(key) * places as u128) >> 64) as usize
}

/// The next size of a table. All groups have the same ones, and memory that one gives back serves the next; they do not all grow in
/// one epoch, since each does when it has so many users.
fn larger(places: usize) -> usize {
    let bytes = (places + 1) * size_of::<Slot>();
    bytes.next_multiple_of(1 << (bytes.ilog2() - 1)) / size_of::<Slot>()
}

impl Default for Table {
    fn default() -> Table {
        Table::of(WORD)
    }
}

impl Table {
    fn of(places: usize) -> Table {
        Table {
            hints: vec![EMPTY; places + WORD],
            slots: vec![Slot::EMPTY; places],
            users: 0,
        }
    }

    pub(crate) fn users(&self) -> usize {
        self.users
    }

    /// How many places there are, taken or not.
    pub(crate) fn places(&self) -> usize {
        self.slots.len()
    }

    #[inline]
    pub(crate) fn is_taken(&self, at: usize) -> bool {
        self.hints[at] != EMPTY
    }

    #[inline]
    fn wrapped(&self, at: usize) -> usize {
        if at < self.places() {
            at
        } else {
            at - self.places()
        }
    }

    /// Where a look-up begins to read, to be fetched ahead of use.
    #[inline]
    pub(crate) fn first_hint(&self, key: u64) -> &u8 {
        &self.hints[home(key, self.places())]
    }

    /// The first place from the key's home on that is empty or may be the user's: most likely the one.
    #[inline]
    pub(crate) fn likely(&self, key: u64) -> usize {
        self.probe(key, home(key, self.places()))
    }

    #[inline]
    fn probe(&self, key: u64, at: usize) -> usize {
        let wanted = u64::MAX / 255 * u64::from(hint_of(key));
        self.first(at, |word| zero_bytes(word) | zero_bytes(word ^ wanted))
    }

    /// The first place from `at` on that `stops` marks in a word of hints.
    #[inline]
    fn first(&self, mut at: usize, stops: impl Fn(u64) -> u64) -> usize {
        loop {
            let word = self.hints[at..at + WORD].try_into().expect("a word");
            let stops = stops(u64::from_le_bytes(word));
            if stops != 0 {
                return self.wrapped(at + stops.trailing_zeros() as usize / 8);
            }
            at = self.wrapped(at + WORD);
        }
    }

    /// Where the user is.
    #[inline]
    pub(crate) fn find(&self, key: u64) -> Option<usize> {
        self.find_from(key, self.likely(key))
    }

    /// The same when [`Table::likely`] was asked before, perhaps when the table was another.
    #[inline]
    pub(crate) fn find_likely(&self, key: u64, likely: usize) -> Option<usize> {
        match self.slots.get(likely) {
            Some(slot) if slot.key == key && self.is_taken(likely) => Some(likely),
            _ => self.find(key),
        }
    }

    fn find_from(&self, key: u64, mut at: usize) -> Option<usize> {
        while self.is_taken(at) {
            if self.slots[at].key == key {
                return Some(at);
            }
            at = self.probe(key, self.wrapped(at + 1));
        }
        None
    }

    /// Whatever is at `at`, if that is a place.
    #[inline]
    pub(crate) fn peek(&self, at: usize) -> Option<&Slot> {
        self.slots.get(at)
    }

    /// The places from `at` on, none if the table has shrunk since; those that nobody has are [`Slot::EMPTY`].
    pub(crate) fn slots_from(&self, at: usize) -> &[Slot] {
        self.slots.get(at..).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> &Slot {
        &self.slots[at]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, at: usize) -> &mut Slot {
        &mut self.slots[at]
    }

    /// All users.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Slot> {
        let taken = self.slots.iter().zip(&self.hints);
        taken.filter_map(|(slot, &hint)| (hint != EMPTY).then_some(slot))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        let taken = self.slots.iter_mut().zip(&self.hints);
        taken.filter_map(|(slot, &hint)| (hint != EMPTY).then_some(slot))
    }

    /// Adds a user who is not there and says where; places found before are void.
    pub(crate) fn add(&mut self, slot: Slot) -> usize {
        if (self.users + 1) * 8 > self.places() * 7 {
            self.resize(larger(self.places()));
        }
        self.users += 1;
        self.put(slot)
    }

    fn put(&mut self, slot: Slot) -> usize {
        let at = self.first(home(slot.key, self.places()), zero_bytes);
        self.set(at, slot, hint_of(slot.key));
        at
    }

    fn set(&mut self, at: usize, slot: Slot, hint: u8) {
        self.slots[at] = slot;
        self.set_hint(at, hint);
    }

    fn set_hint(&mut self, at: usize, hint: u8) {
        self.hints[at] = hint;
        if at < WORD {
            let again = self.places() + at;
            self.hints[again] = hint;
        }
    }

    fn resize(&mut self, places: usize) {
        let old = std::mem::replace(self, Table::of(places));
        self.users = old.users;
        old.iter().for_each(|&slot| {
            self.put(slot);
        });
    }

    /// Takes the user at `at` out and closes the gap behind, so that no probe is cut.
    pub(crate) fn remove(&mut self, at: usize) {
        let mut hole = at;
        let mut next = self.wrapped(at + 1);
        while self.is_taken(next) {
            let home = home(self.slots[next].key, self.places());
            let reaches_hole = if hole <= next {
                home <= hole || home > next
            } else {
                home <= hole && home > next
            };
            if reaches_hole {
                self.set(hole, self.slots[next], self.hints[next]);
                hole = next;
            }
            next = self.wrapped(next + 1);
        }
        self.set(hole, Slot::EMPTY, EMPTY);
        self.users -= 1;
        if self.places() > 64 && self.users * 4 < self.places() {
            self.resize(larger(self.users * 3 / 2).max(WORD));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::arena::Block;
    use super::*;

    const NOWHERE: Block = Block {
        chunk: 0,
        start: 0,
        class: 0,
    };

    #[test]
    fn agrees_with_a_map_under_additions_and_removals() {
        let mut table = Table::default();
        let mut map = BTreeMap::new();
        let mut random = 1u64;
        for step in 0..200_000u64 {
            random = random
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            // Few distinct keys at both ends of the range, so that probes are long and wrap around.
            let key = ((random >> 33) % 600).wrapping_mul(3).wrapping_sub(900);
            let found = table.find(key);
            assert_eq!(found.is_some(), map.contains_key(&key));
            let shrinking = step / 20_000 % 2 == 1;
            match found {
                Some(at) if shrinking || random & 1 == 0 => {
                    assert_eq!(table.get(at).len(), map[&key]);
                    table.remove(at);
                    map.remove(&key);
                }
                None if !shrinking || random & 6 == 0 => {
                    let mut slot = Slot::new(key, NOWHERE);
                    slot.set_len(1 + step as usize % 1000);
                    let at = table.add(slot);
                    assert_eq!(table.find(key), Some(at));
                    map.insert(key, slot.len());
                }
                _ => {}
            }
            assert_eq!(table.users(), map.len());
        }
        assert_eq!(table.iter().count(), map.len());
    }
}
