//! Memory for the lists of users: blocks of entries in size classes, in pages that never move.
//!
//! What must hold: a block belongs to at most one user; pages are kept and reused, never returned.

use super::entry::{ENTRY_BYTES, Entry};

/// Entries a page holds at least.
const PAGE_ENTRIES: usize = 4096;
/// Longest list: a slot has 24 bits for its length.
pub(crate) const LEN_MAX: usize = (1 << 24) - 1;

/// Which block: its class and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) class: u8,
    pub(crate) index: u32,
}

struct Class {
    entries: usize,
    /// Blocks of a page, as a power of two: finding a block takes no division.
    page_shift: u32,
    pages: Vec<Box<[u8]>>,
    used: u32,
    free: Vec<u32>,
}

/// All blocks of one worker.
pub(crate) struct Arena {
    classes: Vec<Class>,
}

/// Capacities in entries: each up to 8, then growing by about an eighth, rounded up to even.
fn capacities() -> Vec<usize> {
    let mut capacities: Vec<usize> = (1..=8).collect();
    while *capacities.last().expect("not empty") < LEN_MAX {
        let last = *capacities.last().expect("not empty");
        // Long lists grow faster: copying them is what costs.
        let step = if last < 64 { last / 8 } else { last / 4 };
        capacities.push((last + step).next_multiple_of(2).min(LEN_MAX));
    }
    capacities
}

impl Arena {
    pub(crate) fn new() -> Arena {
        let class = |entries: usize| Class {
            entries,
            page_shift: (PAGE_ENTRIES / entries).max(1).ilog2(),
            pages: Vec::new(),
            used: 0,
            free: Vec::new(),
        };
        let classes: Vec<Class> = capacities().into_iter().map(class).collect();
        assert!(classes.len() <= u8::MAX as usize);
        Arena { classes }
    }

    /// The least class that holds `entries`.
    pub(crate) fn class_for(&self, entries: usize) -> u8 {
        assert!(
            entries <= LEN_MAX,
            "a user has more than {LEN_MAX} retained events"
        );
        self.classes
            .partition_point(|class| class.entries < entries) as u8
    }

    pub(crate) fn capacity(&self, class: u8) -> usize {
        self.classes[class as usize].entries
    }

    pub(crate) fn allocate(&mut self, class: u8) -> Block {
        let of = &mut self.classes[class as usize];
        if let Some(index) = of.free.pop() {
            return Block { class, index };
        }
        if of.used as usize == of.pages.len() << of.page_shift {
            of.pages
                .push(vec![0; (of.entries << of.page_shift) * ENTRY_BYTES].into_boxed_slice());
        }
        of.used += 1;
        Block {
            class,
            index: of.used - 1,
        }
    }

    pub(crate) fn release(&mut self, block: Block) {
        self.classes[block.class as usize].free.push(block.index);
    }

    /// The block's bytes: its capacity times [`ENTRY_BYTES`].
    #[inline]
    pub(crate) fn bytes(&mut self, block: Block) -> &mut [u8] {
        let class = &mut self.classes[block.class as usize];
        let (page, offset) = class.place(block.index);
        let size = class.entries * ENTRY_BYTES;
        &mut class.pages[page][offset..offset + size]
    }

    /// The byte of the block an append would write, to be fetched ahead of use.
    #[inline]
    pub(crate) fn address(&self, block: Block, len: usize) -> &u8 {
        let class = &self.classes[block.class as usize];
        let (page, offset) = class.place(block.index);
        &class.pages[page][offset + (len.saturating_sub(1)) * ENTRY_BYTES]
    }

    /// Moves the first `len` entries into a block of another class.
    pub(crate) fn resize(&mut self, block: Block, len: usize, class: u8) -> Block {
        let moved = self.allocate(class);
        let bytes = len * ENTRY_BYTES;
        if moved.class == block.class {
            let copy = self.bytes(block)[..bytes].to_vec();
            self.bytes(moved)[..bytes].copy_from_slice(&copy);
        } else {
            let [from, to] = self
                .classes
                .get_disjoint_mut([block.class as usize, moved.class as usize])
                .expect("two classes");
            to.block(moved.index)[..bytes].copy_from_slice(&from.block(block.index)[..bytes]);
        }
        self.release(block);
        moved
    }
}

impl Class {
    #[inline]
    fn place(&self, index: u32) -> (usize, usize) {
        let index = index as usize;
        let in_page = index & ((1 << self.page_shift) - 1);
        (
            index >> self.page_shift,
            in_page * self.entries * ENTRY_BYTES,
        )
    }

    fn block(&mut self, index: u32) -> &mut [u8] {
        let (page, offset) = self.place(index);
        let size = self.entries * ENTRY_BYTES;
        &mut self.pages[page][offset..offset + size]
    }
}

/// A user's entries in order, in place in their block.
pub(crate) struct List<'a> {
    pub(crate) bytes: &'a mut [u8],
    pub(crate) len: usize,
}

impl List<'_> {
    #[inline]
    pub(crate) fn get(&self, at: usize) -> Entry {
        Entry::load(&self.bytes[at * ENTRY_BYTES..(at + 1) * ENTRY_BYTES])
    }

    #[inline]
    pub(crate) fn set(&mut self, at: usize, entry: Entry) {
        entry.store(&mut self.bytes[at * ENTRY_BYTES..(at + 1) * ENTRY_BYTES]);
    }

    /// Shifts the entries from `at` on and puts `entry` there; the block has room.
    pub(crate) fn insert(&mut self, at: usize, entry: Entry) {
        let (from, to) = (at * ENTRY_BYTES, self.len * ENTRY_BYTES);
        if from != to {
            self.bytes.copy_within(from..to, from + ENTRY_BYTES);
        }
        self.len += 1;
        self.set(at, entry);
    }

    pub(crate) fn remove(&mut self, at: usize) {
        let (from, to) = ((at + 1) * ENTRY_BYTES, self.len * ENTRY_BYTES);
        self.bytes.copy_within(from..to, from - ENTRY_BYTES);
        self.len -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacities_grow_and_cover_the_longest_list() {
        let capacities = capacities();
        assert!(capacities.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(*capacities.last().unwrap(), LEN_MAX);
    }

    #[test]
    fn blocks_do_not_overlap_and_are_reused() {
        let mut arena = Arena::new();
        let class = arena.class_for(3);
        let blocks: Vec<Block> = (0..5000).map(|_| arena.allocate(class)).collect();
        for (i, &block) in blocks.iter().enumerate() {
            arena.bytes(block).fill(i as u8);
        }
        for (i, &block) in blocks.iter().enumerate() {
            assert!(arena.bytes(block).iter().all(|&byte| byte == i as u8));
        }
        arena.release(blocks[17]);
        assert_eq!(arena.allocate(class), blocks[17]);
        let grown = arena.resize(blocks[9], 3, arena.class_for(4));
        assert!(
            arena.bytes(grown)[..3 * ENTRY_BYTES]
                .iter()
                .all(|&byte| byte == 9)
        );
    }
}
