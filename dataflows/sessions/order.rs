//! In which order an epoch's events are taken: group by group, so that those of one find its state in the cache.
//!
//! Any order gives the same results; within a group it is that of arrival.

use crate::event::{Event, KEY_GROUPS};

/// Epochs with fewer events are taken as they came: few of them share a group.
const LEAST_SORTED: usize = 4 * KEY_GROUPS;

/// Where an event is: its container, and its place in it.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    container: u32,
    at: u32,
}

impl Place {
    #[inline]
    pub(super) fn of(self, events: &[Vec<Event>]) -> &Event {
        &events[self.container as usize][self.at as usize]
    }
}

/// The places of an epoch's events in the order in which they are taken; its memory is used again.
#[derive(Default)]
pub(super) struct Order {
    places: Vec<Place>,
    groups: Vec<u16>,
}

impl Order {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<Place> {
        self.places.get(at).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Place> + '_ {
        self.places.iter().copied()
    }

    /// Of the events in these containers.
    pub(super) fn sort(&mut self, events: &[Vec<Event>]) {
        let count: usize = events.iter().map(Vec::len).sum();
        let places = (0..).zip(events).flat_map(|(container, events)| {
            (0..events.len() as u32).map(move |at| Place { container, at })
        });
        self.places.clear();
        if count < LEAST_SORTED {
            self.places.extend(places);
            return;
        }
        self.groups.clear();
        let groups = events.iter().flatten().map(|event| event.user.group());
        self.groups.extend(groups.map(|group| group as u16));
        let mut next = starts(&self.groups);
        self.places.resize(count, Place::default());
        for (place, &group) in places.zip(&self.groups) {
            let next = &mut next[group as usize];
            self.places[*next] = place;
            *next += 1;
        }
    }
}

/// Where the events of each group start when they are sorted.
fn starts(groups: &[u16]) -> [usize; KEY_GROUPS] {
    let mut counts = [0; KEY_GROUPS];
    for &group in groups {
        counts[group as usize] += 1;
    }
    let mut sum = 0;
    counts.map(|count| {
        let start = sum;
        sum += count;
        start
    })
}
