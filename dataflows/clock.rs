//! Event time as the log tells it: the watermarks of the partitions.
//!
//! In: a watermark per partition and epoch. Out: the bound below which no event can be accepted any more, and the
//! moment that windows count back from. What must hold: every partition of every process is announced in epoch 0.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Minute, TimeMs, minute_of};

/// What is known of one partition after the records of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    pub partition: u32,
    /// The watermark; for a partition that ended with fewer records than the support, its least time.
    pub time: Option<TimeMs>,
    /// The partition has no further record.
    pub ended: bool,
}

/// The watermarks of all partitions at one closed epoch.
#[derive(Clone, Default)]
pub struct Clock {
    partitions: BTreeMap<u32, Watermark>,
}

impl Clock {
    /// Takes in what one block of a partition did; the order within an epoch does not matter.
    pub fn update(&mut self, watermark: Watermark) {
        let known = self
            .partitions
            .entry(watermark.partition)
            .or_insert(watermark);
        known.time = known.time.max(watermark.time);
        known.ended |= watermark.ended;
    }

    /// The least watermark of the partitions still read; when all have ended, the greatest there was.
    pub fn now(&self) -> Option<TimeMs> {
        let live = || self.partitions.values().filter(|w| !w.ended);
        match live().next() {
            Some(_) => live().map(|w| w.time).min().flatten(),
            None => self.latest(),
        }
    }

    /// The greatest watermark of any partition.
    pub fn latest(&self) -> Option<TimeMs> {
        self.partitions.values().filter_map(|w| w.time).max()
    }

    pub fn minute(&self) -> Option<Minute> {
        self.now().map(minute_of)
    }

    pub fn all_ended(&self) -> bool {
        !self.partitions.is_empty() && self.partitions.values().all(|w| w.ended)
    }

    /// No event below this time will be accepted; `None` while that cannot be said.
    pub fn bound(&self, allowed_lateness_ms: Option<i64>) -> Option<TimeMs> {
        match (self.all_ended(), allowed_lateness_ms) {
            (false, Some(lateness_ms)) => Some(self.now()? - lateness_ms),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(partitions: &[(Option<TimeMs>, bool)]) -> Clock {
        let mut clock = Clock::default();
        for (partition, &(time, ended)) in partitions.iter().enumerate() {
            clock.update(Watermark {
                partition: partition as u32,
                time,
                ended,
            });
        }
        clock
    }

    #[test]
    fn the_slowest_live_partition_holds_the_clock() {
        assert_eq!(clock(&[(Some(7), false), (Some(5), false)]).now(), Some(5));
        assert_eq!(clock(&[(Some(7), false), (None, false)]).now(), None);
        assert_eq!(clock(&[(Some(7), false), (Some(5), true)]).now(), Some(7));
        assert_eq!(
            clock(&[(Some(7), true), (Some(5), true), (None, true)]).now(),
            Some(7)
        );
    }

    #[test]
    fn there_is_no_bound_without_a_clock_or_with_unbounded_lateness() {
        assert_eq!(clock(&[(Some(7), false)]).bound(Some(2)), Some(5));
        assert_eq!(clock(&[(Some(7), false)]).bound(None), None);
        assert_eq!(clock(&[(Some(7), true)]).bound(Some(2)), None);
    }
}
