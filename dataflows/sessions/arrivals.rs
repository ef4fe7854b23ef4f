//! The events of an epoch as they wait for its end, in what the state needs of each, and the order in which it takes them.
//!
//! In: events, as they come. Out: arrivals, group by group, so that those of one group find its state in the cache. What
//! must hold: within a group the order is that of arrival; any order gives the same results.

use crate::event::{Event, KEY_GROUPS, Receipt};
use crate::labels::Labels;

use super::entry::{Bodies, Body, Entry};

/// An event that has come: whose it is, and its entry.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    /// With its label, or the number of its body among the epoch's.
    pub(super) entry: Entry,
    pub(super) key: u64,
    pub(super) receipt: Receipt,
    group: u16,
}

const _: () = assert!(size_of::<Arrival>() == 32, "two arrivals fill a line");

impl Arrival {
    #[inline]
    pub(super) fn group(&self) -> usize {
        self.group as usize % KEY_GROUPS
    }
}

/// What has come of one epoch.
#[derive(Default)]
pub(crate) struct Arrivals {
    arrivals: Vec<Arrival>,
    bodies: Bodies,
}

impl Arrivals {
    pub(super) fn take_in(&mut self, events: &[Event], labels: &mut Labels) {
        let bodies = &mut self.bodies;
        self.arrivals.extend(events.iter().map(|event| Arrival {
            entry: entry_of(event, labels, bodies),
            key: event.user.key(),
            receipt: event.receipt,
            group: event.user.group() as u16,
        }));
    }

    /// How many arrivals its memory has room for.
    pub(super) fn capacity(&self) -> usize {
        self.arrivals.capacity()
    }

    /// All that the event said.
    pub(super) fn body(&self, entry: Entry) -> Body {
        if entry.is_wide() {
            *self.bodies.get(entry.body())
        } else {
            Body {
                kind: entry.kind(),
                ..Body::of(entry.label())
            }
        }
    }

    #[inline]
    pub(super) fn sequence(&self, entry: Entry) -> i64 {
        if entry.is_wide() {
            self.bodies.get(entry.body()).sequence
        } else {
            0
        }
    }

    /// The entry as it goes among others: its body, if it has one, is one of `bodies` then.
    #[inline]
    pub(super) fn settle(&self, entry: Entry, bodies: &mut Bodies) -> Entry {
        if entry.is_wide() {
            entry.with_body(bodies.add(*self.bodies.get(entry.body())))
        } else {
            entry
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
        let mut next = starts(&self.arrivals);
        for arrival in &self.arrivals {
            let next = &mut next[arrival.group()];
            memory[*next] = *arrival;
            *next += 1;
        }
        &memory[..count]
    }

    /// Empties it, to be used for another epoch.
    pub(super) fn clear(&mut self) {
        self.arrivals.clear();
        self.bodies.clear();
    }
}

/// With its label, or with a body where it has more to say.
#[inline]
fn entry_of(event: &Event, labels: &mut Labels, bodies: &mut Bodies) -> Entry {
    let (entry, label) = (Entry::new(event), labels.of(event));
    if Body::is_needed(event, label) {
        entry.with_body(bodies.add(Body::of_event(event, label)))
    } else {
        entry.with_label(label)
    }
}

/// Where the arrivals of each group start when they are sorted.
fn starts(arrivals: &[Arrival]) -> [usize; KEY_GROUPS] {
    let mut counts = [0; KEY_GROUPS];
    for arrival in arrivals {
        counts[arrival.group()] += 1;
    }
    let mut sum = 0;
    counts.map(|count| {
        let start = sum;
        sum += count;
        start
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{FIRST_TIME_MS, Kind, Name, UserId};

    fn event(user: u64, number: i64, kind: Kind) -> Event {
        Event {
            user: UserId::new(&[0; 32], &user.to_le_bytes()),
            time: FIRST_TIME_MS + number,
            id: 0,
            sequence: number,
            advertiser: Name(1),
            campaign: Name(2),
            channel: Name(3),
            value: number,
            kind,
            touches: false,
            userless: false,
            receipt: Default::default(),
        }
    }

    /// Group and order of arrival of all that is sorted.
    fn order(arrivals: &Arrivals, memory: &mut Vec<Arrival>) -> Vec<(usize, i64)> {
        let sorted = arrivals.sorted(memory).iter();
        sorted
            .map(|arrival| (arrival.group(), arrival.entry.time()))
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
                assert_eq!(arrivals.sequence(arrival.entry), number);
                let settled = arrivals.settle(arrival.entry, &mut bodies);
                assert!(bodies.get(settled.body()).value == number);
            }
            arrivals.clear();
        }
    }
}
