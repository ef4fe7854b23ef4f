//! What is in the windows that end: counts by minute of the journeys' first points.
//!
//! In: every change of a cell with its minute, and the clock's minute. Out: what leaves a window as the clock moves.
//! Memory: a bucket for each minute of the last 24 h and ahead of the clock, packed once it has left the hour.

use crate::event::Minute;
use crate::fold::FoldMap;

use super::Window;
use super::bucket::Bucket;
use super::cells::CellId;

/// Minutes whose buckets are at hand.
const MET: usize = 64;
/// No minute.
const NONE: Minute = Minute::MAX;

/// All minutes that are in a window which they will leave.
pub(super) struct Minutes {
    buckets: FoldMap<Minute, usize>,
    /// Buckets by number; those of `free` are empty.
    slots: Vec<Bucket>,
    free: Vec<usize>,
    /// Minutes met last and their buckets: edges are of a few dozen minutes mostly.
    met: [(Minute, usize); MET],
    /// The first minute in the day and in the hour.
    day_start: Minute,
    hour_start: Minute,
}

impl Default for Minutes {
    fn default() -> Minutes {
        Minutes {
            buckets: FoldMap::default(),
            slots: Vec::new(),
            free: Vec::new(),
            met: [(NONE, 0); MET],
            day_start: 0,
            hour_start: 0,
        }
    }
}

impl Minutes {
    /// Which of [`Window::ALL`] hold the minute.
    #[inline]
    pub(super) fn windows(&self, minute: Minute) -> [bool; 3] {
        [true, minute >= self.day_start, minute >= self.hour_start]
    }

    /// Where to count an edge of the minute, unless it is in no window that ends.
    #[inline]
    pub(super) fn bucket(&mut self, minute: Minute) -> Option<&mut Bucket> {
        if minute < self.day_start {
            return None;
        }
        let slot = match self.met[minute as usize % MET] {
            (met, slot) if met == minute => slot,
            _ => self.slot(minute),
        };
        Some(&mut self.slots[slot])
    }

    fn slot(&mut self, minute: Minute) -> usize {
        let (slots, free) = (&mut self.slots, &mut self.free);
        let slot = *self.buckets.entry(minute).or_insert_with(|| {
            free.pop().unwrap_or_else(|| {
                slots.push(Bucket::default());
                slots.len() - 1
            })
        });
        self.met[minute as usize % MET] = (minute, slot);
        slot
    }

    /// Moves the clock to `minute`; what leaves a window is given to `change` as (cell, count, value, windows).
    pub(super) fn advance(
        &mut self,
        minute: Minute,
        mut change: impl FnMut(CellId, i64, i128, [bool; 3]),
    ) {
        let start = |window: Window| {
            (minute + 1).saturating_sub(window.minutes().expect("a window that ends"))
        };
        let (day_start, hour_start) = (start(Window::Day), start(Window::Hour));
        assert!(hour_start >= self.hour_start, "the clock went backwards");
        if hour_start == self.hour_start {
            return;
        }
        let old_hour_start = std::mem::replace(&mut self.hour_start, hour_start);
        self.day_start = day_start;
        self.met = [(NONE, 0); MET];
        let (slots, free) = (&mut self.slots, &mut self.free);
        self.buckets.retain(|&minute, &mut slot| {
            let leaves_hour = (old_hour_start..hour_start).contains(&minute);
            let leaves_day = minute < day_start;
            if leaves_hour || leaves_day {
                let holds = [false, leaves_day, leaves_hour];
                slots[slot]
                    .each(|cell, count, value| change(cell, -i64::from(count), -value, holds));
            }
            if leaves_hour && !leaves_day {
                slots[slot].pack();
            }
            if leaves_day {
                slots[slot] = Bucket::default();
                free.push(slot);
            }
            !leaves_day
        });
    }
}
