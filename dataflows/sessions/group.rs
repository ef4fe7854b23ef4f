//! One key group: its users, and the memory of their lists.
//!
//! All that an event of the group needs lies in a few small pieces of memory, so that events of one group, taken one
//! after the other, find it in the cache. When the arena is full, the lists move to a new one that is a little larger,
//! each into a block of its size: that takes microseconds, and leaves behind what is no longer used.

use super::arena::{Arena, Block, capacity_for};
use super::entry::Bodies;
use super::list::List;
use super::slot::Slot;
use super::table::Table;

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

    /// The entries of the user at `at`, and the bodies that they may point to.
    #[inline]
    pub(crate) fn list(&mut self, at: usize) -> (List<'_>, &mut Bodies) {
        let slot = self.table.get_mut(at);
        let older = self.arena.bytes(slot.block);
        (List { slot, older }, &mut self.bodies)
    }

    /// The last of the older entries of the user who is perhaps at `at`, to be fetched ahead of use.
    #[inline]
    pub(crate) fn last_older(&self, at: usize) -> Option<&u8> {
        let slot = self.table.peek(at)?;
        self.arena.last(slot.block, slot.older())
    }

    /// Moves the older entries of the user at `at` to a larger block.
    pub(crate) fn grow(&mut self, at: usize) {
        let older = self.table.get(at).older();
        let block = self.allocate(older + 1);
        let slot = self.table.get_mut(at);
        self.arena.copy(slot.block, block, older);
        self.arena.release(slot.block);
        slot.block = block;
    }

    /// Forgets the user at `at`; others may move to other places.
    pub(crate) fn remove(&mut self, at: usize) {
        self.arena.release(self.table.get(at).block);
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
        let older = self
            .table
            .iter()
            .map(Slot::older)
            .filter(|&older| older > 0);
        let kept: usize = older.map(capacity_for).sum();
        let mut packed = Arena::new(kept + more + ROOM.max(kept / 8));
        for slot in self.table.iter_mut() {
            let older = slot.older();
            slot.block = if older == 0 {
                Block::NONE
            } else {
                let block = packed.allocate(older).expect("room for all lists");
                packed.take_in(block, &self.arena, slot.block, older);
                block
            };
        }
        self.arena = packed;
    }
}
