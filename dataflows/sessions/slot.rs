//! A user in one cache line: who, how many entries, the newest of them, and where the older ones are.
//!
//! Most users have a few retained events, and most events meet the newest ones only: one line of memory holds all
//! that they need.

use super::arena::Block;
use super::entry::ENTRY_BYTES;

/// Entries that lie in the slot itself.
pub(crate) const NEWEST: usize = 3;

/// One user of a key group.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Slot {
    /// The 64 bits of the user's hash that are independent of the group.
    pub(crate) key: u64,
    /// Entries in all.
    pub(super) len: u32,
    /// Where the entries before the newest lie.
    pub(crate) block: Block,
    pub(super) newest: [u8; NEWEST * ENTRY_BYTES],
}

const _: () = assert!(size_of::<Slot>() == 64, "a slot is one cache line");

impl Slot {
    /// Without entries; the first is to come.
    pub(crate) fn new(key: u64) -> Slot {
        Slot {
            key,
            len: 0,
            block: Block::NONE,
            newest: [0; NEWEST * ENTRY_BYTES],
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    /// How many entries lie in the block.
    #[inline]
    pub(crate) fn older(&self) -> usize {
        self.len().saturating_sub(NEWEST)
    }
}
