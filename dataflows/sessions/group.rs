//! One key group: its users, and the memory of their lists.
//!
//! All that an event of the group needs lies in a few small pieces of memory, so that events of one group, taken one
//! after the other, find it in the cache. When the arena is full, the lists move to a new one that is a little larger,
//! each into a block of its size: that takes microseconds, and leaves behind what is no longer used.

use super::arena::{Arena, Block, capacity_for};
use super::entry::Bodies;
use super::table::{Slot, Table};

/// Entries that a new arena has room for at least, beyond what it takes over.
const ROOM: usize = 256;

/// The users of one key group and their lists.
pub(crate) struct Group {
    pub(crate) table: Table,
    pub(crate) arena: Arena,
    pub(crate) bodies: Bodies,
}

impl Group {
    pub(crate) fn new(number: usize) -> Group {
        Group {
            table: Table::new(number),
            arena: Arena::new(0),
            bodies: Bodies::default(),
        }
    }

    /// A new user with room for one entry, which is to be written; positions found before are void.
    pub(crate) fn add(&mut self, key: u64) -> Slot {
        let slot = Slot::new(key, self.allocate(1), 1);
        self.table.add(slot);
        slot
    }

    /// Moves the list of the user at `at` to a larger block.
    pub(crate) fn grow(&mut self, at: usize) -> Slot {
        let len = self.table.get(at).len();
        let block = self.allocate(len + 1);
        let slot = self.table.get(at);
        self.arena.copy(slot.block(), block, len);
        self.arena.release(slot.block());
        let grown = Slot::new(slot.key, block, len);
        self.table.set(at, grown);
        grown
    }

    /// Forgets the user at `at`; others may move to other positions.
    pub(crate) fn remove(&mut self, at: usize) {
        self.arena.release(self.table.get(at).block());
        self.table.remove(at);
    }

    fn allocate(&mut self, entries: usize) -> Block {
        if let Some(block) = self.arena.allocate(entries) {
            return block;
        }
        self.pack(capacity_for(entries));
        let block = self.arena.allocate(entries);
        block.expect("packing makes room")
    }

    /// Moves all lists to a new arena that has room for `more` entries, and then some.
    fn pack(&mut self, more: usize) {
        let slots = || self.table.slots().iter().filter(|slot| !slot.is_empty());
        let kept: usize = slots().map(|slot| capacity_for(slot.len())).sum();
        let mut packed = Arena::new(kept + more + ROOM.max(kept / 8));
        for slot in self.table.slots_mut() {
            let len = slot.len();
            if !slot.is_empty() {
                let block = packed.allocate(len).expect("room for all lists");
                packed.take_in(block, &self.arena, slot.block(), len);
                *slot = Slot::new(slot.key, block, len);
            }
        }
        self.arena = packed;
    }
}
