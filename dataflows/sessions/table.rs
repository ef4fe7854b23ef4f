//! From a user to the user's block: one small open-addressing table per key group.
//!
//! Small tables rehash in microseconds, so no epoch waits for a large one, and a group can be taken out whole.

use super::arena::Block;

/// A user: the 64 bits of the hash that are independent of the group, and where the entries are.
#[derive(Clone, Copy, Default)]
pub(crate) struct Slot {
    pub(crate) key: u64,
    start: u32,
    /// Length in the upper 24 bits, class below; 0 in an empty slot, since a user has at least one entry.
    len_class: u32,
}

impl Slot {
    pub(crate) fn new(key: u64, block: Block, len: usize) -> Slot {
        Slot {
            key,
            start: block.start,
            len_class: (len as u32) << 8 | u32::from(block.class),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len_class == 0
    }

    pub(crate) fn len(&self) -> usize {
        (self.len_class >> 8) as usize
    }

    pub(crate) fn block(&self) -> Block {
        Block {
            class: self.len_class as u8,
            start: self.start,
        }
    }
}

/// The users of one key group.
pub(crate) struct Table {
    slots: Vec<Slot>,
    users: usize,
}

impl Table {
    /// Starts with a capacity that differs from group to group, so that they do not all grow in one epoch.
    pub(crate) fn new(group: usize) -> Table {
        Table {
            slots: vec![Slot::default(); 8 + group % 8],
            users: 0,
        }
    }

    pub(crate) fn users(&self) -> usize {
        self.users
    }

    pub(crate) fn capacity(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub(crate) fn slots_mut(&mut self) -> &mut [Slot] {
        &mut self.slots
    }

    /// Where the key's probe begins; increasing in the key.
    #[inline]
    fn home(&self, key: u64) -> usize {
        ((u128::from(key) * self.slots.len() as u128) >> 64) as usize
    }

    fn next(&self, at: usize) -> usize {
        if at + 1 == self.slots.len() {
            0
        } else {
            at + 1
        }
    }

    /// The slot a look-up reads first, to be fetched ahead of use.
    #[inline]
    pub(crate) fn address(&self, key: u64) -> &Slot {
        &self.slots[self.home(key)]
    }

    /// Where the user is, or where the user would go.
    #[inline]
    pub(crate) fn find(&self, key: u64) -> usize {
        let mut at = self.home(key);
        while !self.slots[at].is_empty() && self.slots[at].key != key {
            at = self.next(at);
        }
        at
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> Slot {
        self.slots[at]
    }

    /// Replaces the slot of a user who is there.
    pub(crate) fn set(&mut self, at: usize, slot: Slot) {
        self.slots[at] = slot;
    }

    /// Adds a user who is not there; positions found before are void.
    pub(crate) fn add(&mut self, slot: Slot) {
        if (self.users + 1) * 6 > self.slots.len() * 5 {
            self.resize(self.slots.len() * 5 / 4 + 4);
        }
        let at = self.find(slot.key);
        self.slots[at] = slot;
        self.users += 1;
    }

    fn resize(&mut self, capacity: usize) {
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); capacity]);
        for slot in old.into_iter().filter(|slot| !slot.is_empty()) {
            let at = self.find(slot.key);
            self.slots[at] = slot;
        }
    }

    /// Takes the user at `at` out and closes the gap behind, so that no probe is cut.
    pub(crate) fn remove(&mut self, at: usize) {
        let mut hole = at;
        let mut next = self.next(at);
        while !self.slots[next].is_empty() {
            let home = self.home(self.slots[next].key);
            let reaches_hole = if hole <= next {
                home <= hole || home > next
            } else {
                home <= hole && home > next
            };
            if reaches_hole {
                self.slots[hole] = self.slots[next];
                hole = next;
            }
            next = self.next(next);
        }
        self.slots[hole] = Slot::default();
        self.users -= 1;
        if self.slots.len() > 64 && self.users * 4 < self.slots.len() {
            self.resize(self.users * 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn agrees_with_a_map_under_additions_and_removals() {
        let mut table = Table::new(3);
        let mut map = BTreeMap::new();
        let mut random = 1u64;
        for step in 0..200_000u64 {
            random = random
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            // Few distinct keys at both ends of the range, so that probes are long and wrap around.
            let key = ((random >> 33) % 600).wrapping_mul(3).wrapping_sub(900);
            let at = table.find(key);
            let is_full = !table.get(at).is_empty();
            assert_eq!(is_full, map.contains_key(&key));
            let shrinking = step / 20_000 % 2 == 1;
            if is_full && (shrinking || random & 1 == 0) {
                assert_eq!(table.get(at).len(), map[&key]);
                table.remove(at);
                map.remove(&key);
            } else if !(is_full || shrinking && random & 6 != 0) {
                let len = 1 + step as usize % 1000;
                table.add(Slot::new(key, Block { class: 2, start: 5 }, len));
                map.insert(key, len);
            }
            assert_eq!(table.users(), map.len());
        }
    }
}
