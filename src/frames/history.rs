//! How the chains stood at the end of every minute of event time, six hours back.
//!
//! In: the clock as it enters a minute, and the chains as they stand then. Out: points, the newest still open. What
//! must hold: memory is bounded whatever the number of chains; a chain that has not changed shares its numbers with
//! the minute before.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use dataflows::attribution::Attribution;
use dataflows::event::{Name, TimeMs};
use dataflows::row::Float;
use dataflows::transitions::{ChainKey, Window};

use super::Revision;
use super::select::Mark;

/// Minutes kept, the open one included.
const MINUTES: usize = 360;
const MINUTE_MS: i64 = 60_000;
/// Bytes of all points; beyond, the oldest minutes go before their time.
const BYTES_MAX: usize = 64 << 20;
/// Of a point without its credits, its place in a map included.
const POINT_BYTES: usize = 144;
/// Minutes that have gone and are remembered for readers that were away.
const DROPPED_MAX: usize = 1_024;

/// What is kept of a chain at the end of a minute.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    pub at_ms: TimeMs,
    /// Records accepted from all sources, per second of event time.
    pub events_per_second: f64,
    pub stand: Arc<Stand>,
}

/// The numbers of a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Stand {
    pub journeys: i64,
    pub conversions: i64,
    pub untouched: i64,
    pub value: i128,
    pub untouched_value: i128,
    /// State, attributed conversions, attributed value, removal effect.
    pub credits: Box<[(Name, [Option<Float>; 3])]>,
}

impl From<&Attribution> for Stand {
    fn from(row: &Attribution) -> Stand {
        let credits = row.credits.iter().map(|credit| {
            let numbers = [
                credit.attributed_conversions,
                credit.attributed_value,
                credit.removal_effect,
            ];
            (credit.state, numbers)
        });
        Stand {
            journeys: row.journeys,
            conversions: row.conversions,
            untouched: row.untouched,
            value: row.value,
            untouched_value: row.untouched_value,
            credits: credits.collect(),
        }
    }
}

impl Stand {
    fn bytes(&self) -> usize {
        POINT_BYTES + self.credits.len() * size_of::<(Name, [Option<Float>; 3])>()
    }
}

/// A minute that is over.
#[derive(Clone, Debug)]
struct Minute {
    at_ms: TimeMs,
    events_per_second: f64,
    /// When it was sealed.
    mark: Mark,
    bytes: usize,
    chains: BTreeMap<(ChainKey, Window), (Revision, Arc<Stand>)>,
}

/// The minutes, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    sealed: VecDeque<Minute>,
    bytes: usize,
    /// Minutes that went, and when.
    dropped: VecDeque<(Mark, TimeMs)>,
    /// Minutes that went up to this change are not remembered.
    pub(super) forgotten: Mark,
    open: Option<Open>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    at_ms: TimeMs,
    entered: Mark,
    /// Records that had been accepted before it began.
    accepted: i64,
}

fn minute_of(now_ms: TimeMs) -> TimeMs {
    now_ms.div_euclid(MINUTE_MS) * MINUTE_MS
}

impl History {
    /// The minute that is open.
    pub(super) fn minute_ms(&self) -> Option<TimeMs> {
        self.open.map(|open| open.at_ms)
    }

    /// When the open minute was entered.
    pub(super) fn entered(&self) -> Mark {
        self.open.map_or(Mark::default(), |open| open.entered)
    }

    /// Whether that moment lies in a later minute than the open one.
    pub(super) fn leaves(&self, now_ms: TimeMs) -> bool {
        self.open.is_none_or(|open| minute_of(now_ms) > open.at_ms)
    }

    /// Seals the open minute with the chains as they stand, and opens that of `now_ms`.
    pub(super) fn enter<'a>(
        &mut self,
        now_ms: TimeMs,
        accepted: i64,
        chains: impl Iterator<Item = (&'a Attribution, Revision)>,
        mark: Mark,
    ) {
        if let Some(open) = self.open {
            let events_per_second = (accepted - open.accepted) as f64 / 60.0;
            self.seal(open.at_ms, events_per_second, chains, mark);
        }
        self.open = Some(Open {
            at_ms: minute_of(now_ms),
            entered: mark,
            accepted,
        });
    }

    fn seal<'a>(
        &mut self,
        at_ms: TimeMs,
        events_per_second: f64,
        chains: impl Iterator<Item = (&'a Attribution, Revision)>,
        mark: Mark,
    ) {
        let before = self.sealed.back().map(|minute| &minute.chains);
        let mut minute = Minute {
            at_ms,
            events_per_second,
            mark,
            bytes: 0,
            chains: BTreeMap::new(),
        };
        for (row, revision) in chains {
            let key = (row.chain, row.window);
            let same = before.and_then(|chains| chains.get(&key));
            let stand = match same.filter(|(known, _)| *known == revision) {
                Some((_, stand)) => stand.clone(),
                None => {
                    let stand = Stand::from(row);
                    minute.bytes += stand.bytes();
                    Arc::new(stand)
                }
            };
            minute.chains.insert(key, (revision, stand));
        }
        minute.bytes += minute.chains.len() * POINT_BYTES;
        self.bytes += minute.bytes;
        self.sealed.push_back(minute);
        self.drop_old(mark);
    }

    fn drop_old(&mut self, mark: Mark) {
        while self.sealed.len() >= MINUTES || self.bytes > BYTES_MAX {
            let Some(oldest) = self.sealed.pop_front() else {
                return;
            };
            self.bytes -= oldest.bytes;
            self.dropped.push_back((mark, oldest.at_ms));
            if self.dropped.len() > DROPPED_MAX
                && let Some((mark, _)) = self.dropped.pop_front()
            {
                self.forgotten = mark;
            }
        }
    }

    /// The sealed points of a chain with the moments they were sealed at.
    pub(super) fn points(
        &self,
        chain: ChainKey,
        window: Window,
    ) -> impl Iterator<Item = (Arc<Point>, Mark)> {
        self.sealed.iter().filter_map(move |minute| {
            let (_, stand) = minute.chains.get(&(chain, window))?;
            let point = Point {
                at_ms: minute.at_ms,
                events_per_second: minute.events_per_second,
                stand: stand.clone(),
            };
            Some((Arc::new(point), minute.mark))
        })
    }

    pub(super) fn has(&self, chain: ChainKey, window: Window, at_ms: TimeMs) -> bool {
        let minute = self
            .sealed
            .iter()
            .rev()
            .find(|minute| minute.at_ms == at_ms);
        minute.is_some_and(|minute| minute.chains.contains_key(&(chain, window)))
    }

    /// The minutes that went after the moment `is_later` asks for.
    pub(super) fn dropped_since(
        &self,
        is_later: impl Fn(Mark) -> bool,
    ) -> impl Iterator<Item = TimeMs> {
        let dropped = self.dropped.iter().rev();
        dropped
            .take_while(move |(mark, _)| is_later(*mark))
            .map(|(_, at_ms)| *at_ms)
    }

    /// A chain in the open minute, at `now_ms`.
    pub(super) fn open(&self, row: &Attribution, now_ms: TimeMs, accepted: i64) -> Option<Point> {
        let open = self.open?;
        let seconds = ((now_ms - open.at_ms).clamp(1_000, MINUTE_MS) as f64) / 1_000.0;
        Some(Point {
            at_ms: open.at_ms,
            events_per_second: (accepted - open.accepted) as f64 / seconds,
            stand: Arc::new(Stand::from(row)),
        })
    }
}
