//! A user's entries and the edges they make: what one more event changes.
//!
//! In: a list of entries in order, and one event to put into it. Out: the edges that appear (+1) and disappear (-1).
//! What must hold: the sum of all edges ever emitted is a function of the set of accepted events, whatever the order
//! in which they came. Edges depend on neighbours only, but each carries the minute of its journey's first point, so
//! a journey whose first point changes moves as a whole.

use crate::event::{Micros, Minute};
use crate::fold::FoldSet;
use crate::labels::{AdvertiserId, LabelId, Labels};
use crate::settings::{JourneyRule, Settings};

use super::body::{Bodies, Body};
use super::edge::{CONVERSION, Edge, START, StateId};
use super::entry::Entry;
use super::list::List;

/// What an insertion was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    Accepted,
    Duplicate,
    /// The first copy of its identity whose content differs.
    Conflict,
}

/// One user's list with all that is needed to read and change it.
pub(crate) struct Journeys<'a> {
    pub(crate) list: List<'a>,
    pub(crate) bodies: &'a mut Bodies,
    pub(crate) labels: &'a Labels,
    pub(crate) settings: &'a Settings,
    /// No event before this time (milliseconds since 2000) will come any more.
    pub(crate) bound: i64,
    pub(crate) edges: &'a mut Vec<Edge>,
    /// To note advertisers in.
    pub(super) met: &'a mut FoldSet<AdvertiserId>,
}

impl Journeys<'_> {
    pub(super) fn label(&self, entry: Entry) -> LabelId {
        self.bodies.label(entry)
    }

    #[inline]
    pub(super) fn advertiser(&self, entry: Entry) -> AdvertiserId {
        self.labels.advertiser(self.label(entry))
    }

    pub(super) fn sequence(&self, entry: Entry) -> i64 {
        self.bodies.sequence_of(entry)
    }

    pub(super) fn value(&self, conversion: Entry) -> Micros {
        self.bodies.value(conversion.body())
    }

    /// An impression, a click, or a conversion that is a touch as well.
    pub(super) fn is_touch(&self, point: Entry) -> bool {
        !point.is_conversion() || self.bodies.touches(point.body())
    }

    /// One condition for the processor to guess, not two.
    #[inline]
    fn is_point_of(&self, entry: Entry, advertiser: AdvertiserId) -> bool {
        entry.is_point() & (self.advertiser(entry) == advertiser)
    }

    /// Puts the entry of an accepted event before the one at `at`; the list has room.
    pub(crate) fn insert(&mut self, at: usize, entry: Entry) {
        let gap = self.settings.session_gap_ms;
        let joined = at > 0 && entry.time() - self.list.time(at - 1) <= gap;
        let entry = entry.with_joined(joined);
        self.list.insert(at, entry);
        let next = self.list.get(at + 1);
        let next_joins = next.time() - entry.time() <= gap;
        let is_seam = joined && next_joins && !next.is_joined();
        self.list.set(at + 1, next.with_joined(next_joins));
        if is_seam && self.settings.journeys == JourneyRule::Session {
            self.join_sessions(at);
        }
        if entry.is_point() {
            self.insert_point(at);
        }
    }

    /// Most events are their user's newest: nothing comes after them, and nothing is taken back. Gives out the edges of such a
    /// one; the entry that is to be put at the end.
    ///
    /// All it calls is inline: calls would cost more than they hide, as with what calls it.
    #[inline]
    pub(crate) fn follow(&mut self, entry: Entry) -> Entry {
        let (len, gap) = (self.list.len(), self.settings.session_gap_ms);
        let joined = len > 0 && entry.time() - self.list.time(len - 1) <= gap;
        let mut entry = entry.with_joined(joined);
        if entry.is_point() {
            let before = self.open_point_before(len, entry);
            let first = before.map_or(entry.minute(), |p| self.first_minute(p));
            if entry.is_wide() {
                self.bodies.set_first_minute(entry.body(), first);
            } else {
                entry = entry.with_first_minute(first);
            }
            let from = before.map_or(START, |p| self.label(self.list.get(p)));
            self.arrive(1, from, entry, first);
            self.convert(1, entry, first);
        }
        entry
    }

    /// The touch of an open journey that a point is about to follow, or follows, at `at`.
    #[inline(always)]
    fn open_point_before(&self, at: usize, point: Entry) -> Option<usize> {
        self.point_before(at, point, self.advertiser(point))
            .filter(|&p| !self.list.get(p).is_conversion())
    }

    /// The nearest earlier point of the advertiser that the rule lets the one at `at` follow.
    pub(super) fn previous_point(&self, at: usize, advertiser: AdvertiserId) -> Option<usize> {
        self.point_before(at, self.list.get(at), advertiser)
    }

    /// The nearest point of the advertiser before `at` that the rule lets `later` follow, which is there or will be.
    #[inline(always)]
    fn point_before(&self, at: usize, later: Entry, advertiser: AdvertiserId) -> Option<usize> {
        match self.settings.journeys {
            JourneyRule::Session => {
                // The first entry of a list is never joined: the way back ends there.
                let (mut earlier, mut is_joined) = (at, later.is_joined());
                while is_joined {
                    earlier -= 1;
                    let entry = self.list.get(earlier);
                    if self.is_point_of(entry, advertiser) {
                        return Some(earlier);
                    }
                    is_joined = entry.is_joined();
                }
            }
            JourneyRule::GapMs(gap) => {
                for earlier in (0..at).rev() {
                    let entry = self.list.get(earlier);
                    if later.time() - entry.time() > gap {
                        return None;
                    }
                    if self.is_point_of(entry, advertiser) {
                        return Some(earlier);
                    }
                }
            }
        }
        None
    }

    /// The nearest later point of the advertiser that the rule lets follow `at`.
    pub(super) fn next_point(&self, at: usize, advertiser: AdvertiserId) -> Option<usize> {
        let time = self.list.get(at).time();
        for later in at + 1..self.list.len() {
            let entry = self.list.get(later);
            let breaks = match self.settings.journeys {
                JourneyRule::Session => !entry.is_joined(),
                JourneyRule::GapMs(gap) => entry.time() - time > gap,
            };
            if breaks {
                return None;
            }
            if self.is_point_of(entry, advertiser) {
                return Some(later);
            }
        }
        None
    }

    /// The minute of the first point of the journey that the point `at` is in.
    #[inline(always)]
    pub(super) fn first_minute(&self, at: usize) -> Minute {
        let entry = self.list.get(at);
        match entry.age() {
            Some(age) => entry.minute() - age,
            None => self.bodies.first_minute(entry.body()),
        }
    }

    /// Notes the first minute of its journey: as the age of the entry where its list holds that, or in its body.
    pub(super) fn set_first_minute(&mut self, at: usize, first: Minute) {
        let entry = self.list.get(at);
        if !entry.is_wide() {
            let aged = entry.with_first_minute(first);
            if self.list.holds(aged) {
                return self.list.set(at, aged);
            }
        }
        let body = self.widen(at);
        self.bodies.set_first_minute(body, first);
    }

    /// Gives the entry at `at` a body if it has none.
    pub(super) fn widen(&mut self, at: usize) -> u32 {
        let entry = self.list.get(at);
        let Some(age) = entry.age() else {
            return entry.body();
        };
        let body = self.bodies.add(Body {
            kind: entry.kind(),
            first_minute: entry.minute() - age,
            ..Body::of(entry.label())
        });
        self.list.set(at, entry.with_body(body));
        body
    }

    #[inline(always)]
    pub(super) fn emit(
        &mut self,
        count: i32,
        point: Entry,
        minute: Minute,
        from: StateId,
        to: StateId,
    ) {
        let value = if to == CONVERSION {
            self.value(point) * i64::from(count)
        } else {
            0
        };
        let advertiser = self.advertiser(point);
        self.edges.push(Edge {
            advertiser,
            minute,
            from,
            to,
            count,
            value,
        });
    }

    /// The edge into a point: into its state, or into conversion.
    #[inline(always)]
    pub(super) fn arrive(&mut self, count: i32, from: StateId, point: Entry, minute: Minute) {
        let to = if self.is_touch(point) {
            self.label(point)
        } else {
            CONVERSION
        };
        self.emit(count, point, minute, from, to);
    }

    /// The edge of a converting touch from its own state into conversion.
    #[inline(always)]
    pub(super) fn convert(&mut self, count: i32, point: Entry, minute: Minute) {
        if point.is_conversion() && self.is_touch(point) {
            self.emit(count, point, minute, self.label(point), CONVERSION);
        }
    }

    pub(super) fn insert_point(&mut self, at: usize) {
        let point = self.list.get(at);
        let advertiser = self.advertiser(point);
        let before = self.open_point_before(at, point);
        let after = self.next_point(at, advertiser);
        let first = before.map_or(point.minute(), |p| self.first_minute(p));
        self.set_first_minute(at, first);

        let before = before.map(|p| self.list.get(p));
        let after_first = after.map(|n| self.part(before, first, n));
        self.arrive(1, before.map_or(START, |p| self.label(p)), point, first);
        self.convert(1, point, first);
        match after {
            Some(n) if point.is_conversion() => {
                let next = self.list.get(n);
                self.arrive(1, START, next, next.minute());
                self.shift(n, after_first.expect("a next point"), next.minute());
            }
            Some(n) => {
                self.arrive(1, self.label(point), self.list.get(n), first);
                self.shift(n, after_first.expect("a next point"), first);
            }
            None => {}
        }
    }

    /// Takes back what [`insert_point`](Self::insert_point) gave out: the points around the one at `at` are as if it were not there.
    pub(super) fn withdraw_point(&mut self, at: usize) {
        let point = self.list.get(at);
        let advertiser = self.advertiser(point);
        let before = self.open_point_before(at, point);
        let after = self.next_point(at, advertiser);
        let first = self.first_minute(at);
        let before = before.map(|p| self.list.get(p));
        self.arrive(-1, before.map_or(START, |p| self.label(p)), point, first);
        self.convert(-1, point, first);
        let Some(n) = after else { return };
        let next = self.list.get(n);
        let next_first = if point.is_conversion() {
            self.arrive(-1, START, next, next.minute());
            next.minute()
        } else {
            self.arrive(-1, self.label(point), next, first);
            first
        };
        match before {
            Some(p) if self.follows(p, next) => {
                self.arrive(1, self.label(p), next, first);
                self.shift(n, next_first, first);
            }
            _ => {
                self.arrive(1, START, next, next.minute());
                self.shift(n, next_first, next.minute());
            }
        }
    }

    /// Takes back what stood between an open touch (if any, its journey's first minute beside it) and the next
    /// point; says which first minute the next point's journey had.
    fn part(&mut self, before: Option<Entry>, first: Minute, after: usize) -> Minute {
        let next = self.list.get(after);
        match before {
            Some(p) if self.follows(p, next) => {
                self.arrive(-1, self.label(p), next, first);
                first
            }
            _ => {
                self.arrive(-1, START, next, next.minute());
                next.minute()
            }
        }
    }

    /// Whether nothing but what lies between them could part two points of one session.
    fn follows(&self, p: Entry, n: Entry) -> bool {
        match self.settings.journeys {
            JourneyRule::Session => true,
            JourneyRule::GapMs(gap) => n.time() - p.time() <= gap,
        }
    }

    /// Moves all edges of a journey from the point `at` on, but not the one into it, to another first minute.
    pub(super) fn shift(&mut self, mut at: usize, old: Minute, new: Minute) {
        if old == new {
            return;
        }
        let advertiser = self.advertiser(self.list.get(at));
        loop {
            let point = self.list.get(at);
            let next = if point.is_conversion() {
                None
            } else {
                self.next_point(at, advertiser)
            };
            self.set_first_minute(at, new);
            for (count, minute) in [(-1, old), (1, new)] {
                self.convert(count, point, minute);
                if let Some(n) = next {
                    self.arrive(count, self.label(point), self.list.get(n), minute);
                }
            }
            match next {
                Some(n) => at = n,
                None => return,
            }
        }
    }
}
