//! Memory for the older entries of one key group's users: blocks in size classes, in one piece.
//!
//! What must hold: a block belongs to at most one user. A block that is given back is taken again by the next list of
//! its size; what nobody takes again is left behind when the group moves to a new arena.

use super::entry::ENTRY_BYTES;

/// Longest list.
const LEN_MAX: usize = (1 << 28) - 1;
const CLASSES: usize = 93;
/// Classes whose blocks are taken again; larger ones are rare.
const REUSED_CLASSES: usize = 24;
/// No block given back.
const NONE: u32 = u32::MAX;

/// Capacities in entries: each up to 8, then growing by about an eighth, rounded up to even.
static CAPACITIES: [usize; CLASSES] = {
    let mut capacities = [LEN_MAX; CLASSES];
    let mut class = 0;
    let mut next = 1;
    while next < LEN_MAX {
        capacities[class] = next;
        class += 1;
        // Long lists grow faster: copying them is what costs.
        next = match next {
            ..8 => next + 1,
            8..64 => (next + next / 8).next_multiple_of(2),
            _ => (next + next / 4).next_multiple_of(2),
        };
    }
    assert!(
        class == CLASSES - 1,
        "the last class holds the longest list"
    );
    capacities
};

/// The least class that holds `entries`.
#[inline]
fn class_for(entries: usize) -> usize {
    assert!(
        entries <= LEN_MAX,
        "a user has more than {LEN_MAX} retained events"
    );
    match entries {
        ..=8 => entries.saturating_sub(1),
        _ => CAPACITIES.partition_point(|&capacity| capacity < entries),
    }
}

/// The entries that a block for `entries` has room for.
pub(crate) fn capacity_for(entries: usize) -> usize {
    CAPACITIES[class_for(entries)]
}

/// Which block: its class and where it starts, in entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) class: u8,
    pub(crate) start: u32,
}

impl Block {
    /// No block.
    pub(crate) const NONE: Block = Block {
        class: u8::MAX,
        start: 0,
    };

    #[inline]
    fn bytes(self) -> std::ops::Range<usize> {
        let start = self.start as usize * ENTRY_BYTES;
        let capacity = CAPACITIES.get(self.class as usize).copied();
        start..start + capacity.unwrap_or(0) * ENTRY_BYTES
    }
}

/// The blocks of one key group.
pub(crate) struct Arena {
    bytes: Box<[u8]>,
    /// Entries that are, or once were, in a block.
    used: usize,
    /// By class, the start of a block given back; its first bytes tell the next one.
    free: [u32; REUSED_CLASSES],
}

impl Arena {
    /// With room for so many entries.
    pub(crate) fn new(entries: usize) -> Arena {
        Arena {
            bytes: vec![0; entries * ENTRY_BYTES].into_boxed_slice(),
            used: 0,
            free: [NONE; REUSED_CLASSES],
        }
    }

    /// A block for `entries`, if there is room.
    pub(crate) fn allocate(&mut self, entries: usize) -> Option<Block> {
        let class = class_for(entries);
        let mut block = Block {
            class: class as u8,
            start: self.used as u32,
        };
        if let Some(free) = self.free.get_mut(class).filter(|free| **free != NONE) {
            block.start = *free;
            let next = &self.bytes[block.bytes()][..4];
            *free = u32::from_le_bytes(next.try_into().expect("four bytes"));
            return Some(block);
        }
        if block.bytes().end > self.bytes.len() {
            return None;
        }
        self.used += CAPACITIES[class];
        Some(block)
    }

    pub(crate) fn release(&mut self, block: Block) {
        if let Some(free) = self.free.get_mut(block.class as usize) {
            let next = std::mem::replace(free, block.start);
            self.bytes[block.bytes()][..4].copy_from_slice(&next.to_le_bytes());
        }
    }

    /// The block's bytes: its capacity times [`ENTRY_BYTES`].
    #[inline]
    pub(crate) fn bytes(&mut self, block: Block) -> &mut [u8] {
        &mut self.bytes[block.bytes()]
    }

    /// Where the last of `len` entries is, if there is one, to be fetched ahead of use.
    #[inline]
    pub(crate) fn last(&self, block: Block, len: usize) -> Option<&u8> {
        let last = len.checked_sub(1)?;
        self.bytes.get((block.start as usize + last) * ENTRY_BYTES)
    }

    /// Copies a list of `len` entries from one block to another.
    pub(crate) fn copy(&mut self, from: Block, to: Block, len: usize) {
        let start = from.bytes().start;
        self.bytes
            .copy_within(start..start + len * ENTRY_BYTES, to.bytes().start);
    }

    /// Copies a list of `len` entries from a block of another arena.
    pub(crate) fn take_in(&mut self, to: Block, other: &Arena, from: Block, len: usize) {
        let bytes = len * ENTRY_BYTES;
        self.bytes[to.bytes()][..bytes].copy_from_slice(&other.bytes[from.bytes()][..bytes]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_class_that_holds_a_list() {
        assert!(CAPACITIES.is_sorted_by(|a, b| a < b));
        for entries in (1..3_000).chain([LEN_MAX - 1, LEN_MAX]) {
            let class = class_for(entries);
            assert!(CAPACITIES[class] >= entries);
            assert!(class == 0 || CAPACITIES[class - 1] < entries);
        }
    }

    #[test]
    fn blocks_do_not_overlap_and_are_taken_again() {
        let mut arena = Arena::new(600);
        let blocks: Vec<Block> = std::iter::from_fn(|| arena.allocate(3)).collect();
        assert_eq!(blocks.len(), 200);
        for (i, &block) in blocks.iter().enumerate() {
            arena.bytes(block).fill(i as u8);
        }
        for (i, &block) in blocks.iter().enumerate() {
            assert!(arena.bytes(block).iter().all(|&byte| byte == i as u8));
        }
        for again in [17, 5, 90] {
            arena.release(blocks[again]);
        }
        let taken = [(); 3].map(|()| arena.allocate(3));
        assert_eq!(taken, [90, 5, 17].map(|at| Some(blocks[at])));
        assert_eq!(arena.allocate(3), None);
    }
}
