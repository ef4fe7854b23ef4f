//! A user in twenty bytes: who, how many entries, where and in what form they are, and when the newest was made.

use crate::prefetch::prefetch;

use super::arena::{Block, CHUNK, PLACES_MAX};
use super::entry::{FULL_BYTES, NARROW_BYTES, era, era_end};

/// A stamp counts spans of 2^15 ms, half a minute.
const STAMP_SHIFT: u32 = 15;
const START_BITS: u32 = 8;
const CLASS_BITS: u32 = 7;
/// The class of no block.
const NONE: u32 = (1 << CLASS_BITS) - 1;

/// One user of a key group, or an empty place.
#[derive(Clone, Copy)]
#[repr(C, packed(4))]
pub(crate) struct Slot {
    /// The 64 bits of the user's hash that are independent of the group.
    pub(crate) key: u64,
    /// The number of the block's chunk, and below it where in the chunk the block starts.
    chunk_start: u32,
    /// The number of entries, and below it the block's class.
    len_class: u32,
    /// Of the newest event, and below it whether the entries take their full size.
    seen_full: u32,
}

const _: () = assert!(size_of::<Slot>() == 20, "a slot is small");
const _: () = assert!(
    CHUNK <= 1 << START_BITS,
    "a slot can say where a block starts"
);
const _: () = assert!(
    PLACES_MAX < 1 << (u32::BITS - CLASS_BITS),
    "a slot can say how long the longest list is"
);

impl Slot {
    /// Nobody.
    pub(crate) const EMPTY: Slot = Slot {
        key: 0,
        chunk_start: 0,
        len_class: NONE,
        seen_full: 0,
    };

    /// A user without entries; the first is to come.
    pub(crate) fn new(key: u64, block: Block) -> Slot {
        let mut slot = Slot { key, ..Slot::EMPTY };
        slot.set_block(block);
        slot
    }

    /// Fetches it ahead of use, in two lines of the cache where it lies in two.
    #[inline]
    pub(crate) fn fetch(&self) {
        prefetch(self);
        prefetch(&self.seen_full);
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
        self.seen_full = ((time >> STAMP_SHIFT) as u32) << 1 | self.seen_full & 1;
    }

    /// Whether the newest event seems to lie more than `reach_ms` before `time`: true where it does by a minute or more,
    /// never where it does not.
    #[inline]
    pub(crate) fn seems_older(&self, time: i64, reach_ms: i64) -> bool {
        let spans = (time >> STAMP_SHIFT) - i64::from(self.seen_full >> 1);
        spans > (reach_ms >> STAMP_SHIFT) + 1
    }

    /// The last millisecond of the newest event's era.
    #[inline]
    pub(super) fn era_end(&self) -> i64 {
        era_end(era(i64::from(self.seen_full >> 1) << STAMP_SHIFT))
    }

    #[inline]
    pub(super) fn is_full_size(&self) -> bool {
        self.seen_full & 1 == 1
    }

    pub(super) fn set_full_size(&mut self) {
        self.seen_full |= 1;
    }

    /// How many places of its block they take.
    #[inline]
    pub(crate) fn places(&self) -> usize {
        self.places_for(self.len())
    }

    /// How many places so many of the user's entries take.
    #[inline]
    pub(crate) fn places_for(&self, entries: usize) -> usize {
        if self.is_full_size() {
            (entries * FULL_BYTES).div_ceil(NARROW_BYTES)
        } else {
            entries
        }
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
    use crate::event::{END_TIME_MS, FIRST_TIME_MS};

    #[test]
    fn a_slot_tells_what_it_was_told() {
        let block = |chunk, start, class| Block {
            chunk,
            start,
            class,
        };
        let last = block((1 << 24) - 1, (1 << START_BITS) - 1, NONE as u8 - 1);
        let mut slot = Slot::new(u64::MAX, last);
        slot.set_len(PLACES_MAX);
        assert_eq!((slot.len(), slot.block()), (PLACES_MAX, last));
        slot.set_block(block(5, 6, 7));
        assert_eq!((slot.len(), slot.block()), (PLACES_MAX, block(5, 6, 7)));
        slot.set_len(0);
        assert_eq!((slot.len(), slot.block()), (0, block(5, 6, 7)));
        assert!(!slot.is_full_size());
        slot.set_len(7);
        assert_eq!((slot.places(), slot.places_for(8)), (7, 8));
        slot.set_full_size();
        slot.set_seen(END_TIME_MS - FIRST_TIME_MS - 1);
        assert!(slot.is_full_size());
        assert_eq!((slot.places(), slot.places_for(8)), (12, 13));
    }

    #[test]
    fn a_slot_tells_about_when_it_was_seen() {
        let (minute, day) = (60_000, 86_400_000);
        let mut slot = Slot::EMPTY;
        for newest in [
            0,
            13 * day,
            9_000 * day + 17,
            END_TIME_MS - FIRST_TIME_MS - 1,
        ] {
            slot.set_seen(newest);
            for reach in [0, 30 * minute, 7 * day] {
                let seems = |time| slot.seems_older(time, reach);
                assert!(!seems(newest - 12 * day) && !seems(newest) && !seems(newest + reach));
                assert!(seems(newest + reach + 2 * minute) && seems(newest + reach + 9_000 * day));
            }
            assert_eq!(slot.era_end(), era_end(era(newest)));
        }
    }
}
