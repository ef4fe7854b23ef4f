//! A user in sixteen bytes: who, how many entries, and where they are.

use super::arena::{Block, LEN_MAX};

const START_BITS: u32 = 10;
const CLASS_BITS: u32 = 7;
/// The class of no block.
const NONE: u32 = (1 << CLASS_BITS) - 1;

/// One user of a key group, or an empty place.
#[derive(Clone, Copy)]
pub(crate) struct Slot {
    /// The 64 bits of the user's hash that are independent of the group.
    pub(crate) key: u64,
    /// The number of the block's chunk, and below it where in the chunk the block starts.
    chunk_start: u32,
    /// The number of entries, and below it the block's class.
    len_class: u32,
}

const _: () = assert!(size_of::<Slot>() == 16, "four slots are one cache line");
const _: () = assert!(
    LEN_MAX < 1 << (u32::BITS - CLASS_BITS),
    "a slot can say how long the longest list is"
);

impl Slot {
    /// Nobody.
    pub(crate) const EMPTY: Slot = Slot {
        key: 0,
        chunk_start: 0,
        len_class: NONE,
    };

    /// A user without entries; the first is to come.
    pub(crate) fn new(key: u64, block: Block) -> Slot {
        let mut slot = Slot { key, ..Slot::EMPTY };
        slot.set_block(block);
        slot
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        (self.len_class >> CLASS_BITS) as usize
    }

    #[inline]
    pub(super) fn set_len(&mut self, len: usize) {
        self.len_class = (len as u32) << CLASS_BITS | self.len_class & NONE;
    }

    /// Where the entries lie.
    #[inline]
    pub(crate) fn block(&self) -> Block {
        Block {
            chunk: self.chunk_start >> START_BITS,
            start: (self.chunk_start & ((1 << START_BITS) - 1)) as u16,
            class: (self.len_class & NONE) as u8,
        }
    }

    pub(crate) fn set_block(&mut self, block: Block) {
        let Block {
            chunk,
            start,
            class,
        } = block;
        assert!(
            chunk < 1 << (u32::BITS - START_BITS),
            "the users of a key group have more retained events than a slot can number"
        );
        self.chunk_start = chunk << START_BITS | u32::from(start);
        self.len_class = self.len_class & !NONE | u32::from(class);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_tells_what_it_was_told() {
        let block = |chunk, start, class| Block {
            chunk,
            start,
            class,
        };
        let last = block((1 << 22) - 1, (1 << START_BITS) - 1, NONE as u8 - 1);
        let mut slot = Slot::new(u64::MAX, last);
        slot.set_len(LEN_MAX);
        assert_eq!((slot.len(), slot.block()), (LEN_MAX, last));
        slot.set_block(block(5, 6, 7));
        assert_eq!((slot.len(), slot.block()), (LEN_MAX, block(5, 6, 7)));
        slot.set_len(0);
        assert_eq!((slot.len(), slot.block()), (0, block(5, 6, 7)));
    }
}
