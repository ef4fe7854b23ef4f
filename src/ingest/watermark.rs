//! The watermark of a partition: its n-th largest event time so far.
//!
//! What must hold: lateness is a function of the partition's log alone; blocks of it may be decoded in any order as
//! long as their tops are merged in log order.

use dataflows::event::TimeMs;

/// The n largest event times met, greatest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Top {
    times: Vec<TimeMs>,
    /// The watermark is no less, whatever the times.
    floor: Option<TimeMs>,
}

impl Top {
    /// Takes in one event time; `support` is n.
    #[inline]
    pub fn add(&mut self, time: TimeMs, support: usize) {
        if self.times.len() < support {
            self.times.push(time);
        } else if self.times[support - 1] < time {
            self.times[support - 1] = time;
        } else {
            return;
        }
        // Most often it is the newest, a few places up.
        let times = &mut self.times[..];
        let mut at = times.len() - 1;
        while at > 0 && times[at - 1] < time {
            times[at] = times[at - 1];
            at -= 1;
        }
        times[at] = time;
    }

    /// Takes in all that another top has seen.
    pub fn merge(&mut self, other: &Top, support: usize) {
        other.times.iter().for_each(|&time| self.add(time, support));
        self.floor = self.floor.max(other.floor);
    }

    /// Takes in that time has gone on without records.
    pub fn raise(&mut self, floor: TimeMs) {
        self.floor = self.floor.max(Some(floor));
    }

    /// The largest event time met.
    pub fn newest(&self) -> Option<TimeMs> {
        self.times.first().copied()
    }

    /// The watermark; undefined before `support` records, unless raised.
    #[inline]
    pub fn watermark(&self, support: usize) -> Option<TimeMs> {
        let nth = (self.times.len() == support).then(|| self.times[support - 1]);
        nth.max(self.floor)
    }

    /// The watermark of a partition that has ended: with too few records, the least of them.
    pub fn at_end(&self) -> Option<TimeMs> {
        self.times.last().copied().max(self.floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_largest_of_the_log_however_it_is_cut() {
        let times = [5, 9, 1, 9, 7, 8, 2, 30, 6];
        for cut in 0..=times.len() {
            let (mut left, mut right) = (Top::default(), Top::default());
            times[..cut].iter().for_each(|&t| left.add(t, 3));
            times[cut..].iter().for_each(|&t| right.add(t, 3));
            assert_eq!(left.watermark(3).is_some(), cut >= 3);
            left.merge(&right, 3);
            assert_eq!(left.watermark(3), Some(9));
        }
    }

    #[test]
    fn a_raised_watermark_goes_on_with_the_times() {
        let mut top = Top::default();
        top.raise(10);
        assert_eq!(top.watermark(3), Some(10));
        [8, 11, 12, 13].iter().for_each(|&t| top.add(t, 3));
        assert_eq!(top.watermark(3), Some(11));
        let mut merged = Top::default();
        merged.merge(&top, 3);
        assert_eq!(merged.watermark(3), Some(11));
        merged.raise(5);
        assert_eq!(merged.watermark(3), Some(11));
    }

    #[test]
    fn a_short_partition_ends_with_its_least_time() {
        let mut top = Top::default();
        assert_eq!((top.watermark(3), top.at_end()), (None, None));
        top.add(4, 3);
        top.add(2, 3);
        assert_eq!((top.watermark(3), top.at_end()), (None, Some(2)));
    }
}
