//! A user's entries in order.

use std::ops::Range;

use super::entry::{ERAS, Entry, Form, Full, Narrow, era};
use super::slot::Slot;

/// The entries of one user.
pub(crate) struct List<'a> {
    slot: &'a mut Slot,
    places: Places<'a>,
    /// The last millisecond of the era of the newest event.
    era_end: i64,
}

/// The slot's block: the entries, then room for more. In ten bytes they are as long as all are small and of eight eras in a row.
pub(super) enum Places<'a> {
    Narrow(&'a mut [Narrow]),
    Full(&'a mut [Full]),
}

impl<'a> List<'a> {
    #[inline]
    pub(super) fn new(slot: &'a mut Slot, block: &'a mut [Narrow]) -> List<'a> {
        let places = if slot.is_full_size() {
            Places::Full(block.as_flattened_mut().as_chunks_mut().0)
        } else {
            Places::Narrow(block)
        };
        List {
            era_end: slot.era_end(),
            slot,
            places,
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.slot.len()
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> Entry {
        match &self.places {
            Places::Narrow(places) => places[at].load(self.era_end),
            Places::Full(places) => places[at].load(self.era_end),
        }
    }

    /// The time of the entry at `at`.
    #[inline]
    pub(crate) fn time(&self, at: usize) -> i64 {
        match &self.places {
            Places::Narrow(places) => places[at].time(self.era_end),
            Places::Full(places) => places[at].time(self.era_end),
        }
    }

    /// The first entry of that tag within a range.
    pub(crate) fn find_tag(&self, within: Range<usize>, tag: u32) -> Option<usize> {
        fn find<F: Form>(places: &[F], era_end: i64, tag: u32) -> Option<usize> {
            let mut places = places.iter();
            places.position(|place| place.load(era_end).tag() == tag)
        }
        let start = within.start;
        let found = match &self.places {
            Places::Narrow(places) => find(&places[within], self.era_end, tag),
            Places::Full(places) => find(&places[within], self.era_end, tag),
        };
        found.map(|after| start + after)
    }

    /// Replaces the entry at `at` by one of the same time, if it [holds](List::holds) that.
    #[inline]
    pub(crate) fn set(&mut self, at: usize, entry: Entry) {
        match &mut self.places {
            Places::Narrow(places) => places[at].store(entry),
            Places::Full(places) => places[at].store(entry),
        }
    }

    /// Whether one more entry has no room.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        let places = match &self.places {
            Places::Narrow(places) => places.len(),
            Places::Full(places) => places.len(),
        };
        places == self.len()
    }

    /// Whether an entry of one of its times can be among the entries in the form that they have.
    #[inline]
    pub(crate) fn holds(&self, entry: Entry) -> bool {
        matches!(self.places, Places::Full(_)) || entry.is_small()
    }

    /// Whether an entry of any time can be.
    #[inline]
    pub(crate) fn takes(&self, entry: Entry) -> bool {
        let (known, new) = (era(self.era_end), era(entry.time()));
        self.holds(entry) && (known == new || self.takes_era(known, new))
    }

    fn takes_era(&self, known: i64, new: i64) -> bool {
        if self.len() == 0 || matches!(self.places, Places::Full(_)) {
            return true;
        }
        let oldest = era(self.time(0)).min(new);
        known.max(new) - oldest < ERAS
    }

    /// Puts `entry`, which it [takes](List::takes), after all others; there is room.
    #[inline]
    pub(crate) fn append(&mut self, entry: Entry) {
        let len = self.len();
        self.slot.set_len(len + 1);
        self.slot.set_seen(entry.time());
        self.era_end = self.slot.era_end();
        self.set(len, entry);
    }

    /// Puts `entry`, which it [takes](List::takes), before the one at `at`; there is room.
    pub(crate) fn insert(&mut self, at: usize, entry: Entry) {
        let len = self.len();
        if at == len {
            return self.append(entry);
        }
        self.copy(at..len, at + 1);
        self.slot.set_len(len + 1);
        self.set(at, entry);
    }

    /// All entries as they lie there, and the last millisecond of the newest event's era.
    #[inline]
    pub(super) fn entries(&mut self) -> (Places<'_>, i64) {
        let len = self.len();
        let entries = match &mut self.places {
            Places::Narrow(places) => Places::Narrow(&mut places[..len]),
            Places::Full(places) => Places::Full(&mut places[..len]),
        };
        (entries, self.era_end)
    }

    pub(crate) fn remove(&mut self, at: usize) {
        self.close_gap(at, at + 1);
    }

    /// Drops the entries before `start`.
    pub(crate) fn drop_before(&mut self, start: usize) {
        self.close_gap(0, start);
    }

    fn close_gap(&mut self, start: usize, end: usize) {
        let len = self.len();
        self.copy(end..len, start);
        self.slot.set_len(len - (end - start));
    }

    #[inline]
    fn copy(&mut self, from: Range<usize>, to: usize) {
        match &mut self.places {
            Places::Narrow(places) => places.copy_within(from, to),
            Places::Full(places) => places.copy_within(from, to),
        }
    }
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Kind;

    const ERA_MS: i64 = 1 << 22;

    /// The same changes to a list and to a vector. It takes entries of ten bytes until one comes that is not small or of a ninth era.
    #[test]
    fn agrees_with_a_vector() {
        let mut random = 1u64;
        let mut draw = |below: usize| {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1);
            (random >> 33) as usize % below
        };
        let mut refused = [0; 2];
        for round in 0..600 {
            let (mut slot, mut block) = (Slot::EMPTY, vec![[0; 10]; (round % 9) * 2]);
            let is_full_size = round % 3 == 0;
            if is_full_size {
                slot.set_full_size();
            }
            let mut list = List::new(&mut slot, &mut block);
            let mut expected: Vec<Entry> = Vec::new();
            for number in 0..300 {
                let len = expected.len();
                let entry_bytes = if is_full_size { 16 } else { 10 };
                assert_eq!(list.is_full(), len == (round % 9) * 20 / entry_bytes);
                let at = draw(len + 1);
                let low = at
                    .checked_sub(1)
                    .map_or(ERA_MS, |before| expected[before].time());
                let high = expected
                    .get(at)
                    .map_or(low + ERA_MS * [0, 1, 4, 8][draw(4)] / 2, |next| next.time());
                let time = low + draw((high - low + 1) as usize) as i64;
                let label = if draw(9) == 0 { 512 } else { number };
                let entry = Entry::of(time, Kind::Click, number).with_label(label);
                let eras = expected.iter().map(|entry| era(entry.time()));
                let eras = eras.chain([era(time)]);
                let oldest = eras.min().expect("that of the entry");
                let span = era(time.max(list.era_end)) - oldest;
                match draw(6) {
                    0 if at < len => {
                        list.remove(at);
                        expected.remove(at);
                    }
                    1 => {
                        list.drop_before(at);
                        expected.drain(..at);
                    }
                    2 if at < len => {
                        let entry = expected[at].with_joined(true);
                        list.set(at, entry);
                        expected[at] = entry;
                    }
                    _ if !list.is_full() => {
                        assert_eq!(list.holds(entry), is_full_size || label < 512);
                        if list.takes(entry) {
                            list.insert(at, entry);
                            expected.insert(at, entry);
                        } else {
                            let is_far = label < 512;
                            assert!(!is_full_size && (!is_far || span >= ERAS));
                            refused[usize::from(is_far)] += 1;
                        }
                    }
                    _ => {}
                }
                assert_eq!(list.len(), expected.len());
                for (at, &entry) in expected.iter().enumerate() {
                    assert!(list.get(at) == entry && list.time(at) == entry.time());
                }
            }
        }
        assert!(refused.iter().all(|&count| count > 100), "{refused:?}");
    }

    #[test]
    fn takes_what_lies_within_eight_eras() {
        let of_era = |era: i64| Entry::of(era * ERA_MS, Kind::Other, 0);
        for (held, new, takes) in [
            (&[][..], 9, true),
            (&[17], 10, true),
            (&[17], 17, true),
            (&[17], 24, true),
            (&[17], 25, false),
            (&[17], 9, false),
            (&[17, 20], 25, false),
            (&[17, 20], 24, true),
            (&[17, 20], 13, true),
            (&[17, 20], 12, false),
        ] {
            let (mut slot, mut block) = (Slot::EMPTY, [[0; 10]; 4]);
            let mut list = List::new(&mut slot, &mut block);
            for (at, &era) in held.iter().enumerate() {
                list.insert(at, of_era(era));
            }
            assert_eq!(list.takes(of_era(new)), takes, "{held:?} {new}");
        }
    }
}
