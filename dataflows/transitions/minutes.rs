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

/// Where a minute lies as the clock stands; as time goes on it moves from one to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Span {
    Hour,
    RestOfDay,
    Before,
}

impl Span {
    pub(super) const COUNT: usize = 3;
}

/// From spans to [`Window::ALL`]: each window holds those from the newest on.
pub(super) fn in_windows<T>([hour, rest_of_day, before]: [T; Span::COUNT]) -> [T; 3]
where
    T: Copy + std::ops::Add<Output = T>,
{
    let day = hour + rest_of_day;
    [day + before, day, hour]
}

/// The first minute in the day and in the hour.
#[derive(Clone, Copy, Default)]
struct Starts {
    day: Minute,
    hour: Minute,
}

impl Starts {
    fn at(now: Minute) -> Starts {
        let start = |window: Window| {
            (now + 1).saturating_sub(window.minutes().expect("a window that ends"))
        };
        Starts {
            day: start(Window::Day),
            hour: start(Window::Hour),
        }
    }

    #[inline]
    fn span(self, minute: Minute) -> Span {
        if minute >= self.hour {
            Span::Hour
        } else if minute >= self.day {
            Span::RestOfDay
        } else {
            Span::Before
        }
    }
}

/// All minutes that are in a window which they will leave.
pub(super) struct Minutes {
    buckets: FoldMap<Minute, usize>,
    /// Buckets by number; those of `free` are empty.
    slots: Vec<Bucket>,
    free: Vec<usize>,
    /// Minutes met last and their buckets: edges are of a few dozen minutes mostly.
    met: [(Minute, usize); MET],
    starts: Starts,
}

impl Default for Minutes {
    fn default() -> Minutes {
        Minutes {
            buckets: FoldMap::default(),
            slots: Vec::new(),
            free: Vec::new(),
            met: [(NONE, 0); MET],
            starts: Starts::default(),
        }
    }
}

impl Minutes {
    #[inline]
    pub(super) fn span(&self, minute: Minute) -> Span {
        self.starts.span(minute)
    }

    /// The number of the bucket to count an edge of the minute in, unless it is in no window that ends.
    #[inline]
    pub(super) fn number(&mut self, minute: Minute) -> Option<usize> {
        if self.span(minute) == Span::Before {
            return None;
        }
        Some(match self.met[minute as usize % MET] {
            (met, slot) if met == minute => slot,
            _ => self.slot(minute),
        })
    }

    #[inline]
    pub(super) fn bucket(&mut self, number: usize) -> &mut Bucket {
        &mut self.slots[number]
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

    /// Moves the clock to `now`; what goes from one span to another is given to `shift` as (cell, count, value, from and to).
    pub(super) fn advance(
        &mut self,
        now: Minute,
        mut shift: impl FnMut(CellId, i64, i128, [Span; 2]),
    ) {
        let starts = Starts::at(now);
        assert!(starts.hour >= self.starts.hour, "the clock went backwards");
        if starts.hour == self.starts.hour {
            return;
        }
        let before = std::mem::replace(&mut self.starts, starts);
        self.met = [(NONE, 0); MET];
        let (slots, free) = (&mut self.slots, &mut self.free);
        self.buckets.retain(|&minute, &mut slot| {
            let (from, to) = (before.span(minute), starts.span(minute));
            if from != to {
                slots[slot].each(|cell, count, value| shift(cell, count.into(), value, [from, to]));
                match to {
                    Span::Before => {
                        slots[slot] = Bucket::default();
                        free.push(slot);
                    }
                    _ => slots[slot].pack(),
                }
            }
            to != Span::Before
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One journey in the first minute; the clock goes on by minutes and by days.
    #[test]
    fn a_minute_goes_from_span_to_span_once_and_may_skip_one() {
        use Span::{Before, Hour, RestOfDay};
        let first = 100_000;
        for (clock, expected) in [
            (&[first, first + 59][..], &[][..]),
            (&[first + 59, first + 60, first + 61], &[[Hour, RestOfDay]]),
            (
                &[first + 60, first + 1_439, first + 1_440, first + 1_441],
                &[[Hour, RestOfDay], [RestOfDay, Before]],
            ),
            (&[first + 9_000], &[[Hour, Before]]),
        ] {
            let mut minutes = Minutes::default();
            minutes.advance(first, |_, _, _, _| unreachable!("nothing was counted"));
            let number = minutes.number(first).expect("a minute of the hour");
            let bucket = minutes.bucket(number);
            bucket.add_count(7, 3);
            bucket.add_value(7, -5);
            let mut moved = Vec::new();
            for &now in clock {
                minutes.advance(now, |cell, count, value, spans| {
                    moved.push((cell, count, value, spans));
                });
            }
            let both = |&spans: &[Span; 2]| [(7, 3, 0, spans), (7, 0, -5, spans)];
            let expected: Vec<_> = expected.iter().flat_map(both).collect();
            assert_eq!(moved, expected);
            let is_gone = expected.last().is_some_and(|moved| moved.3[1] == Before);
            assert_eq!(minutes.number(first).is_none(), is_gone);
        }
    }

    #[test]
    fn a_window_holds_the_spans_from_the_newest_on() {
        assert_eq!(in_windows([1, 10, 100]), [111, 11, 1]);
    }
}
