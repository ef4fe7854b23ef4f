//! A user's entries and the edges they make: what one more event changes.
//!
//! In: a list of entries in order, and one event to put into it. Out: the edges that appear (+1) and disappear (-1).
//! What must hold: the sum of all edges ever emitted is a function of the set of accepted events, whatever the order
//! in which they came. Edges depend on neighbours only, but each carries the minute of its journey's first point, so
//! a journey whose first point changes moves as a whole.

use crate::event::{Event, Kind, Micros, Minute};
use crate::labels::{AdvertiserId, LabelId, Labels};
use crate::names::Names;
use crate::settings::{JourneyRule, Settings};

use super::arena::List;
use super::entry::{Bodies, Body, Entry, NO_MINUTE};

/// A worker-local state of a chain: a label, or one of the three special ones.
pub(crate) type StateId = u32;
pub(crate) const START: StateId = u32::MAX;
pub(crate) const CONVERSION: StateId = u32::MAX - 1;
pub(crate) const NULL: StateId = u32::MAX - 2;

/// A change to the count of one transition, in the minute of its journey's first point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) advertiser: AdvertiserId,
    pub(crate) minute: Minute,
    pub(crate) from: StateId,
    pub(crate) to: StateId,
    pub(crate) count: i32,
    pub(crate) value: Micros,
}

/// What an insertion was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    Accepted,
    Duplicate,
    /// The first copy of its identity whose content differs.
    Conflict,
}

/// Where an event belongs.
pub(crate) enum Place {
    New(usize),
    Duplicate(usize),
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
}

impl Journeys<'_> {
    fn label(&self, entry: Entry) -> LabelId {
        if entry.is_wide() {
            self.bodies.get(entry.index()).label
        } else {
            entry.index()
        }
    }

    #[inline]
    pub(super) fn advertiser(&self, entry: Entry) -> AdvertiserId {
        self.labels.advertiser(self.label(entry))
    }

    fn sequence(&self, entry: Entry) -> i64 {
        if entry.is_wide() {
            self.bodies.get(entry.index()).sequence
        } else {
            0
        }
    }

    fn value(&self, conversion: Entry) -> Micros {
        self.bodies.get(conversion.index()).value
    }

    /// An impression, a click, or a conversion that is a touch as well.
    fn is_touch(&self, point: Entry) -> bool {
        !point.is_conversion() || self.bodies.get(point.index()).touches
    }

    fn is_point_of(&self, entry: Entry, advertiser: AdvertiserId) -> bool {
        entry.is_point() && self.advertiser(entry) == advertiser
    }

    /// The first entry after `time`.
    fn end_of(&self, time: i64) -> usize {
        let mut end = self.list.len;
        for _ in 0..8 {
            if end == 0 || self.list.get(end - 1).time() <= time {
                return end;
            }
            end -= 1;
        }
        let (mut low, mut high) = (0, end);
        while low < high {
            let middle = (low + high) / 2;
            if self.list.get(middle).time() <= time {
                low = middle + 1
            } else {
                high = middle
            }
        }
        low
    }

    /// Where an entry of that sequence belongs, or the copy that is there already.
    pub(crate) fn locate(&self, new: Entry, sequence: i64) -> Place {
        let mut at = self.end_of(new.time());
        let mut other = at;
        while other > 0 && self.list.get(other - 1).time() == new.time() {
            other -= 1;
            let entry = self.list.get(other);
            if entry.tag() == new.tag() {
                return Place::Duplicate(other);
            }
            if (self.sequence(entry), entry.order()) > (sequence, new.order()) {
                at = other;
            }
        }
        Place::New(at)
    }

    /// Puts the entry of an accepted event at its place; the block has room.
    pub(crate) fn insert(&mut self, at: usize, entry: Entry) {
        let gap = self.settings.session_gap_ms;
        let joined = at > 0 && entry.time() - self.list.get(at - 1).time() <= gap;
        self.list.insert(at, entry.with_joined(joined));
        let mut is_seam = false;
        if at + 1 < self.list.len {
            let next = self.list.get(at + 1);
            let next_joins = next.time() - entry.time() <= gap;
            is_seam = joined && next_joins && !next.is_joined();
            self.list.set(at + 1, next.with_joined(next_joins));
        }
        if is_seam && self.settings.journeys == JourneyRule::Session {
            self.join_sessions(at);
        }
        if entry.is_point() {
            self.insert_point(at);
        }
    }

    /// The nearest earlier point of the advertiser that the rule lets `at` follow.
    fn previous_point(&self, at: usize, advertiser: AdvertiserId) -> Option<usize> {
        let mut entry = self.list.get(at);
        let time = entry.time();
        for earlier in (0..at).rev() {
            if self.settings.journeys == JourneyRule::Session && !entry.is_joined() {
                return None;
            }
            entry = self.list.get(earlier);
            if matches!(self.settings.journeys, JourneyRule::GapMs(gap) if time - entry.time() > gap)
            {
                return None;
            }
            if self.is_point_of(entry, advertiser) {
                return Some(earlier);
            }
        }
        None
    }

    /// The nearest later point of the advertiser that the rule lets follow `at`.
    fn next_point(&self, at: usize, advertiser: AdvertiserId) -> Option<usize> {
        let time = self.list.get(at).time();
        for later in at + 1..self.list.len {
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
    pub(super) fn first_minute(&self, mut at: usize) -> Minute {
        loop {
            let entry = self.list.get(at);
            if let Some(age) = entry.age() {
                return entry.minute() - age;
            }
            if entry.is_wide() && self.bodies.get(entry.index()).first_minute != NO_MINUTE {
                return self.bodies.get(entry.index()).first_minute;
            }
            let advertiser = self.advertiser(entry);
            at = self
                .previous_point(at, advertiser)
                .expect("an old journey has an earlier point");
        }
    }

    fn set_first_minute(&mut self, at: usize, first: Minute) {
        let entry = self.list.get(at);
        if entry.is_wide() {
            self.bodies.get_mut(entry.index()).first_minute = NO_MINUTE;
        }
        self.list.set(at, entry.with_first_minute(first));
    }

    fn emit(&mut self, count: i32, point: Entry, minute: Minute, from: StateId, to: StateId) {
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
    fn arrive(&mut self, count: i32, from: StateId, point: Entry, minute: Minute) {
        let to = if self.is_touch(point) {
            self.label(point)
        } else {
            CONVERSION
        };
        self.emit(count, point, minute, from, to);
    }

    /// The edge of a converting touch from its own state into conversion.
    fn convert(&mut self, count: i32, point: Entry, minute: Minute) {
        if point.is_conversion() && self.is_touch(point) {
            self.emit(count, point, minute, self.label(point), CONVERSION);
        }
    }

    fn insert_point(&mut self, at: usize) {
        let point = self.list.get(at);
        let advertiser = self.advertiser(point);
        let before = self
            .previous_point(at, advertiser)
            .filter(|&p| !self.list.get(p).is_conversion());
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
            None => {
                if let Some(p) = before {
                    self.emit(-1, p, first, self.label(p), NULL);
                }
                if !point.is_conversion() {
                    self.emit(1, point, first, self.label(point), NULL);
                }
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
                if let Some(p) = before {
                    self.emit(-1, p, first, self.label(p), NULL);
                }
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
    fn shift(&mut self, mut at: usize, old: Minute, new: Minute) {
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
                match next {
                    Some(n) => self.arrive(count, self.label(point), self.list.get(n), minute),
                    None if !point.is_conversion() => {
                        self.emit(count, point, minute, self.label(point), NULL);
                    }
                    None => {}
                }
            }
            match next {
                Some(n) => at = n,
                None => return,
            }
        }
    }

    /// The activity at `seam` has made one session of two: per advertiser, the last point on the left now leads to
    /// the first one on the right.
    fn join_sessions(&mut self, seam: usize) {
        let mut firsts: Vec<(AdvertiserId, usize)> = Vec::new();
        let in_session = |j: &Self, at: usize| at < j.list.len && j.list.get(at).is_joined();
        let mut right = seam + 1;
        while in_session(self, right) {
            let entry = self.list.get(right);
            if entry.is_point() {
                let advertiser = self.advertiser(entry);
                if firsts.iter().all(|&(known, _)| known != advertiser) {
                    firsts.push((advertiser, right));
                }
            }
            right += 1;
        }
        for (advertiser, n) in firsts {
            if let Some(p) = self.previous_point(seam, advertiser) {
                self.join(p, n);
            }
        }
    }

    fn join(&mut self, p: usize, n: usize) {
        let (left, right) = (self.list.get(p), self.list.get(n));
        if left.is_conversion() {
            return;
        }
        let first = self.first_minute(p);
        self.emit(-1, left, first, self.label(left), NULL);
        self.arrive(-1, START, right, right.minute());
        self.arrive(1, self.label(left), right, first);
        self.shift(n, right.minute(), first);
    }

    /// A copy of the entry at `at` came; the least content stays.
    pub(crate) fn meet_copy(
        &mut self,
        at: usize,
        event: &Event,
        label: LabelId,
        names: &Names,
    ) -> Inserted {
        let entry = self.list.get(at);
        let known = self.content(entry);
        let copy = content_of(event, label);
        let order = self.compare(copy, known, names);
        let is_conflict = order.is_ne() && !self.is_conflicted(entry);
        if order.is_ne() {
            self.mark_conflicted(at);
        }
        if order
            .then(event.sequence.cmp(&self.sequence(entry)))
            .is_lt()
        {
            self.replace(at, event, label);
        }
        if is_conflict {
            Inserted::Conflict
        } else {
            Inserted::Duplicate
        }
    }

    fn content(&self, entry: Entry) -> Content {
        if !entry.is_wide() {
            return Content {
                kind: entry.kind(),
                touches: false,
                label: entry.index(),
                value: 0,
            };
        }
        let body = self.bodies.get(entry.index());
        Content {
            kind: body.kind,
            touches: body.touches,
            label: body.label,
            value: body.value,
        }
    }

    fn compare(&self, a: Content, b: Content, names: &Names) -> std::cmp::Ordering {
        let (x, y) = (self.labels.get(a.label), self.labels.get(b.label));
        (a.kind, a.touches)
            .cmp(&(b.kind, b.touches))
            .then_with(|| names.cmp(x.advertiser, y.advertiser))
            .then_with(|| names.cmp(x.campaign, y.campaign))
            .then_with(|| names.cmp(x.channel, y.channel))
            .then(a.value.cmp(&b.value))
    }

    fn is_conflicted(&self, entry: Entry) -> bool {
        entry.is_wide() && self.bodies.get(entry.index()).conflicted
    }

    fn mark_conflicted(&mut self, at: usize) {
        let body = self.widen(at);
        self.bodies.get_mut(body).conflicted = true;
    }

    /// Gives the entry a body if it has none.
    pub(super) fn widen(&mut self, at: usize) -> u32 {
        let entry = self.list.get(at);
        if entry.is_wide() {
            return entry.index();
        }
        let body = self.bodies.add(Body {
            kind: entry.kind(),
            ..Body::of(entry.index())
        });
        self.list.set(at, entry.with_body(body));
        body
    }

    /// Puts the content of `event` in the place of the entry it is a copy of. Rare, so the whole list is taken back
    /// and given anew instead of reasoning about neighbours that change places.
    fn replace(&mut self, at: usize, event: &Event, label: LabelId) {
        self.walk(-1);
        let index = self.widen(at);
        let body = self.bodies.get_mut(index);
        *body = Body {
            conflicted: body.conflicted,
            ..Body::of_event(event, label)
        };
        self.list.remove(at);
        let entry = Entry::new(event).with_body(index);
        let Place::New(place) = self.locate(entry, event.sequence) else {
            unreachable!("its copy was removed")
        };
        self.list.insert(place, entry);
        self.rejoin(at.min(place), at.max(place));
        self.walk(1);
    }

    /// Entries `low..=high` have one time and changed places: only the first can begin a session.
    fn rejoin(&mut self, low: usize, high: usize) {
        let gap = self.settings.session_gap_ms;
        for at in low..=high {
            let entry = self.list.get(at);
            let joined = at > 0 && entry.time() - self.list.get(at - 1).time() <= gap;
            self.list.set(at, entry.with_joined(joined));
        }
    }

    /// Emits every edge between the retained points, `count` times, and notes their journeys' first minutes. Points
    /// below the bound keep theirs: what came before them may be gone, and nothing before them can change.
    fn walk(&mut self, count: i32) {
        for at in 0..self.list.len {
            let point = self.list.get(at);
            if !point.is_point() {
                continue;
            }
            let advertiser = self.advertiser(point);
            let before = self
                .previous_point(at, advertiser)
                .filter(|&p| !self.list.get(p).is_conversion());
            let first = match before {
                Some(p) => self.first_minute(p),
                None if point.time() < self.bound => self.first_minute(at),
                None => point.minute(),
            };
            if point.time() >= self.bound {
                self.set_first_minute(at, first);
            }
            self.arrive(
                count,
                before.map_or(START, |p| self.label(self.list.get(p))),
                point,
                first,
            );
            self.convert(count, point, first);
            if !point.is_conversion() && self.next_point(at, advertiser).is_none() {
                self.emit(count, point, first, self.label(point), NULL);
            }
        }
    }
}

/// What copies of one event may differ in; the least wins.
#[derive(Clone, Copy)]
struct Content {
    kind: Kind,
    touches: bool,
    label: LabelId,
    value: Micros,
}

fn content_of(event: &Event, label: LabelId) -> Content {
    Content {
        kind: event.kind,
        touches: event.touches,
        label,
        value: event.value,
    }
}

impl Body {
    /// A body that says no more than its label.
    fn of(label: LabelId) -> Body {
        Body {
            label,
            first_minute: NO_MINUTE,
            value: 0,
            sequence: 0,
            kind: Kind::Other,
            touches: false,
            conflicted: false,
            userless: false,
        }
    }

    pub(crate) fn of_event(event: &Event, label: LabelId) -> Body {
        Body {
            value: event.value,
            sequence: event.sequence,
            kind: event.kind,
            touches: event.touches,
            userless: event.userless,
            ..Body::of(label)
        }
    }

    /// Whether an event says more than an entry can hold.
    pub(crate) fn is_needed(event: &Event) -> bool {
        event.kind == Kind::Conversion || event.sequence != 0 || event.userless || event.value != 0
    }
}
