//! Pseudonyms: a raw user id becomes 128 bits of keyed BLAKE3.
//!
//! In: raw ids and a key. Out: [`UserId`]s, one at a time or many at once, which is several times faster: the ids of
//! many users go through the lanes of the processor side by side. What must hold: both ways give the same pseudonym.
//! For that, an id is padded to whole blocks: a byte 0x80, then zeros, so that no two ids pad to the same bytes.

use blake3::IncrementCounter;
use blake3::platform::{Platform, words_from_le_bytes_32};
use serde::{Deserialize, Serialize};

use crate::event::KEY_GROUPS;

/// A pseudonym: 128 bits of keyed BLAKE3 over the padded raw id. There is no other way to make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UserId {
    high: u64,
    low: u64,
}

impl UserId {
    /// The pseudonym of a raw id under `key`.
    pub fn new(key: &[u8; 32], raw: &[u8]) -> UserId {
        let mut padded = raw.to_vec();
        padded.push(PADDING);
        padded.resize(padded.len().next_multiple_of(BLOCK_BYTES), 0);
        UserId::of(blake3::keyed_hash(key, &padded).as_bytes())
    }

    fn of(digest: &[u8]) -> UserId {
        let word = |at: usize| u64::from_le_bytes(digest[at..at + 8].try_into().unwrap());
        UserId {
            high: word(0),
            low: word(8),
        }
    }

    /// The key group, 0..1024.
    pub fn group(self) -> usize {
        const _: () = assert!(KEY_GROUPS == 1 << 10);
        (self.high >> 54) as usize
    }

    /// 64 bits that are independent of the group.
    pub fn key(self) -> u64 {
        self.low
    }
}

const BLOCK_BYTES: usize = 64;
const DIGEST_BYTES: usize = 32;
/// Ids that are hashed at once: as many as the widest processors have lanes.
const LANES: usize = 16;
const PADDING: u8 = 0x80;
/// Marks of BLAKE3 for a keyed hash whose only chunk, its root, is one block.
const KEYED_HASH: u8 = 1 << 4;
const CHUNK_START: u8 = 1;
const CHUNK_END_AND_ROOT: u8 = 1 << 1 | 1 << 3;

/// Ids that wait to be hashed together, each with what its pseudonym is for.
pub struct Pseudonyms<T> {
    key: [u8; 32],
    blocks: [[u8; BLOCK_BYTES]; LANES],
    waiting: Vec<T>,
}

impl<T> Pseudonyms<T> {
    pub fn new(key: [u8; 32]) -> Pseudonyms<T> {
        Pseudonyms {
            key,
            blocks: [[0; BLOCK_BYTES]; LANES],
            waiting: Vec::with_capacity(LANES),
        }
    }

    /// Takes an id in; `give` gets the pseudonyms that are ready, with what they are for.
    #[inline]
    pub fn push(&mut self, raw: &[u8], of: T, mut give: impl FnMut(T, UserId)) {
        if raw.len() >= BLOCK_BYTES {
            return give(of, UserId::new(&self.key, raw));
        }
        let block = &mut self.blocks[self.waiting.len()];
        *block = [0; BLOCK_BYTES];
        block[..raw.len()].copy_from_slice(raw);
        block[raw.len()] = PADDING;
        self.waiting.push(of);
        if self.waiting.len() == LANES {
            self.finish(give);
        }
    }

    /// Gives all that still wait.
    pub fn finish(&mut self, mut give: impl FnMut(T, UserId)) {
        let count = self.waiting.len();
        let mut digests = [[0; DIGEST_BYTES]; LANES];
        let blocks: [&[u8; BLOCK_BYTES]; LANES] = std::array::from_fn(|at| &self.blocks[at]);
        Platform::detect().hash_many(
            &blocks[..count],
            &words_from_le_bytes_32(&self.key),
            0,
            IncrementCounter::No,
            KEYED_HASH,
            CHUNK_START,
            CHUNK_END_AND_ROOT,
            digests[..count].as_flattened_mut(),
        );
        for (of, digest) in self.waiting.drain(..).zip(&digests) {
            give(of, UserId::of(digest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_at_once_are_what_each_is_alone() {
        let key = [7; 32];
        let ids: Vec<Vec<u8>> = (0..200).map(|len| vec![len as u8; len]).collect();
        let mut pseudonyms = Pseudonyms::new(key);
        let mut found = vec![None; ids.len()];
        for (number, id) in ids.iter().enumerate() {
            pseudonyms.push(id, number, |of, user| found[of] = Some(user));
        }
        pseudonyms.finish(|of, user| found[of] = Some(user));
        let alone: Vec<_> = ids.iter().map(|id| Some(UserId::new(&key, id))).collect();
        assert_eq!(found, alone);
    }

    #[test]
    fn ids_that_differ_in_their_end_only_differ() {
        let key = [7; 32];
        let ids: [&[u8]; 5] = [b"", b"\x80", b"\0", b"a", b"a\0"];
        let users: std::collections::HashSet<_> = ids.map(|id| UserId::new(&key, id)).into();
        assert_eq!(users.len(), ids.len());
    }

    #[test]
    fn key_groups_use_the_top_ten_bits() {
        let groups: std::collections::HashSet<_> = (0..100_000u32)
            .map(|i| UserId::new(&[7; 32], &i.to_le_bytes()).group())
            .collect();
        assert_eq!(groups.len(), KEY_GROUPS);
    }
}
