//! One retained event in 13 bytes, and the body of those that need more.
//!
//! From the top bit down: time 42 (milliseconds since 2000), kind 2, tag 32 (the top half of the id's hash), joined 1
//! (same session as the entry before it), wide 1; then age 10 and label 16, or the number of a body. Without sequences the integer order of the upper
//! 76 bits is the order of a user's events. The id of a duplicate is found by time and tag: two ids of one user in
//! one millisecond are mistaken for one with probability 2^-32.

use crate::event::{Event, FIRST_TIME_MS, Kind, Micros, Minute};
use crate::labels::LabelId;

/// Bytes of an entry in a block.
const ENTRY_BYTES: usize = 13;
/// An entry as it lies in a block.
pub(crate) type Packed = [u8; ENTRY_BYTES];

/// Greatest age an entry can hold; its meaning is "so old or older".
const AGE_MAX: u32 = (1 << AGE_BITS) - 1;
const AGE_BITS: u32 = 10;
const LABEL_BITS: u32 = 16;
const AGE_SHIFT: u32 = LABEL_BITS;
/// Of the number of a body.
const BODY_BITS: u32 = LABEL_BITS + AGE_BITS;
const WIDE_SHIFT: u32 = BODY_BITS;
const JOINED_SHIFT: u32 = WIDE_SHIFT + 1;
const TAG_SHIFT: u32 = JOINED_SHIFT + 1;
const KIND_SHIFT: u32 = TAG_SHIFT + 32;
const TIME_SHIFT: u32 = KIND_SHIFT + 2;
/// Where the upper eight bytes begin.
const UPPER_SHIFT: u32 = (ENTRY_BYTES as u32 - 8) * 8;

/// A retained event, unpacked into a register.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry(u128);

impl Entry {
    /// The entry of `event`, neither joined nor wide.
    pub(crate) fn new(event: &Event) -> Entry {
        let time = (event.time - FIRST_TIME_MS) as u128;
        let kind = if event.userless {
            Kind::Other
        } else {
            event.kind
        };
        let tag = (event.id >> 32) as u128;
        Entry(time << TIME_SHIFT | (kind as u128) << KIND_SHIFT | tag << TAG_SHIFT)
    }

    // In three parts that do not overlap: an entry just written is then read back without a wait.
    #[inline]
    pub(crate) fn load(bytes: &Packed) -> Entry {
        let low = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
        let middle = u32::from_le_bytes(bytes[8..12].try_into().expect("four bytes"));
        Entry(u128::from(u64::from(bytes[12]) << 32 | u64::from(middle)) << 64 | u128::from(low))
    }

    #[inline]
    pub(crate) fn store(self, bytes: &mut Packed) {
        bytes[..8].copy_from_slice(&(self.0 as u64).to_le_bytes());
        bytes[8..12].copy_from_slice(&((self.0 >> 64) as u32).to_le_bytes());
        bytes[12] = (self.0 >> 96) as u8;
    }

    /// The time alone: it is in the upper eight.
    #[inline]
    pub(crate) fn time_of(bytes: &Packed) -> i64 {
        let upper = bytes.last_chunk().copied();
        (u64::from_le_bytes(upper.expect("eight bytes")) >> (TIME_SHIFT - UPPER_SHIFT)) as i64
    }

    #[inline]
    fn field(self, shift: u32, bits: u32) -> u64 {
        (self.0 >> shift) as u64 & ((1 << bits) - 1)
    }

    #[inline]
    fn with_field(self, shift: u32, bits: u32, value: u64) -> Entry {
        debug_assert!(value < 1 << bits);
        let mask = ((1u128 << bits) - 1) << shift;
        Entry(self.0 & !mask | u128::from(value) << shift)
    }

    /// Milliseconds since 2000.
    #[inline]
    pub(crate) fn time(self) -> i64 {
        (self.0 >> TIME_SHIFT) as i64
    }

    #[inline]
    pub(crate) fn minute(self) -> Minute {
        (self.time() / 60_000) as Minute
    }

    /// Time, kind and tag: the order of a user's events that have no sequence.
    #[inline]
    pub(crate) fn order(self) -> u128 {
        self.0 >> TAG_SHIFT
    }

    #[inline]
    pub(crate) fn kind(self) -> Kind {
        match self.field(KIND_SHIFT, 2) {
            0 => Kind::Other,
            1 => Kind::Impression,
            2 => Kind::Click,
            _ => Kind::Conversion,
        }
    }

    #[inline]
    pub(crate) fn is_point(self) -> bool {
        self.field(KIND_SHIFT, 2) != 0
    }

    #[inline]
    pub(crate) fn is_conversion(self) -> bool {
        self.field(KIND_SHIFT, 2) == 3
    }

    #[inline]
    pub(crate) fn tag(self) -> u32 {
        self.field(TAG_SHIFT, 32) as u32
    }

    #[inline]
    pub(crate) fn is_joined(self) -> bool {
        self.field(JOINED_SHIFT, 1) == 1
    }

    pub(crate) fn with_joined(self, joined: bool) -> Entry {
        self.with_field(JOINED_SHIFT, 1, joined.into())
    }

    #[inline]
    pub(crate) fn is_wide(self) -> bool {
        self.field(WIDE_SHIFT, 1) == 1
    }

    /// Of an entry that is not wide.
    #[inline]
    pub(crate) fn label(self) -> LabelId {
        debug_assert!(!self.is_wide());
        self.field(0, LABEL_BITS) as LabelId
    }

    /// The number of a wide entry's body.
    #[inline]
    pub(crate) fn body(self) -> u32 {
        debug_assert!(self.is_wide());
        self.field(0, BODY_BITS) as u32
    }

    /// Without a body, and of age 0.
    pub(crate) fn with_label(self, label: LabelId) -> Entry {
        debug_assert!(label < 1 << LABEL_BITS);
        self.with_field(WIDE_SHIFT, 1, 0)
            .with_field(0, BODY_BITS, label.into())
    }

    pub(crate) fn with_body(self, body: u32) -> Entry {
        assert!(
            body < 1 << BODY_BITS,
            "more conversions and sequences of a key group, or of an epoch, than an entry can number"
        );
        self.with_field(WIDE_SHIFT, 1, 1)
            .with_field(0, BODY_BITS, body.into())
    }

    /// Minutes since the first point of its journey; `None`: its body says it.
    #[inline]
    pub(crate) fn age(self) -> Option<u32> {
        if self.is_wide() {
            return None;
        }
        let age = self.field(AGE_SHIFT, AGE_BITS) as u32;
        (age < AGE_MAX).then_some(age)
    }

    /// Notes the first minute of its journey in an entry that is not wide, as far as its age can say it.
    pub(crate) fn with_first_minute(self, first: Minute) -> Entry {
        debug_assert!(!self.is_wide());
        self.with_field(
            AGE_SHIFT,
            AGE_BITS,
            u64::from((self.minute() - first).min(AGE_MAX)),
        )
    }
}

/// What a wide entry points to: the label and all that is rare.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) label: LabelId,
    /// The first minute of its journey.
    pub(crate) first_minute: Minute,
    pub(crate) value: Micros,
    pub(crate) sequence: i64,
    /// What the event was; the entry of one without user says `Other`.
    pub(crate) kind: Kind,
    /// A conversion that is a touch as well.
    pub(crate) touches: bool,
    /// Copies with other content were seen.
    pub(crate) conflicted: bool,
    /// The event has no user: its "user" is the event itself.
    pub(crate) userless: bool,
}

impl Body {
    /// A body that says no more than its label.
    pub(crate) fn of(label: LabelId) -> Body {
        Body {
            label,
            first_minute: 0,
            value: 0,
            sequence: 0,
            kind: Kind::Other,
            touches: false,
            conflicted: false,
            userless: false,
        }
    }

    pub(crate) fn of_event(event: &Event, label: LabelId) -> Body {
        Body {
            value: event.value,
            sequence: event.sequence,
            kind: event.kind,
            touches: event.touches,
            userless: event.userless,
            ..Body::of(label)
        }
    }

    /// Whether it says more than an entry can hold.
    #[inline]
    pub(crate) fn is_needed(&self) -> bool {
        self.kind == Kind::Conversion
            || self.sequence != 0
            || self.userless
            || self.value != 0
            || self.label >= 1 << LABEL_BITS
    }
}

/// The bodies of a key group, reused as entries go. In pieces of one size: a group that grows leaves no hole in memory.
pub(crate) struct Bodies {
    pieces: Vec<Box<[Body]>>,
    /// How many were in use at once at most.
    len: u32,
    /// The body given back last; its label is the number of the one before.
    free: u32,
}

/// Bodies of a piece.
const PIECE: usize = 32;
/// No body given back.
const NONE: u32 = u32::MAX;

impl Default for Bodies {
    fn default() -> Bodies {
        Bodies {
            pieces: Vec::new(),
            len: 0,
            free: NONE,
        }
    }
}

impl Bodies {
    pub(crate) fn add(&mut self, body: Body) -> u32 {
        let index = self.free;
        if index != NONE {
            self.free = std::mem::replace(self.get_mut(index), body).label;
            return index;
        }
        let index = self.len;
        if index as usize == self.pieces.len() * PIECE {
            self.pieces.push(vec![body; PIECE].into());
        }
        *self.get_mut(index) = body;
        self.len += 1;
        index
    }

    #[inline]
    pub(crate) fn get(&self, index: u32) -> &Body {
        &self.pieces[index as usize / PIECE][index as usize % PIECE]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: u32) -> &mut Body {
        &mut self.pieces[index as usize / PIECE][index as usize % PIECE]
    }

    pub(crate) fn release(&mut self, index: u32) {
        self.get_mut(index).label = self.free;
        self.free = index;
    }

    /// Forgets all; none is in use any more.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
        self.free = NONE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::TimeMs;

    fn event(time: TimeMs, kind: Kind, id: u64) -> Event {
        Event {
            id,
            ..Event::plain(kind, time)
        }
    }

    #[test]
    fn every_field_survives_the_packing() {
        let time = crate::event::END_TIME_MS - 1;
        let entry = Entry::new(&event(time, Kind::Click, 0xABCD_EF01_2345_6789))
            .with_joined(true)
            .with_label((1 << LABEL_BITS) - 1);
        let entry = entry.with_first_minute(entry.minute() - (AGE_MAX - 1));
        let mut bytes = [0xFF; ENTRY_BYTES];
        entry.store(&mut bytes);
        let loaded = Entry::load(&bytes);
        assert!(loaded == entry);
        assert_eq!(loaded.time(), time - FIRST_TIME_MS);
        assert_eq!(Entry::time_of(&bytes), loaded.time());
        assert_eq!(loaded.kind(), Kind::Click);
        assert_eq!(loaded.tag(), 0xABCD_EF01);
        assert_eq!(loaded.age(), Some(AGE_MAX - 1));
        assert_eq!(loaded.label(), (1 << LABEL_BITS) - 1);
        assert!(loaded.is_joined() && !loaded.is_wide());
        let older = loaded.with_first_minute(loaded.minute() - AGE_MAX);
        assert_eq!(older.age(), None);
    }

    #[test]
    fn what_an_entry_cannot_say_is_in_its_body() {
        let touch = event(FIRST_TIME_MS, Kind::Click, 0);
        assert!(!Body::of_event(&touch, (1 << LABEL_BITS) - 1).is_needed());
        assert!(Body::of_event(&touch, 1 << LABEL_BITS).is_needed());
        let last = (1 << BODY_BITS) - 1;
        let wide = Entry::new(&touch).with_joined(true).with_body(last);
        assert_eq!((wide.body(), wide.age()), (last, None));
        assert!(wide.is_wide() && wide.is_joined() && wide.kind() == Kind::Click);
    }

    #[test]
    fn bodies_given_back_are_taken_again() {
        let body = |label| Body::of(label);
        let mut bodies = Bodies::default();
        let numbers: Vec<u32> = (0..100).map(|label| bodies.add(body(label))).collect();
        assert_eq!(numbers, (0..100).collect::<Vec<u32>>());
        for number in [3, 99, 31, 32, 64] {
            bodies.release(number);
        }
        for label in [64, 32, 31, 99, 3] {
            assert_eq!(bodies.add(body(1_000 + label)), label);
        }
        assert_eq!(bodies.add(body(100)), 100);
        for number in 0..=100 {
            let label = bodies.get(number).label % 1_000;
            assert_eq!(label, number, "each says what was put there last");
        }
        bodies.clear();
        assert_eq!(bodies.add(body(7)), 0);
    }

    #[test]
    fn the_order_is_time_then_kind_then_tag() {
        let t = FIRST_TIME_MS + 5;
        let order = |time, kind, id: u64| Entry::new(&event(time, kind, id << 32)).order();
        assert!(order(t, Kind::Conversion, 9) < order(t + 1, Kind::Other, 1));
        assert!(order(t, Kind::Impression, 9) < order(t, Kind::Click, 1));
        assert!(order(t, Kind::Click, 1) < order(t, Kind::Click, 2));
    }
}
