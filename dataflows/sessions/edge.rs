//! What a change of sessions comes out as: edges, in the worker's own numbers.

use crate::event::{Micros, Minute};
use crate::labels::{AdvertiserId, LabelId};

/// A worker-local state of a chain: a label, start or conversion.
pub(crate) type StateId = LabelId;
pub(crate) const START: StateId = u32::MAX;
pub(crate) const CONVERSION: StateId = u32::MAX - 1;

/// A change to the count of one transition, in the minute of its journey's first point. None leads to null: what
/// enters a state and does not leave it for another is null, so that follows from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) advertiser: AdvertiserId,
    pub(crate) minute: Minute,
    pub(crate) from: StateId,
    pub(crate) to: StateId,
    pub(crate) count: i32,
    pub(crate) value: Micros,
}

impl Edge {
    fn transition(&self) -> (AdvertiserId, Minute, StateId, StateId) {
        (self.advertiser, self.minute, self.from, self.to)
    }

    /// Adds another of the same transition; whether it is one and the sums have room.
    fn absorb(&mut self, other: &Edge) -> bool {
        if self.transition() != other.transition() {
            return false;
        }
        let count = self.count.checked_add(other.count);
        let value = self.value.checked_add(other.value);
        let (Some(count), Some(value)) = (count, value) else {
            return false;
        };
        (self.count, self.value) = (count, value);
        true
    }
}

/// How many edges are few: a long journey whose first minute moves again and again would fill the memory with them.
pub(crate) struct Few(usize);

const FEW: usize = 1 << 20;

impl Default for Few {
    fn default() -> Few {
        Few(FEW)
    }
}

impl Few {
    /// Where that leaves many, twice as many are few from then on.
    #[inline]
    pub(crate) fn add_up_if_many(&mut self, edges: &mut Vec<Edge>) {
        if edges.len() > self.0 {
            add_up(edges);
            self.0 = FEW.max(2 * edges.len());
        }
    }
}

/// Adds up those of one transition; what cancels out goes.
fn add_up(edges: &mut Vec<Edge>) {
    edges.sort_unstable_by_key(Edge::transition);
    edges.dedup_by(|edge, sum| sum.absorb(edge));
    edges.retain(|edge| (edge.count, edge.value) != (0, 0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_parts_and_never_overflow() {
        let edge = |minute, from, count, value| Edge {
            advertiser: 1,
            minute,
            from,
            to: CONVERSION,
            count,
            value,
        };
        let mut edges = vec![
            edge(5, 7, 1, 10),
            edge(4, 7, 1, 10),
            edge(5, 7, -1, -4),
            edge(4, 7, -1, -10),
            edge(5, START, 1, 3),
            edge(6, 7, 1, Micros::MAX),
            edge(6, 7, 1, 1),
            edge(5, START, 2, 3),
        ];
        add_up(&mut edges);
        edges.sort_unstable_by_key(|edge| (edge.transition(), edge.value));
        let expected = [
            edge(5, 7, 0, 6),
            edge(5, START, 3, 6),
            edge(6, 7, 1, 1),
            edge(6, 7, 1, Micros::MAX),
        ];
        assert_eq!(edges, expected);
    }
}
