//! Where an event belongs in its user's list.
//!
//! In: a list in the order of time, sequence, kind and tag, and an event. Out: its place, or the copy that is there: an entry of
//! that time and tag, whatever else it says. What must hold: the time it takes hardly grows with the number of entries, except
//! where very many of one millisecond have sequences of their own.

use std::ops::Range;

use crate::event::Kind;

use super::entry::Entry;
use super::journeys::Journeys;

/// Where an event belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    New(usize),
    Duplicate(usize),
}

/// The newest entries, those of one time, and the sequences and kinds of these, are looked at one by one up to so many.
const FEW: usize = 8;

impl Journeys<'_> {
    /// Where an entry of that sequence belongs, or the copy that is there already. Most often at the end.
    #[inline(always)]
    pub(crate) fn locate(&self, new: Entry, sequence: i64) -> Place {
        let len = self.list.len();
        if len == 0 || self.list.time(len - 1) < new.time() {
            return Place::New(len);
        }
        self.locate_within(new, sequence)
    }

    fn locate_within(&self, new: Entry, sequence: i64) -> Place {
        let end = self.end_of(new.time());
        let mut at = end;
        for other in (0..end).rev() {
            if self.list.time(other) != new.time() {
                break;
            }
            if end - other > FEW {
                return self.locate_in_crowd(end, new, sequence);
            }
            let entry = self.list.get(other);
            if entry.tag() == new.tag() {
                return Place::Duplicate(other);
            }
            if (self.sequence(entry), entry.order()) > (sequence, new.order()) {
                at = other;
            }
        }
        Place::New(at)
    }

    /// The first entry after `time`, which most often is near the end.
    fn end_of(&self, time: i64) -> usize {
        let mut end = self.list.len();
        for _ in 0..FEW {
            if end == 0 || self.list.time(end - 1) <= time {
                return end;
            }
            end -= 1;
        }
        partition_point(0..end, |at| self.list.time(at) <= time)
    }

    /// Among many of its time, which end before `end`.
    #[cold]
    fn locate_in_crowd(&self, end: usize, new: Entry, sequence: i64) -> Place {
        let start = partition_point(0..end, |at| self.list.time(at) < new.time());
        if let Some(copy) = self.copy_in_crowd(start..end, new.tag()) {
            return Place::Duplicate(copy);
        }
        Place::New(partition_point(start..end, |at| {
            let entry = self.list.get(at);
            (self.sequence(entry), entry.order()) < (sequence, new.order())
        }))
    }

    /// Those of one sequence and kind lie in the order of their tags. Where there are many sequences, tags are looked at one by one.
    fn copy_in_crowd(&self, within: Range<usize>, tag: u32) -> Option<usize> {
        let Range { mut start, end } = within;
        for _ in 0..FEW {
            if start == end {
                return None;
            }
            let next = self.end_of_class(start..end);
            let found = partition_point(start..next, |at| self.list.get(at).tag() < tag);
            if found < next && self.list.get(found).tag() == tag {
                return Some(found);
            }
            start = next;
        }
        self.list.find_tag(start..end, tag)
    }

    /// What comes before the tag in the order of entries of one time.
    fn class(&self, at: usize) -> (i64, Kind) {
        let entry = self.list.get(at);
        (self.sequence(entry), entry.kind())
    }

    /// Of the first of them. In steps that double: a class may be one entry or all.
    fn end_of_class(&self, within: Range<usize>) -> usize {
        let class = self.class(within.start);
        let (mut known, mut step) = (within.start + 1, 1);
        while known + step < within.end && self.class(known + step - 1) == class {
            known += step;
            step *= 2;
        }
        let last = within.end.min(known + step);
        partition_point(known..last, |at| self.class(at) == class)
    }
}

/// The first within a range that does not lie before.
fn partition_point(within: Range<usize>, lies_before: impl Fn(usize) -> bool) -> usize {
    let Range { mut start, mut end } = within;
    while start < end {
        let middle = start.midpoint(end);
        if lies_before(middle) {
            start = middle + 1;
        } else {
            end = middle;
        }
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::FoldSet;
    use crate::labels::Labels;
    use crate::settings::Settings;

    use super::super::body::{Bodies, Body};
    use super::super::list::List;
    use super::super::slot::Slot;

    /// As the order says, one by one.
    fn located(held: &[(i64, i64, Entry)], new: (i64, i64, Entry)) -> Place {
        let copy =
            |&(time, _, entry): &(i64, i64, Entry)| (time, entry.tag()) == (new.0, new.2.tag());
        if let Some(at) = held.iter().position(copy) {
            return Place::Duplicate(at);
        }
        let order = |(time, sequence, entry): (i64, i64, Entry)| (time, sequence, entry.order());
        Place::New(held.iter().filter(|&&it| order(it) < order(new)).count())
    }

    #[test]
    fn an_event_is_located_where_the_order_says_among_few_and_in_crowds() {
        let mut random = 1u64;
        let mut draw = |below: u64| {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1);
            (random >> 33) % below
        };
        let kinds = [Kind::Other, Kind::Impression, Kind::Click, Kind::Conversion];
        let (labels, settings) = (Labels::default(), Settings::default());
        let mut duplicates = 0;
        for round in 0..120 {
            // Many of few times and classes, or each of a class of its own.
            let (times, sequences) = ([1, 3, 200][round % 3], [1, 2, 1 << 40][round / 3 % 3]);
            let (mut slot, mut block) = (Slot::EMPTY, vec![[0; 10]; 400]);
            let mut journeys = Journeys {
                list: List::new(&mut slot, &mut block),
                bodies: &mut Bodies::default(),
                labels: &labels,
                settings: &settings,
                bound: 0,
                edges: &mut Vec::new(),
                met: &mut FoldSet::default(),
            };
            let mut held: Vec<(i64, i64, Entry)> = Vec::new();
            for _ in 0..400 {
                let (time, sequence) = (draw(times) as i64, draw(sequences) as i64);
                let entry = Entry::of(time, kinds[draw(4) as usize], draw(2_000) as u32);
                let place = journeys.locate(entry, sequence);
                assert_eq!(place, located(&held, (time, sequence, entry)));
                let Place::New(at) = place else {
                    duplicates += 1;
                    continue;
                };
                let body = Body {
                    sequence,
                    ..Body::of(0)
                };
                let entry = match sequence {
                    0 => entry.with_label(0),
                    _ => entry.with_body(journeys.bodies.add(body)),
                };
                journeys.list.insert(at, entry);
                held.insert(at, (time, sequence, entry));
            }
        }
        assert!(duplicates > 1_000, "{duplicates}");
    }
}
