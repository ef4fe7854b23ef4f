//! A user in eighteen bytes: who, how many entries, where they are, and when the newest was made.

use super::arena::{Block, CHUNK, LEN_MAX};

/// A stamp counts spans of 2^15 ms, half a minute, and starts anew after 24 days.
const STAMP_SHIFT: u32 = 15;
const START_BITS: u32 = 8;
const CLASS_BITS: u32 = 7;
/// The class of no block.
const NONE: u32 = (1 << CLASS_BITS) - 1;

/// One user of a key group, or an empty place.
#[derive(Clone, Copy)]
#[repr(C, packed(2))]
pub(crate) struct Slot {
    /// The 64 bits of the user's hash that are independent of the group.
    pub(crate) key: u64,
    /// The number of the block's chunk, and below it where in the chunk the block starts.
    chunk_start: u32,
    /// The number of entries, and below it the block's class.
    len_class: u32,
    /// Of the newest event.
    seen: u16,
}

const _: () = assert!(size_of::<Slot>() == 18, "a slot is small");
const _: () = assert!(
    CHUNK <= 1 << START_BITS,
    "a slot can say where a block starts"
);
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
        seen: 0,
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

    /// Notes the time of the newest event, in milliseconds since 2000.
    #[inline]
    pub(super) fn set_seen(&mut self, time: i64) {
        self.seen = (time >> STAMP_SHIFT) as u16;
    }

    /// Whether the newest event seems to lie more than `reach_ms` before `time`: true where it does by a minute to
    /// twelve days, never where it lies after `time` by less than that.
    #[inline]
    pub(crate) fn seems_older(&self, time: i64, reach_ms: i64) -> bool {
        let spans = ((time >> STAMP_SHIFT) as u16).wrapping_sub(self.seen);
        (spans < 1 << 15) & (i64::from(spans) > (reach_ms >> STAMP_SHIFT) + 1)
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
        let last = block((1 << 24) - 1, (1 << START_BITS) - 1, NONE as u8 - 1);
        let mut slot = Slot::new(u64::MAX, last);
        slot.set_len(LEN_MAX);
        assert_eq!((slot.len(), slot.block()), (LEN_MAX, last));
        slot.set_block(block(5, 6, 7));
        assert_eq!((slot.len(), slot.block()), (LEN_MAX, block(5, 6, 7)));
        slot.set_len(0);
        assert_eq!((slot.len(), slot.block()), (0, block(5, 6, 7)));
    }

    #[test]
    fn a_slot_tells_about_when_it_was_seen() {
        let (minute, day) = (60_000, 86_400_000);
        let mut slot = Slot::EMPTY;
        for newest in [0, 13 * day, 9_000 * day + 17] {
            slot.set_seen(newest);
            for reach in [0, 30 * minute, 7 * day] {
                let seems = |time| slot.seems_older(time, reach);
                assert!(!seems(newest - 12 * day) && !seems(newest) && !seems(newest + reach));
                assert!(seems(newest + reach + 2 * minute));
                assert!(seems(newest + 12 * day) || reach > 11 * day);
            }
        }
    }
}
