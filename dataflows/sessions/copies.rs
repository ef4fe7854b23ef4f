//! Copies of one event: the least content stays, whatever the order of arrival.
//!
//! In: an event that has the identity of a retained entry. Out: where the copy wins, the edges that change, as if the entry had
//! never been there and the copy came now. What must hold: the entry that stays, and whether its identity counts as
//! conflicting, is a function of the set of copies.

use crate::event::{Kind, Micros};
use crate::labels::LabelId;
use crate::names::Names;

use super::body::Body;
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

    /// Puts a copy in the place of the entry it is one of.
    fn replace(&mut self, at: usize, new: Entry, copy: Body) {
        if self.list.get(at).is_point() {
            self.withdraw_point(at);
        }
        let index = self.widen(at);
        let conflicted = self.bodies.get(index).conflicted;
        self.bodies.set(index, Body { conflicted, ..copy });
        self.list.remove(at);
        let entry = new.with_body(index);
        let Place::New(place) = self.locate(entry, copy.sequence) else {
            unreachable!("its copy was removed")
        };
        self.list.insert(place, entry);
        self.rejoin(at.min(place), at.max(place));
        if entry.is_point() {
            self.insert_point(place);
        }
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
