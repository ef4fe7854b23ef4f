//! The keys as they stand in a line, and the order in which they come.

use crate::ingest::schema::{FIELDS, Field, FieldKind, NAMES};

/// The longest key that can be compared at once, with its quotes, comma and colon.
const LONGEST: usize = 16;
/// Room for the indices of [`NAMES`] and of what stands for no name; a power of two, so that a mask bounds them.
const SLOTS: usize = 32;
/// A key that is none of [`NAMES`].
const UNKNOWN: usize = NAMES.len();
/// The start of a line.
pub(super) const START: usize = NAMES.len() + 1;

const _: () = assert!(START < SLOTS);

/// Which key followed which the last time: an index of [`PATTERNS`] by the index of the one before. A field that comes
/// and goes costs one look-up where it does, and the rest of the line is still foreseen.
#[derive(Debug)]
pub(super) struct KeyOrder([u8; SLOTS]);

impl Default for KeyOrder {
    fn default() -> KeyOrder {
        KeyOrder([UNKNOWN as u8; SLOTS])
    }
}

impl KeyOrder {
    /// What followed the last time.
    #[inline(always)]
    pub(super) fn after(&self, index: usize) -> &'static Pattern {
        &PATTERNS[usize::from(self.0[index % SLOTS]) % SLOTS]
    }

    /// Looks a key up and remembers that it follows.
    pub(super) fn learn(&mut self, index: usize, key: &str) -> &'static Pattern {
        let found = NAMES.iter().position(|(name, _)| *name == key);
        let pattern = &PATTERNS[found.unwrap_or(UNKNOWN)];
        self.0[index] = pattern.index;
        pattern
    }
}

/// A key as it stands in a line, from the comma before it to the colon behind.
#[derive(Clone, Copy)]
pub(super) struct Pattern {
    bytes: u128,
    mask: u128,
    pub(super) len: usize,
    /// One bit for each field; none for an unknown key.
    pub(super) bit: u32,
    pub(super) index: u8,
    pub(super) field: Field,
    pub(super) kind: FieldKind,
}

/// By the index of [`NAMES`], and behind them for an unknown key.
static PATTERNS: [Pattern; SLOTS] = {
    let mut patterns = [pattern(UNKNOWN); SLOTS];
    let mut at = 0;
    while at < NAMES.len() {
        patterns[at] = pattern(at);
        at += 1;
    }
    patterns
};

const fn pattern(index: usize) -> Pattern {
    if index == UNKNOWN {
        // No text has such bytes: it never is where it is expected.
        let (bytes, mask) = (u128::MAX, u128::MAX);
        let (field, kind) = (Field::Attributes, FieldKind::Ignored);
        return Pattern {
            bytes,
            mask,
            len: LONGEST,
            bit: 0,
            index: UNKNOWN as u8,
            field,
            kind,
        };
    }
    let (name, field) = NAMES[index];
    let name = name.as_bytes();
    let mut bytes = [0; LONGEST];
    bytes[0] = b',';
    bytes[1] = b'"';
    let mut i = 0;
    while i < name.len() {
        bytes[i + 2] = name[i];
        i += 1;
    }
    bytes[name.len() + 2] = b'"';
    // Fails to compile for a name that is too long to be compared at once.
    bytes[name.len() + 3] = b':';
    let len = name.len() + 4;
    Pattern {
        bytes: u128::from_le_bytes(bytes),
        mask: u128::MAX >> (128 - 8 * len),
        len,
        bit: 1 << field as u32,
        index: index as u8,
        field,
        kind: FIELDS[field as usize].kind,
    }
}

impl Pattern {
    /// Whether these bytes are it, with `first` in the place of the comma.
    #[inline(always)]
    pub(super) fn is(&self, bytes: u128, first: u8) -> bool {
        let expected = self.bytes ^ u128::from(first ^ b',');
        (bytes ^ expected) & self.mask == 0
    }

    /// Whether these bytes are it without the comma.
    #[inline(always)]
    pub(super) fn is_bare(&self, bytes: u128) -> bool {
        (bytes ^ (self.bytes >> 8)) & (self.mask >> 8) == 0
    }
}
