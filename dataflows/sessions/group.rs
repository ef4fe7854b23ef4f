//! One key group: its users, and the memory of their lists.
//!
//! All that an event of the group needs lies in a few small pieces of memory, so that events of one group, taken one
//! after the other, find it in the cache. When much of the arena waits to be taken again, the lists move to a new one,
//! each into a block of its size: that takes microseconds.

use super::arena::{Arena, Block};
use super::entry::Bodies;
use super::list::List;
use super::table::Table;

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
            arena: Arena::default(),
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
        let slot = self.table.get_mut(at);
        let block = self.arena.allocate(slot.older() + 1);
        self.arena.copy(slot.block, block, slot.older());
        self.arena.release(slot.block);
        slot.block = block;
    }

    /// Forgets the user at `at`; others may move to other places.
    pub(crate) fn remove(&mut self, at: usize) {
        self.arena.release(self.table.get(at).block);
        self.table.remove(at);
    }

    /// Gives the block of the user at `at` back if nothing is left in it.
    pub(crate) fn shrink(&mut self, at: usize) {
        let slot = self.table.get_mut(at);
        if slot.older() == 0 && slot.block.is_some() {
            self.arena.release(slot.block);
            slot.block = Block::NONE;
        }
    }

    /// Moves all lists to a new arena if the old one is sparse.
    pub(crate) fn pack(&mut self) {
        if !self.arena.is_sparse() {
            return;
        }
        let mut packed = Arena::default();
        for slot in self.table.iter_mut().filter(|slot| slot.block.is_some()) {
            let older = slot.older();
            let from = std::mem::replace(&mut slot.block, Block::NONE);
            if older > 0 {
                slot.block = packed.allocate(older);
                packed.take_in(slot.block, &self.arena, from, older);
            }
        }
        self.arena = packed;
    }
}
