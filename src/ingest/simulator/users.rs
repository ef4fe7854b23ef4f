//! The population: who comes next, and what is fixed about them.
//!
//! Users are ranks by how often they come. All that is fixed about one (id, region, device, home advertiser) follows from
//! the rank, so the only state is when each may come again: four bytes a user, whatever the length of the stream.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::draw::{Random, Zipf};

/// A user stays away for longer than the 30 minutes that end a session after everything they did.
const AWAY_S: i64 = 31 * 60;
const VISITING: u32 = u32::MAX;
/// The busiest ranks are often away; the others are found in a few tries unless nearly everybody is.
const TRIES: usize = 64;

pub(super) struct Users {
    start_ms: i64,
    ranks: Zipf,
    /// By rank: second of the run from which the user may come again.
    free_at_s: Vec<u32>,
    bits: u32,
}

impl Users {
    pub(super) fn new(count: u32, exponent: f64, start_ms: i64) -> Users {
        Users {
            start_ms,
            ranks: Zipf::new(count, exponent),
            free_at_s: vec![0; count as usize],
            bits: (u32::BITS - (count - 1).leading_zeros()).max(2),
        }
    }

    pub(super) fn count(&self) -> u32 {
        self.free_at_s.len() as u32
    }

    /// The rank of somebody who is not visiting and has been away for long enough.
    pub(super) fn draw(&self, random: &mut Random, now_ms: i64) -> Option<u32> {
        let now_s = ((now_ms - self.start_ms) / 1000) as u32;
        (0..TRIES)
            .map(|_| self.ranks.draw(random))
            .find(|&rank| self.free_at_s[rank as usize] <= now_s)
    }

    pub(super) fn enter(&mut self, rank: u32) {
        self.free_at_s[rank as usize] = VISITING;
    }

    pub(super) fn leave(&mut self, rank: u32, last_ms: i64) {
        let free_at_s = (last_ms - self.start_ms) / 1000 + 1 + AWAY_S;
        self.free_at_s[rank as usize] = free_at_s as u32;
    }

    /// The user's number, below `count`: a permutation of the ranks, so that ids say nothing about habits. Each round is
    /// one to one on `bits` bits; a result that is no user goes round again.
    pub(super) fn id(&self, rank: u32) -> u32 {
        let mask = ((1u64 << self.bits) - 1) as u32;
        let shift = self.bits / 2;
        let mut id = rank;
        loop {
            for factor in [0x9E37_79B1u32, 0x85EB_CA6B] {
                id = id.wrapping_mul(factor) & mask;
                id ^= id >> shift;
            }
            if id < self.count() {
                return id;
            }
        }
    }
}

/// 64 bits fixed by the user, different for each question asked of them.
pub(super) fn trait_of(rank: u32, question: u64) -> u64 {
    xxh3_64_with_seed(&rank.to_le_bytes(), question)
}
