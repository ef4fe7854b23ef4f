//! In which order an epoch's events are taken: group by group, so that those of one find its state in the cache.
//!
//! Any order gives the same results; within a group it is that of arrival.

use crate::event::{Event, KEY_GROUPS};

/// Epochs with fewer events are taken as they came: few of them share a group.
const LEAST_SORTED: usize = 4 * KEY_GROUPS;
const GROUP_BITS: u32 = KEY_GROUPS.ilog2();
/// More containers than this in one epoch cannot be numbered.
const CONTAINERS_MAX: usize = 1 << (u32::BITS - GROUP_BITS);

/// An event that has come: whose it is, and where it lies. All that is needed to fetch its user ahead of use.
#[derive(Clone, Copy, Default)]
pub(super) struct Arrival {
    pub(super) key: u64,
    /// The number of the container, and below it that of the group.
    container_group: u32,
    at: u32,
}

impl Arrival {
    fn new(event: &Event, container: u32, at: u32) -> Arrival {
        Arrival {
            key: event.user.key(),
            container_group: container << GROUP_BITS | event.user.group() as u32,
            at,
        }
    }

    #[inline]
    pub(super) fn group(self) -> usize {
        self.container_group as usize % KEY_GROUPS
    }

    #[inline]
    pub(super) fn event(self, events: &[Vec<Event>]) -> &Event {
        &events[(self.container_group >> GROUP_BITS) as usize][self.at as usize]
    }
}

/// An epoch's arrivals in the order in which they are taken; its memory is used again.
#[derive(Default)]
pub(super) struct Order {
    arrivals: Vec<Arrival>,
    unsorted: Vec<Arrival>,
}

impl Order {
    #[inline]
    pub(super) fn arrivals(&self) -> &[Arrival] {
        &self.arrivals
    }

    /// Of the events in these containers.
    pub(super) fn sort(&mut self, events: &[Vec<Event>]) {
        assert!(events.len() <= CONTAINERS_MAX, "an epoch of too many parts");
        self.arrivals.clear();
        for (container, events) in (0..).zip(events) {
            let arrivals = (0..).zip(events);
            self.arrivals
                .extend(arrivals.map(|(at, event)| Arrival::new(event, container, at)));
        }
        if self.arrivals.len() >= LEAST_SORTED {
            std::mem::swap(&mut self.arrivals, &mut self.unsorted);
            self.sort_by_group();
        }
    }

    fn sort_by_group(&mut self) {
        let mut next = starts(&self.unsorted);
        self.arrivals
            .resize(self.unsorted.len(), Arrival::default());
        for &arrival in &self.unsorted {
            let next = &mut next[arrival.group()];
            self.arrivals[*next] = arrival;
            *next += 1;
        }
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
