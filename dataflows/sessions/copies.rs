//! Copies of one event: the least content stays, whatever the order of arrival.
//!
//! In: an event that has the identity of a retained entry. Out: the edges that change if the copy wins. What must
//! hold: the entry that stays, and whether its identity counts as conflicting, is a function of the set of copies.

use crate::event::{Kind, Micros};
use crate::labels::{AdvertiserId, LabelId};
use crate::names::Names;

use super::body::Body;
use super::edge::{Edge, START};
use super::entry::Entry;
use super::journeys::{Inserted, Journeys};
use super::place::Place;

impl Journeys<'_> {
    /// A copy of the entry at `at` came; the least content stays.
    pub(crate) fn meet_copy(
        &mut self,
        at: usize,
        new: Entry,
        copy: Body,
        names: &Names,
    ) -> Inserted {
        let entry = self.list.get(at);
        let known = self.content(entry);
        let order = self.compare(content_of(&copy), known, names);
        let is_conflict = order.is_ne() && !self.is_conflicted(entry);
        if order.is_ne() {
            self.mark_conflicted(at);
        }
        if order.then(copy.sequence.cmp(&self.sequence(entry))).is_lt() {
            self.replace(at, new, copy);
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
                label: entry.label(),
                value: 0,
            };
        }
        content_of(&self.bodies.get(entry.body()))
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
        entry.is_wide() && self.bodies.get(entry.body()).conflicted
    }

    fn mark_conflicted(&mut self, at: usize) {
        let body = self.widen(at);
        let known = self.bodies.get(body);
        self.bodies.set(
            body,
            Body {
                conflicted: true,
                ..known
            },
        );
    }

    /// Puts a copy in the place of the entry it is one of. Rare, so the whole list is taken back
    /// and given anew instead of reasoning about neighbours that change places.
    fn replace(&mut self, at: usize, new: Entry, copy: Body) {
        let changed = self.edges.len();
        let index = self.widen(at);
        let advertisers = [
            self.advertiser(self.list.get(at)),
            self.labels.advertiser(copy.label),
        ];
        self.walk(-1, advertisers);
        let conflicted = self.bodies.get(index).conflicted;
        self.bodies.set(index, Body { conflicted, ..copy });
        self.list.remove(at);
        let entry = new.with_body(index);
        let Place::New(place) = self.locate(entry, copy.sequence) else {
            unreachable!("its copy was removed")
        };
        self.list.insert(place, entry);
        self.rejoin(at.min(place), at.max(place));
        self.walk(1, advertisers);
        self.cancel(changed);
    }

    /// Adds up the edges from `start` on; most of what was given is what was taken back.
    fn cancel(&mut self, start: usize) {
        let key = |edge: &Edge| (edge.advertiser, edge.minute, edge.from, edge.to);
        self.edges[start..].sort_unstable_by_key(key);
        let mut end = start;
        for at in start..self.edges.len() {
            let edge = self.edges[at];
            if end > start && key(&self.edges[end - 1]) == key(&edge) {
                self.edges[end - 1].count += edge.count;
                self.edges[end - 1].value += edge.value;
            } else {
                self.edges[end] = edge;
                end += 1;
            }
        }
        self.edges.truncate(end);
        let mut at = 0;
        self.edges.retain(|edge| {
            at += 1;
            at <= start || (edge.count, edge.value) != (0, 0)
        });
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

    /// Emits every edge between the retained points of the advertisers, `count` times, and notes their journeys' first minutes. Points
    /// below the bound keep theirs: what came before them may be gone, and nothing before them can change.
    fn walk(&mut self, count: i32, advertisers: [AdvertiserId; 2]) {
        for at in 0..self.list.len() {
            let point = self.list.get(at);
            if !point.is_point() {
                continue;
            }
            let advertiser = self.advertiser(point);
            if !advertisers.contains(&advertiser) {
                continue;
            }
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

fn content_of(body: &Body) -> Content {
    Content {
        kind: body.kind,
        touches: body.touches,
        label: body.label,
        value: body.value,
    }
}
