//! Memory for the entries of one key group's users: blocks in size classes, cut from chunks of one size.
//!
//! What must hold: a block belongs to at most one user. A block that is given back is taken again by the next list that fits in
//! it, and what is left of it by the next one; when much waits to be taken again, the group moves to new chunks.

use crate::prefetch::prefetch;

use super::entry::{NARROW_BYTES, Narrow};

/// Longest list, in places.
pub(super) const PLACES_MAX: usize = (1 << 25) - 2;
const CLASSES: usize = 108;
/// Blocks of these classes are cut from common chunks and taken again; a larger one is a chunk of its own.
const CUT_CLASSES: usize = 38;
/// Capacity of a chunk, in places. All are alike, so that memory given back by one group serves any other; its bytes are
/// just below a size that the allocator hands out.
pub(super) const CHUNK: usize = 179;
/// The largest block that shares its chunk.
const CUT_MAX: usize = 162;
/// Fetched ahead: so many of the last places, in two or three lines of the cache.
const FETCHED: usize = 11;
/// No block given back.
const NONE: u32 = u32::MAX;

/// Capacities in places: each number up to 16, then growing by about an eighth; those of whole chunks are the allocator's
/// sizes, a fifth or so apart.
static CAPACITIES: [usize; CLASSES] = {
    let mut capacities = [PLACES_MAX; CLASSES];
    let mut class = 0;
    let mut next = 1;
    while next < PLACES_MAX {
        capacities[class] = next;
        class += 1;
        next = match next {
            ..16 => next + 1,
            16..CUT_MAX => next + next / 8,
            _ => handed_out((next + 1) * NARROW_BYTES) / NARROW_BYTES,
        };
    }
    assert!(
        class == CLASSES - 1,
        "the last class holds the longest list"
    );
    assert!(
        capacities[CUT_CLASSES - 1] <= CHUNK && CUT_CLASSES <= u64::BITS as usize,
        "a block lies in one chunk, and its class has a bit"
    );
    capacities
};

/// How many bytes the allocator hands out for so many: it has four sizes to a doubling.
const fn handed_out(bytes: usize) -> usize {
    bytes.next_multiple_of(1 << (bytes.ilog2() - 2))
}

/// The least class that holds so many places.
#[inline]
fn class_for(places: usize) -> usize {
    assert!(
        places <= PLACES_MAX,
        "a user has more than {PLACES_MAX} places of retained events"
    );
    match places {
        ..=16 => places.max(1) - 1,
        _ => CAPACITIES.partition_point(|&capacity| capacity < places),
    }
}

/// Which block: its chunk, where it starts there, in places, and its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(super) chunk: u32,
    pub(super) start: u16,
    pub(super) class: u8,
}

impl Block {
    pub(crate) fn capacity(self) -> usize {
        CAPACITIES[self.class as usize]
    }

    #[inline]
    fn range(self) -> std::ops::Range<usize> {
        let start = self.start as usize;
        start..start + self.capacity()
    }
}

/// Memory that blocks are cut from, or one large block.
pub(crate) type Chunk = Box<[Narrow]>;

/// The blocks of one key group.
pub(crate) struct Arena {
    chunks: Vec<Chunk>,
    /// The chunk that blocks are cut from, and where the next one starts, in places.
    open: Option<(u32, usize)>,
    /// By class, a block given back, chunk and start; its first place tells the next one.
    free: [(u32, u16); CUT_CLASSES],
    /// Of the classes with such a block, a bit each.
    given_back: u64,
    /// Places that no list has.
    idle: usize,
    /// The least of these since the lists came here: ends of chunks that no list fits in are no use moving for.
    idle_least: usize,
    /// Places of the common chunks.
    places: usize,
    /// Chunks of one large block each that was given back.
    unused: Vec<u32>,
}

impl Default for Arena {
    fn default() -> Arena {
        Arena {
            chunks: Vec::new(),
            open: None,
            free: [(NONE, 0); CUT_CLASSES],
            given_back: 0,
            idle: 0,
            idle_least: 0,
            places: 0,
            unused: Vec::new(),
        }
    }
}

fn chunk(places: usize) -> Chunk {
    vec![[0; NARROW_BYTES]; places].into_boxed_slice()
}

impl Arena {
    /// A block of so many `places`.
    pub(crate) fn allocate(&mut self, places: usize) -> Block {
        let class = class_for(places);
        if class >= CUT_CLASSES {
            return self.own_chunk(class);
        }
        self.reuse(class)
            .or_else(|| self.split(class))
            .or_else(|| self.cut(class))
            .unwrap_or_else(|| {
                self.open_chunk();
                self.cut(class).expect("a chunk holds a block")
            })
    }

    /// Whether a block of so many `places` needs no more memory.
    pub(crate) fn has_room(&self, places: usize) -> bool {
        let class = class_for(places);
        let fits = |(_, start): (u32, usize)| start + CAPACITIES[class] <= CHUNK;
        class < CUT_CLASSES && (self.open.is_some_and(fits) || self.given_back >> class != 0)
    }

    fn own_chunk(&mut self, class: usize) -> Block {
        let places = chunk(CAPACITIES[class]);
        let chunk = match self.unused.pop() {
            Some(number) => {
                self.chunks[number as usize] = places;
                number
            }
            None => self.push(places),
        };
        Block {
            chunk,
            start: 0,
            class: class as u8,
        }
    }

    fn push(&mut self, chunk: Chunk) -> u32 {
        self.chunks.push(chunk);
        self.chunks.len() as u32 - 1
    }

    /// A block of the class that was given back.
    fn reuse(&mut self, class: usize) -> Option<Block> {
        let (chunk, start) = self.free[class];
        if chunk == NONE {
            return None;
        }
        let block = Block {
            chunk,
            start,
            class: class as u8,
        };
        let next = read_link(&self.chunks[chunk as usize][start as usize]);
        if next.0 != NONE {
            prefetch(&self.chunks[next.0 as usize][next.1 as usize]);
        }
        self.free[class] = next;
        self.given_back &= !(u64::from(next.0 == NONE) << class);
        self.idle -= block.capacity();
        self.idle_least = self.idle_least.min(self.idle);
        Some(block)
    }

    /// A new block out of the open chunk.
    fn cut(&mut self, class: usize) -> Option<Block> {
        let (chunk, start) = self.open?;
        let end = start + CAPACITIES[class];
        if end > CHUNK {
            return None;
        }
        self.open = Some((chunk, end));
        Some(Block {
            chunk,
            start: start as u16,
            class: class as u8,
        })
    }

    /// The start of a larger block that was given back; the rest of it is given back in turn.
    fn split(&mut self, class: usize) -> Option<Block> {
        let larger = self.given_back >> class >> 1 << 1 << class;
        if larger == 0 {
            return None;
        }
        let block = self.reuse(larger.trailing_zeros() as usize)?;
        let capacity = CAPACITIES[class];
        let start = block.start as usize + capacity;
        self.release_span(block.chunk, start, block.capacity() - capacity);
        Some(Block {
            class: class as u8,
            ..block
        })
    }

    /// Goes on in a new chunk.
    fn open_chunk(&mut self) {
        if let Some((chunk, start)) = self.open.take() {
            self.release_span(chunk, start, CHUNK - start);
        }
        self.places += CHUNK;
        let chunk = self.push(chunk(CHUNK));
        self.open = Some((chunk, 0));
    }

    /// Gives places back that are no block, as blocks.
    fn release_span(&mut self, chunk: u32, mut start: usize, mut places: usize) {
        while places > 0 {
            let fits = CAPACITIES[..CUT_CLASSES].partition_point(|&capacity| capacity <= places);
            let block = Block {
                chunk,
                start: start as u16,
                class: fits as u8 - 1,
            };
            self.release(block);
            start += block.capacity();
            places -= block.capacity();
        }
    }

    pub(crate) fn release(&mut self, block: Block) {
        let class = block.class as usize;
        if class >= CUT_CLASSES {
            self.chunks[block.chunk as usize] = Box::default();
            self.unused.push(block.chunk);
            return;
        }
        let next = std::mem::replace(&mut self.free[class], (block.chunk, block.start));
        self.given_back |= 1 << class;
        self.idle += block.capacity();
        write_link(&mut self.places(block)[0], next);
    }

    /// All lists have come: what is idle now would be so after another move.
    pub(crate) fn settle(&mut self) {
        self.idle_least = self.idle;
    }

    /// Whether so much waits to be taken again that it pays to move: more than one of `share` places.
    pub(crate) fn is_sparse(&self, share: usize) -> bool {
        self.idle - self.idle_least > CHUNK.max(self.places / share)
    }

    /// The places of the block.
    #[inline]
    pub(crate) fn places(&mut self, block: Block) -> &mut [Narrow] {
        &mut self.chunks[block.chunk as usize][block.range()]
    }

    /// Fetches where the chunks are noted, ahead of [`Arena::chunk`].
    #[inline]
    pub(crate) fn fetch_head(&self) {
        prefetch(&self.chunks);
    }

    /// Where the block's chunk is noted, to be fetched ahead of use.
    #[inline]
    pub(crate) fn chunk(&self, block: Block) -> Option<&Chunk> {
        self.chunks.get(block.chunk as usize)
    }

    /// The last of `len` places, if they are there, to be fetched ahead of use.
    #[inline]
    pub(crate) fn newest(&self, block: Block, len: usize) -> Option<&[Narrow]> {
        let end = block.start as usize + len;
        let start = end - FETCHED.min(len);
        self.chunks.get(block.chunk as usize)?.get(start..end)
    }

    /// Copies a list of `len` places from one block to another.
    pub(crate) fn copy(&mut self, from: Block, to: Block, len: usize) {
        let (source, target) = (from.start as usize, to.start as usize);
        if from.chunk == to.chunk {
            self.chunks[from.chunk as usize].copy_within(source..source + len, target);
            return;
        }
        let pair = [from.chunk as usize, to.chunk as usize];
        let [old, new] = self.chunks.get_disjoint_mut(pair).expect("two chunks");
        new[target..target + len].copy_from_slice(&old[source..source + len]);
    }

    /// Copies a list of `len` places from a block of another arena.
    pub(crate) fn take_in(&mut self, to: Block, other: &Arena, from: Block, len: usize) {
        let source = &other.chunks[from.chunk as usize][from.range()];
        self.places(to)[..len].copy_from_slice(&source[..len]);
    }
}

fn read_link(first: &Narrow) -> (u32, u16) {
    let chunk = first[..4].try_into().expect("four bytes");
    let start = first[4..6].try_into().expect("two bytes");
    (u32::from_le_bytes(chunk), u16::from_le_bytes(start))
}

fn write_link(first: &mut Narrow, (chunk, start): (u32, u16)) {
    first[..4].copy_from_slice(&chunk.to_le_bytes());
    first[4..6].copy_from_slice(&start.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_class_that_holds_a_list() {
        assert!(CAPACITIES.is_sorted_by(|a, b| a < b));
        for places in (1..3_000).chain([PLACES_MAX - 1, PLACES_MAX]) {
            let class = class_for(places);
            assert!(CAPACITIES[class] >= places);
            assert!(class == 0 || CAPACITIES[class - 1] < places);
        }
    }

    /// Random lists come, grow and go: each reads back what it wrote, and memory follows what is held.
    #[test]
    fn blocks_do_not_overlap_and_are_taken_again() {
        let mut arena = Arena::default();
        let mut held: Vec<(Block, usize, u8)> = Vec::new();
        let mut random = 1u64;
        let mut draw = |below: usize| {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1);
            (random >> 33) as usize % below
        };
        for step in 0..60_000 {
            if held.len() < 300 || draw(2) == 0 && held.len() < 600 {
                let most = if draw(40) == 0 { 400 } else { 30 };
                let places = 1 + draw(most);
                let block = arena.allocate(places);
                arena.places(block).fill([step as u8; 10]);
                held.push((block, places, step as u8));
            } else {
                let (block, places, mark) = held.swap_remove(draw(held.len()));
                assert!(arena.places(block).len() >= places);
                assert!(arena.places(block).iter().all(|entry| *entry == [mark; 10]));
                arena.release(block);
            }
        }
        let common: usize = held.iter().map(|(block, ..)| block.capacity()).sum();
        assert!(arena.places < 4 * common, "{} for {common}", arena.places);
    }

    #[test]
    fn a_list_moves_with_its_entries() {
        let mut arena = Arena::default();
        let mut block = arena.allocate(1);
        arena.places(block).fill([7; 10]);
        for len in 1..300 {
            let larger = arena.allocate(len + 1);
            arena.copy(block, larger, len);
            arena.release(block);
            block = larger;
            let places = arena.places(block);
            assert!(places[..len].iter().all(|entry| *entry == [7; 10]));
            places.fill([7; 10]);
        }
    }
}
