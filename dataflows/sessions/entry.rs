//! One retained event, in ten bytes where its numbers are small and in sixteen else.
//!
//! Two words. The upper one from the top bit down: time 42 (milliseconds since 2000), and the upper bits of age 10 and of label 12.
//! The lower one: age 9, its middle bits, kind 2, tag 32 (the top half of the id's hash), joined 1 (same session as the
//! entry before it), wide 1, and the lower bits of age 10 and of label 9; or, instead of age and label, the number of a body.
//! In ten bytes: the lower 25 bits of time, and below them the lower word without the middle bits of age. The id of a duplicate is
//! found by time and tag: two ids of one user in one millisecond are mistaken for one with probability 2^-32.

use crate::event::{Event, FIRST_TIME_MS, KEY_GROUPS, Kind, Minute};
use crate::labels::LabelId;

/// Bytes of an entry whose numbers are small, and of any other.
pub(super) const NARROW_BYTES: usize = 10;
pub(super) const FULL_BYTES: usize = 16;
/// An entry as it lies in a list, in the one size and in the other.
pub(super) type Narrow = [u8; NARROW_BYTES];
pub(super) type Full = [u8; FULL_BYTES];

/// Of the lower word.
const LABEL_LOW_BITS: u32 = 9;
const AGE_LOW_BITS: u32 = 10;
const WIDE_SHIFT: u32 = LABEL_LOW_BITS + AGE_LOW_BITS;
const JOINED_SHIFT: u32 = WIDE_SHIFT + 1;
const TAG_SHIFT: u32 = JOINED_SHIFT + 1;
const KIND_SHIFT: u32 = TAG_SHIFT + 32;
const AGE_MIDDLE_SHIFT: u32 = KIND_SHIFT + 2;
const AGE_MIDDLE_BITS: u32 = u64::BITS - AGE_MIDDLE_SHIFT;
/// Of the upper word.
const LABEL_HIGH_BITS: u32 = 12;
const AGE_HIGH_BITS: u32 = 10;
const TIME_SHIFT: u32 = LABEL_HIGH_BITS + AGE_HIGH_BITS;

/// How many labels an entry can number; of others the body tells.
pub(super) const LABELS: LabelId = 1 << (LABEL_LOW_BITS + LABEL_HIGH_BITS);
/// How many bodies an entry can number, and how many one of ten bytes.
pub(super) const BODIES: u32 = 1 << (WIDE_SHIFT + LABEL_HIGH_BITS);
pub(super) const NARROW_BODIES: usize = 1 << WIDE_SHIFT;
const NARROW_TIME_BITS: u32 = 8 * NARROW_BYTES as u32 - AGE_MIDDLE_SHIFT;
/// A narrow time can tell so many eras of 70 minutes.
pub(super) const ERAS: i64 = 8;
const ERA_BITS: u32 = NARROW_TIME_BITS - ERAS.ilog2();

/// The era of a time in milliseconds since 2000.
#[inline]
pub(super) fn era(time: i64) -> i64 {
    time >> ERA_BITS
}

/// The last millisecond of an era. A narrow time is of that era or one of the seven before.
#[inline]
pub(super) fn era_end(era: i64) -> i64 {
    ((era + 1) << ERA_BITS) - 1
}

const _: () = assert!(
    KEY_GROUPS <= 1 << AGE_HIGH_BITS,
    "an entry can note its group"
);

const fn mask(bits: u32) -> u64 {
    (1 << bits) - 1
}

/// A retained event, in registers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    high: u64,
    low: u64,
}

impl Entry {
    /// The entry of `event`, neither joined nor wide.
    pub(crate) fn new(event: &Event) -> Entry {
        let kind = if event.userless {
            Kind::Other
        } else {
            event.kind
        };
        let tag = (event.id >> 32) as u32;
        Entry::of(event.time - FIRST_TIME_MS, kind, tag)
    }

    /// Neither joined nor wide, of label 0; `time` in milliseconds since 2000.
    #[inline]
    pub(super) fn of(time: i64, kind: Kind, tag: u32) -> Entry {
        Entry {
            high: (time as u64) << TIME_SHIFT,
            low: (kind as u64) << KIND_SHIFT | u64::from(tag) << TAG_SHIFT,
        }
    }

    /// Whether all but its time can be said in ten bytes.
    #[inline]
    pub(super) fn is_small(self) -> bool {
        self.high & mask(TIME_SHIFT) | self.low >> AGE_MIDDLE_SHIFT == 0
    }

    /// Milliseconds since 2000.
    #[inline]
    pub(crate) fn time(self) -> i64 {
        (self.high >> TIME_SHIFT) as i64
    }

    #[inline]
    pub(crate) fn minute(self) -> Minute {
        (self.time() / 60_000) as Minute
    }

    /// Kind and tag: the order of a user's events that have one time and no sequence.
    #[inline]
    pub(crate) fn order(self) -> u64 {
        self.low & mask(AGE_MIDDLE_SHIFT) >> TAG_SHIFT << TAG_SHIFT
    }

    #[inline]
    pub(crate) fn kind(self) -> Kind {
        Kind::numbered((self.low >> KIND_SHIFT) as u8)
    }

    #[inline]
    pub(crate) fn is_point(self) -> bool {
        self.low & 3 << KIND_SHIFT != 0
    }

    #[inline]
    pub(crate) fn is_conversion(self) -> bool {
        self.kind() == Kind::Conversion
    }

    #[inline]
    pub(crate) fn tag(self) -> u32 {
        (self.low >> TAG_SHIFT) as u32
    }

    #[inline]
    pub(crate) fn is_joined(self) -> bool {
        self.low & 1 << JOINED_SHIFT != 0
    }

    #[inline]
    pub(crate) fn with_joined(self, joined: bool) -> Entry {
        let low = self.low & !(1 << JOINED_SHIFT) | u64::from(joined) << JOINED_SHIFT;
        Entry { low, ..self }
    }

    #[inline]
    pub(crate) fn is_wide(self) -> bool {
        self.low & 1 << WIDE_SHIFT != 0
    }

    /// Of an entry that is not wide.
    #[inline]
    pub(crate) fn label(self) -> LabelId {
        debug_assert!(!self.is_wide());
        let high = self.high & mask(LABEL_HIGH_BITS);
        (high << LABEL_LOW_BITS | self.low & mask(LABEL_LOW_BITS)) as LabelId
    }

    /// The number of a wide entry's body.
    #[inline]
    pub(crate) fn body(self) -> u32 {
        debug_assert!(self.is_wide());
        let high = self.high & mask(LABEL_HIGH_BITS);
        (high << WIDE_SHIFT | self.low & mask(WIDE_SHIFT)) as u32
    }

    /// Without what stands for age and label.
    #[inline]
    fn bare(self) -> Entry {
        Entry {
            high: self.high >> TIME_SHIFT << TIME_SHIFT,
            low: self.low & mask(AGE_MIDDLE_SHIFT) & !mask(JOINED_SHIFT),
        }
    }

    /// Without a body, and of age 0.
    #[inline]
    pub(crate) fn with_label(self, label: LabelId) -> Entry {
        debug_assert!(label < LABELS);
        let (bare, label) = (self.bare(), u64::from(label));
        Entry {
            high: bare.high | label >> LABEL_LOW_BITS,
            low: bare.low | label & mask(LABEL_LOW_BITS),
        }
    }

    #[inline]
    pub(crate) fn with_body(self, body: u32) -> Entry {
        debug_assert!(body < BODIES);
        let (bare, body) = (self.bare(), u64::from(body));
        Entry {
            high: bare.high | body >> WIDE_SHIFT,
            low: bare.low | 1 << WIDE_SHIFT | body & mask(WIDE_SHIFT),
        }
    }

    /// Notes a key group where the upper bits of its age will be; of an entry without age.
    #[inline]
    pub(super) fn with_group(self, group: usize) -> Entry {
        let no_high = self.high & !(mask(AGE_HIGH_BITS) << LABEL_HIGH_BITS);
        Entry {
            high: no_high | (group as u64) << LABEL_HIGH_BITS,
            ..self
        }
    }

    #[inline]
    pub(super) fn group(self) -> usize {
        (self.high >> LABEL_HIGH_BITS) as usize % KEY_GROUPS
    }

    /// Minutes since the first point of its journey; `None`: its body says it.
    #[inline]
    pub(crate) fn age(self) -> Option<u32> {
        let low = self.low >> LABEL_LOW_BITS & mask(AGE_LOW_BITS);
        let middle = self.low >> AGE_MIDDLE_SHIFT;
        let high = self.high >> LABEL_HIGH_BITS & mask(AGE_HIGH_BITS);
        let age = low | middle << AGE_LOW_BITS | high << (AGE_LOW_BITS + AGE_MIDDLE_BITS);
        (!self.is_wide()).then_some(age as u32)
    }

    /// Notes the first minute of its journey in an entry that is not wide.
    #[inline]
    pub(crate) fn with_first_minute(self, first: Minute) -> Entry {
        debug_assert!(!self.is_wide());
        let age = u64::from(self.minute() - first);
        let no_high = self.high & !(mask(AGE_HIGH_BITS) << LABEL_HIGH_BITS);
        let no_low = self.low & mask(AGE_MIDDLE_SHIFT) & !(mask(AGE_LOW_BITS) << LABEL_LOW_BITS);
        let middle = age >> AGE_LOW_BITS & mask(AGE_MIDDLE_BITS);
        Entry {
            high: no_high | age >> (AGE_LOW_BITS + AGE_MIDDLE_BITS) << LABEL_HIGH_BITS,
            low: no_low | middle << AGE_MIDDLE_SHIFT | (age & mask(AGE_LOW_BITS)) << LABEL_LOW_BITS,
        }
    }
}

/// An entry as it lies in a list.
pub(super) trait Form: Copy {
    /// `era_end`: the last millisecond of the era of its list's newest event.
    fn load(&self, era_end: i64) -> Entry;

    /// The time alone.
    fn time(&self, era_end: i64) -> i64;

    fn store(&mut self, entry: Entry);
}

impl Form for Full {
    #[inline]
    fn load(&self, _: i64) -> Entry {
        let both = u128::from_le_bytes(*self);
        Entry {
            high: (both >> u64::BITS) as u64,
            low: both as u64,
        }
    }

    #[inline]
    fn time(&self, era_end: i64) -> i64 {
        self.load(era_end).time()
    }

    #[inline]
    fn store(&mut self, entry: Entry) {
        *self = (u128::from(entry.high) << u64::BITS | u128::from(entry.low)).to_le_bytes();
    }
}

/// Of the list's newest era or one of the seven before, and small.
impl Form for Narrow {
    #[inline]
    fn load(&self, era_end: i64) -> Entry {
        let low = self.first_chunk().copied().expect("eight bytes");
        Entry {
            high: (self.time(era_end) as u64) << TIME_SHIFT,
            low: u64::from_le_bytes(low) & mask(AGE_MIDDLE_SHIFT),
        }
    }

    #[inline]
    fn time(&self, era_end: i64) -> i64 {
        let top = self.last_chunk().copied().expect("eight bytes");
        let time = u64::from_le_bytes(top) >> (u64::BITS - NARROW_TIME_BITS);
        era_end - ((era_end as u64 - time) & mask(NARROW_TIME_BITS)) as i64
    }

    #[inline]
    fn store(&mut self, entry: Entry) {
        debug_assert!(entry.is_small());
        let time = entry.high >> TIME_SHIFT;
        let low = entry.low | time << AGE_MIDDLE_SHIFT;
        self[..8].copy_from_slice(&low.to_le_bytes());
        self[8..].copy_from_slice(&((time >> AGE_MIDDLE_BITS) as u16).to_le_bytes());
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

    fn told(entry: Entry) -> (i64, Kind, u32, bool, bool) {
        let (time, kind, tag) = (entry.time(), entry.kind(), entry.tag());
        (time, kind, tag, entry.is_joined(), entry.is_wide())
    }

    #[test]
    fn every_field_survives_the_packing() {
        let time = crate::event::END_TIME_MS - 1;
        let event = event(time, Kind::Click, 0xABCD_EF01_2345_6789);
        let entry = Entry::new(&event).with_joined(true);
        let aged = entry.with_label(LABELS - 1).with_first_minute(0);
        let wide = entry.with_body(BODIES - 1);
        for (entry, is_wide) in [(aged, false), (wide, true)] {
            let mut bytes = [0xFF; FULL_BYTES];
            bytes.store(entry);
            let loaded = bytes.load(0);
            assert!(loaded == entry);
            let expected = (
                time - FIRST_TIME_MS,
                Kind::Click,
                0xABCD_EF01,
                true,
                is_wide,
            );
            assert_eq!(told(loaded), expected);
        }
        assert_eq!(
            (aged.age(), aged.label()),
            (Some(aged.minute()), LABELS - 1)
        );
        assert_eq!((wide.age(), wide.body()), (None, BODIES - 1));
        assert_eq!(aged.with_label(1).age(), Some(0));
    }

    /// The first and last milliseconds of the eras that a narrow time can tell, and the ends of all other fields.
    #[test]
    fn small_entries_survive_in_ten_bytes() {
        let (first, length) = (29 << ERA_BITS, 1 << ERA_BITS);
        for time in (0..ERAS)
            .map(|era| first + era * length)
            .flat_map(|start| [start, start + length - 1])
        {
            for kind in [Kind::Other, Kind::Impression, Kind::Click, Kind::Conversion] {
                let entry = Entry::of(time, kind, 0xABCD_EF01);
                let minute = entry.minute();
                for small in [
                    entry.with_label(0),
                    entry.with_label(511).with_first_minute(minute - 1023),
                    entry.with_label(1).with_first_minute(minute - 1),
                    entry.with_joined(true).with_body(0),
                    entry.with_body((1 << WIDE_SHIFT) - 1),
                ] {
                    assert!(small.is_small());
                    let mut bytes = [0xFF; NARROW_BYTES];
                    bytes.store(small);
                    let end = era_end(36);
                    assert!(bytes.load(end) == small);
                    assert_eq!(bytes.time(end), time);
                }
                for large in [
                    entry.with_label(512),
                    entry.with_label(0).with_first_minute(minute - 1024),
                    entry.with_body(1 << WIDE_SHIFT),
                ] {
                    assert!(!large.is_small());
                }
            }
        }
        assert_eq!(
            [era(first - 1), era(first), era(first + length)],
            [28, 29, 30]
        );
    }

    #[test]
    fn the_order_is_kind_then_tag_and_nothing_else() {
        let entry = |kind, id: u64| Entry::new(&event(FIRST_TIME_MS + 60_000_000, kind, id << 32));
        let order = |kind, id| entry(kind, id).order();
        assert!(order(Kind::Impression, 9) < order(Kind::Click, 1));
        assert!(order(Kind::Click, 1) < order(Kind::Click, 2));
        let click = entry(Kind::Click, 1).with_joined(true);
        assert_eq!(
            click.with_body(BODIES - 1).order(),
            click.with_label(0).with_first_minute(0).order()
        );
    }
}
