//! What an entry with a body points to, in sixteen bytes: the label, and all that is rare.

use crate::event::{Event, Kind, MAX_MICROS, Micros, Minute};
use crate::fold::FoldMap;
use crate::labels::LabelId;
use crate::prefetch::prefetch;

use super::entry::{BODIES, Entry, LABELS};

/// What a wide entry points to: the label and all that is rare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
            || self.label >= LABELS
    }
}

/// A body in two words.
#[derive(Clone, Copy)]
struct Packed {
    /// From the top bit down: value 52, kind 2, and the marks below.
    value_marks: u64,
    label: LabelId,
    first_minute: Minute,
}

const TOUCHES: u64 = 1;
const CONFLICTED: u64 = 1 << 1;
const USERLESS: u64 = 1 << 2;
/// Its sequence is noted beside it.
const SEQUENCED: u64 = 1 << 3;
const KIND_SHIFT: u32 = 4;
const VALUE_SHIFT: u32 = 12;

const _: () = assert!(
    MAX_MICROS < 1 << (63 - VALUE_SHIFT),
    "a body can say any value"
);

impl Packed {
    fn new(body: Body) -> Packed {
        let mark = |is_set: bool, mark: u64| if is_set { mark } else { 0 };
        let marks = mark(body.touches, TOUCHES)
            | mark(body.conflicted, CONFLICTED)
            | mark(body.userless, USERLESS)
            | mark(body.sequence != 0, SEQUENCED);
        Packed {
            value_marks: (body.value << VALUE_SHIFT) as u64
                | (body.kind as u64) << KIND_SHIFT
                | marks,
            label: body.label,
            first_minute: body.first_minute,
        }
    }

    #[inline]
    fn has(&self, mark: u64) -> bool {
        self.value_marks & mark != 0
    }

    #[inline]
    fn value(&self) -> Micros {
        self.value_marks as i64 >> VALUE_SHIFT
    }
}

/// The bodies of a key group, reused as entries go. In pieces of one size: a group that grows leaves no hole in memory.
pub(crate) struct Bodies {
    pieces: Vec<Box<[Packed]>>,
    /// Of the bodies that have one.
    sequences: FoldMap<u32, i64>,
    /// How many were in use at once at most.
    len: u32,
    /// The body given back last; its label is the number of the one before.
    free: u32,
}

/// Bodies of a piece: a kibibyte.
const PIECE: usize = 64;
/// No body given back.
const NONE: u32 = u32::MAX;

impl Default for Bodies {
    fn default() -> Bodies {
        Bodies {
            pieces: Vec::new(),
            sequences: FoldMap::default(),
            len: 0,
            free: NONE,
        }
    }
}

impl Bodies {
    pub(crate) fn add(&mut self, body: Body) -> u32 {
        let mut index = self.free;
        if index == NONE {
            index = self.len;
            if index as usize == self.pieces.len() * PIECE {
                assert!(
                    index < BODIES,
                    "the events of a key group need more bodies than an entry can number"
                );
                self.pieces
                    .push(vec![Packed::new(Body::of(0)); PIECE].into());
            }
            self.len += 1;
        } else {
            self.free = self.packed(index).label;
            self.fetch(self.free);
        }
        self.set(index, body);
        index
    }

    /// Fetches where the pieces are noted, ahead of the bodies.
    #[inline]
    pub(crate) fn fetch_head(&self) {
        prefetch(&self.pieces);
    }

    /// Fetches a body ahead of use, if that is one.
    #[inline]
    pub(crate) fn fetch(&self, index: u32) {
        if let Some(piece) = self.pieces.get(index as usize / PIECE) {
            prefetch(&piece[index as usize % PIECE]);
        }
    }

    /// How many were in use at once at most.
    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    #[inline]
    fn packed(&self, index: u32) -> &Packed {
        &self.pieces[index as usize / PIECE][index as usize % PIECE]
    }

    #[inline]
    fn packed_mut(&mut self, index: u32) -> &mut Packed {
        &mut self.pieces[index as usize / PIECE][index as usize % PIECE]
    }

    pub(crate) fn get(&self, index: u32) -> Body {
        let packed = self.packed(index);
        Body {
            label: packed.label,
            first_minute: packed.first_minute,
            value: packed.value(),
            sequence: self.sequence(index),
            kind: Kind::numbered((packed.value_marks >> KIND_SHIFT) as u8),
            touches: packed.has(TOUCHES),
            conflicted: packed.has(CONFLICTED),
            userless: packed.has(USERLESS),
        }
    }

    /// Replaces a body in use.
    pub(crate) fn set(&mut self, index: u32, body: Body) {
        let known = std::mem::replace(self.packed_mut(index), Packed::new(body));
        if body.sequence != 0 {
            self.sequences.insert(index, body.sequence);
        } else if known.has(SEQUENCED) {
            self.sequences.remove(&index);
        }
    }

    /// The label of an entry, with or without a body.
    #[inline]
    pub(crate) fn label(&self, entry: Entry) -> LabelId {
        if entry.is_wide() {
            self.packed(entry.body()).label
        } else {
            entry.label()
        }
    }

    /// The sequence of an entry, with or without a body.
    #[inline]
    pub(crate) fn sequence_of(&self, entry: Entry) -> i64 {
        if entry.is_wide() {
            self.sequence(entry.body())
        } else {
            0
        }
    }

    #[inline]
    pub(crate) fn value(&self, index: u32) -> Micros {
        self.packed(index).value()
    }

    #[inline]
    fn sequence(&self, index: u32) -> i64 {
        if self.packed(index).has(SEQUENCED) {
            self.sequences[&index]
        } else {
            0
        }
    }

    #[inline]
    pub(crate) fn touches(&self, index: u32) -> bool {
        self.packed(index).has(TOUCHES)
    }

    #[inline]
    pub(crate) fn first_minute(&self, index: u32) -> Minute {
        self.packed(index).first_minute
    }

    #[inline]
    pub(crate) fn set_first_minute(&mut self, index: u32, first: Minute) {
        self.packed_mut(index).first_minute = first;
    }

    pub(crate) fn release(&mut self, index: u32) {
        if self.packed(index).has(SEQUENCED) {
            self.sequences.remove(&index);
        }
        self.packed_mut(index).label = self.free;
        self.free = index;
    }

    /// Forgets all; none is in use any more.
    pub(crate) fn clear(&mut self) {
        self.sequences.clear();
        self.len = 0;
        self.free = NONE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::FIRST_TIME_MS;

    #[test]
    fn a_body_is_needed_for_what_an_entry_cannot_say() {
        let touch = Event::plain(Kind::Click, FIRST_TIME_MS);
        assert!(!Body::of_event(&touch, LABELS - 1).is_needed());
        assert!(Body::of_event(&touch, LABELS).is_needed());
        for event in [
            Event {
                kind: Kind::Conversion,
                ..touch
            },
            Event {
                sequence: -1,
                ..touch
            },
            Event {
                userless: true,
                ..touch
            },
        ] {
            assert!(Body::of_event(&event, 0).is_needed());
        }
    }

    #[test]
    fn a_body_is_read_as_it_was_put() {
        let mut bodies = Bodies::default();
        let index = bodies.add(Body::of(0));
        for (value, sequence) in [
            (MAX_MICROS, i64::MIN),
            (-MAX_MICROS, i64::MAX),
            (-1, 0),
            (0, 1),
        ] {
            for kind in [Kind::Other, Kind::Conversion] {
                for [touches, conflicted, userless] in [
                    [true, false, false],
                    [false, true, false],
                    [false, false, true],
                ] {
                    let body = Body {
                        value,
                        sequence,
                        kind,
                        touches,
                        conflicted,
                        userless,
                        label: u32::MAX,
                        first_minute: u32::MAX,
                    };
                    bodies.set(index, body);
                    assert_eq!(bodies.get(index), body);
                    assert_eq!(bodies.sequences.len(), usize::from(sequence != 0));
                    assert_eq!(
                        (bodies.value(index), bodies.touches(index)),
                        (value, touches)
                    );
                }
            }
        }
        bodies.release(index);
        assert_eq!(bodies.add(Body::of(3)), index);
        assert_eq!(bodies.get(index), Body::of(3));
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
}
