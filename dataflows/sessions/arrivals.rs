//! The events of an epoch as they wait for its end, in what the state needs of each, and the order in which it takes them.
//!
//! In: events, as they come. Out: arrivals, group by group, so that those of one group find its state in the cache. What
//! must hold: within a group the order is that of arrival; any order gives the same results.

use crate::event::{Event, KEY_GROUPS, Receipt, UserId};
use crate::fold::FoldMap;
use crate::labels::{LabelId, Labels};

use super::body::{Bodies, Body};
use super::entry::Entry;

/// An event that has come: whose it is, and its entry.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    pub(super) key: u64,
    entry: Entry,
}

const _: () = assert!(size_of::<Arrival>() == 24, "an arrival is small");

impl Arrival {
    #[inline]
    fn new(user: UserId, entry: Entry) -> Arrival {
        Arrival {
            key: user.key(),
            entry: entry.with_group(user.group()),
        }
    }

    #[inline]
    pub(super) fn group(&self) -> usize {
        self.entry.group()
    }

    /// With its label, or the number of its body among the epoch's.
    #[inline]
    pub(super) fn entry(&self) -> Entry {
        self.entry.with_group(0)
    }
}

/// What has come of one epoch.
#[derive(Default)]
pub(crate) struct Arrivals {
    arrivals: Vec<Arrival>,
    bodies: Bodies,
    /// By the number of its body, whom to tell what became of an event.
    receipts: FoldMap<u32, Receipt>,
    /// How many there are of each group, as far as any have come.
    counts: Vec<u32>,
}

impl Arrivals {
    pub(super) fn take_in(&mut self, events: &[Event], labels: &mut Labels) {
        self.counts.resize(KEY_GROUPS, 0);
        self.arrivals.reserve(events.len());
        for event in events {
            self.counts[event.user.group()] += 1;
            let entry = self.entry_of(event, labels);
            self.arrivals.push(Arrival::new(event.user, entry));
        }
    }

    /// With its label, or with a body where it has more to say.
    #[inline]
    fn entry_of(&mut self, event: &Event, labels: &mut Labels) -> Entry {
        let (entry, label) = (Entry::new(event), labels.of(event));
        if event.receipt.is_some() || Body::of_event(event, label).is_needed() {
            entry.with_body(self.add_body(event, label))
        } else {
            entry.with_label(label)
        }
    }

    /// Few events need it: what it takes is kept apart from what all of them take.
    #[inline(never)]
    fn add_body(&mut self, event: &Event, label: LabelId) -> u32 {
        let body = self.bodies.add(Body::of_event(event, label));
        if event.receipt.is_some() {
            self.receipts.insert(body, event.receipt);
        }
        body
    }

    /// How many arrivals its memory has room for.
    pub(super) fn capacity(&self) -> usize {
        self.arrivals.capacity()
    }

    /// All that the event said.
    pub(super) fn body(&self, entry: Entry) -> Body {
        if entry.is_wide() {
            self.bodies.get(entry.body())
        } else {
            Body {
                kind: entry.kind(),
                ..Body::of(entry.label())
            }
        }
    }

    /// Fetches the body of an arrival, if it has one, ahead of use.
    #[inline]
    pub(super) fn fetch(&self, arrival: &Arrival) {
        if arrival.entry.is_wide() {
            self.bodies.fetch(arrival.entry().body());
        }
    }

    #[inline]
    pub(super) fn sequence(&self, entry: Entry) -> i64 {
        self.bodies.sequence_of(entry)
    }

    /// Whom to tell what became of the event.
    #[inline]
    pub(super) fn receipt(&self, entry: Entry) -> Receipt {
        if self.receipts.is_empty() || !entry.is_wide() {
            return Receipt::NONE;
        }
        let receipt = self.receipts.get(&entry.body());
        receipt.copied().unwrap_or(Receipt::NONE)
    }

    /// The entry as it goes among others: its body, if it needs one, is one of `bodies` then.
    #[inline]
    pub(super) fn settle(&self, entry: Entry, bodies: &mut Bodies) -> Entry {
        if !entry.is_wide() {
            return entry;
        }
        let body = self.bodies.get(entry.body());
        if body.is_needed() {
            entry.with_body(bodies.add(body))
        } else {
            entry.with_label(body.label)
        }
    }

    /// In the order in which they are taken; in memory that is used again.
    pub(super) fn sorted<'a>(&self, memory: &'a mut Vec<Arrival>) -> &'a [Arrival] {
        let Some(&any) = self.arrivals.first() else {
            return &[];
        };
        let count = self.arrivals.len();
        if memory.len() < count {
            memory.resize(count, any);
        }
        let mut next = self.starts();
        for arrival in &self.arrivals {
            let next = &mut next[arrival.group()];
            memory[*next] = *arrival;
            *next += 1;
        }
        &memory[..count]
    }

    /// Where the arrivals of each group start when they are sorted.
    fn starts(&self) -> [usize; KEY_GROUPS] {
        let mut sum = 0;
        std::array::from_fn(|group| {
            let start = sum;
            sum += self.counts[group] as usize;
            start
        })
    }

    /// Empties it, to be used for another epoch.
    pub(super) fn clear(&mut self) {
        self.arrivals.clear();
        self.bodies.clear();
        self.receipts.clear();
        self.counts.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{FIRST_TIME_MS, Kind};

    fn event(user: u64, number: i64, kind: Kind) -> Event {
        Event {
            user: UserId::new(&[0; 32], &user.to_le_bytes()),
            sequence: number,
            value: number,
            ..Event::plain(kind, FIRST_TIME_MS + number)
        }
    }

    /// Group and order of arrival of all that is sorted.
    fn order(arrivals: &Arrivals, memory: &mut Vec<Arrival>) -> Vec<(usize, i64)> {
        let sorted = arrivals.sorted(memory).iter();
        sorted
            .map(|arrival| (arrival.group(), arrival.entry().time()))
            .collect()
    }

    /// Epochs of very different sizes, one after the other in the same memory, each told in several parts.
    #[test]
    fn groups_come_in_order_and_in_each_what_came_first() {
        let (mut arrivals, mut memory) = (Arrivals::default(), Vec::new());
        let mut labels = Labels::default();
        for events in [700, 3, 0, 5_000, 1, 64] {
            let all: Vec<Event> = (0..events)
                .map(|number| event(number as u64 % 311, number, Kind::Click))
                .collect();
            for part in all.chunks(97) {
                arrivals.take_in(part, &mut labels);
            }
            let mut expected: Vec<(usize, i64)> = all
                .iter()
                .map(|event| (event.user.group(), event.time - FIRST_TIME_MS))
                .collect();
            expected.sort_by_key(|&(group, _)| group);
            assert_eq!(order(&arrivals, &mut memory), expected);
            arrivals.clear();
        }
    }

    #[test]
    fn a_body_of_an_epoch_is_not_that_of_the_one_before() {
        let (mut arrivals, mut memory) = (Arrivals::default(), Vec::new());
        let mut labels = Labels::default();
        for first in [1, 1_000] {
            let all: Vec<Event> = (first..first + 100)
                .map(|number| event(7, number, Kind::Conversion))
                .collect();
            arrivals.take_in(&all, &mut labels);
            let mut bodies = Bodies::default();
            for (arrival, number) in arrivals.sorted(&mut memory).iter().zip(first..) {
                assert_eq!(arrivals.sequence(arrival.entry()), number);
                let settled = arrivals.settle(arrival.entry(), &mut bodies);
                assert!(bodies.get(settled.body()).value == number);
            }
            arrivals.clear();
        }
    }

    /// A receipt is nothing that the state must hold, and that of one epoch is not met in the next.
    #[test]
    fn a_receipt_waits_beside_the_event_and_leaves_no_body_behind() {
        let (mut arrivals, mut memory) = (Arrivals::default(), Vec::new());
        let mut labels = Labels::default();
        for receipts in [[Receipt::new(0, 7), Receipt::NONE], [Receipt::NONE; 2]] {
            let all: Vec<Event> = [Kind::Click, Kind::Conversion]
                .iter()
                .zip(receipts)
                .map(|(&kind, receipt)| Event {
                    receipt,
                    ..Event::plain(kind, FIRST_TIME_MS)
                })
                .collect();
            arrivals.take_in(&all, &mut labels);
            let sorted = arrivals.sorted(&mut memory).iter();
            let entries: Vec<Entry> = sorted.map(Arrival::entry).collect();
            let told: Vec<Receipt> = entries.iter().map(|&e| arrivals.receipt(e)).collect();
            assert_eq!(told, receipts);
            let mut bodies = Bodies::default();
            let settled = entries.iter().map(|&e| arrivals.settle(e, &mut bodies));
            let is_wide: Vec<bool> = settled.map(Entry::is_wide).collect();
            assert_eq!(is_wide, [false, true]);
            arrivals.clear();
        }
    }
}
