//! The state of one worker: its key groups, the users in them, their blocks.
//!
//! In: accepted-or-duplicate events of one epoch, then the bound of that epoch. Out: edges and tallies. What must
//! hold: the bound only moves between epochs, so no accepted event meets forgotten state.

use crate::event::{FIRST_TIME_MS, KEY_GROUPS, TimeMs, UserId};
use crate::fold::FoldSet;
use crate::labels::{AdvertiserId, Labels};
use crate::names::Names;
use crate::prefetch::prefetch;
use crate::settings::{JourneyRule, Settings};

use super::arrivals::{Arrival, Arrivals};
use super::edge::{Edge, Few};
use super::entry::Entry;
use super::group::{Group, Saving};
use super::journeys::{Inserted, Journeys};
use super::place::Place;
use super::retention::Open;
use super::tally::Tally;

/// Events between the fetch of a group, of the hints to a slot, of the slot, of where its block is noted, of the block, and their
/// use.
const GROUPS_AHEAD: usize = 40;
const HINTS_AHEAD: usize = 32;
const SLOTS_AHEAD: usize = 24;
const CHUNKS_AHEAD: usize = 16;
const BLOCKS_AHEAD: usize = 8;
/// Places found ahead of use; a power of two.
const FOUND: usize = 32;
/// Slots between the fetch of a list and the sweep's visit.
const SWEPT_AHEAD: usize = 4;
/// One slot is swept for so many events.
const EVENTS_PER_SWEPT_SLOT: usize = 12;
/// For so many, one is asked whether its user is long gone or has gone quiet, which mostly is a look at the slot alone.
const EVENTS_PER_ASKED_SLOT: usize = 2;

/// Where the sweep stands.
#[derive(Default)]
struct Sweep {
    group: usize,
    slot: usize,
    open: Open,
    owed_events: usize,
}

/// Where the search for users long gone, or quiet with a long list, stands.
#[derive(Default)]
struct Expiry {
    group: usize,
    owed_events: usize,
}

/// All users of one worker.
pub(crate) struct State {
    settings: Settings,
    groups: Box<[Group; KEY_GROUPS]>,
    /// Memory for advertisers.
    met: FoldSet<AdvertiserId>,
    /// For the sorting of arrivals.
    memory: Vec<Arrival>,
    bound: i64,
    now: i64,
    sweep: Sweep,
    expiry: Expiry,
    /// What the last sweep of each group found.
    open: Vec<Open>,
}

impl State {
    pub(crate) fn new(settings: Settings) -> State {
        State {
            settings,
            groups: groups(),
            met: FoldSet::default(),
            memory: Vec::new(),
            bound: 0,
            now: 0,
            sweep: Sweep::default(),
            expiry: Expiry::default(),
            open: vec![Open::default(); KEY_GROUPS],
        }
    }

    /// Takes in the events of an epoch, group by group, fetching what they need ahead of its use.
    pub(crate) fn insert_all(
        &mut self,
        arrivals: &Arrivals,
        labels: &Labels,
        names: &Names,
        edges: &mut Vec<Edge>,
        tally: &mut Tally,
    ) {
        let mut memory = std::mem::take(&mut self.memory);
        let ordered = arrivals.sorted(&mut memory);
        let mut found = [0; FOUND];
        let mut few = Few::default();
        for (i, arrival) in ordered.iter().enumerate() {
            self.fetch_ahead(arrivals, ordered, i, &mut found);
            let likely = found[i % FOUND];
            let inserted = self.insert(arrivals, arrival, likely, labels, names, edges);
            tally.count(inserted, arrivals.receipt(arrival.entry()));
            few.add_up_if_many(edges);
        }
        self.sweep.owed_events += ordered.len();
        self.expiry.owed_events += ordered.len();
        self.memory = memory;
    }

    /// Fetches what the arrivals after the `i`th need; notes in `found` where their users most likely are.
    #[inline]
    fn fetch_ahead(
        &self,
        arrivals: &Arrivals,
        ordered: &[Arrival],
        i: usize,
        found: &mut [usize; FOUND],
    ) {
        if let Some(arrival) = ordered.get(i + GROUPS_AHEAD) {
            self.groups[arrival.group()].fetch_head();
        }
        if let Some(arrival) = ordered.get(i + HINTS_AHEAD) {
            prefetch(self.groups[arrival.group()].table.first_hint(arrival.key));
        }
        if let Some(arrival) = ordered.get(i + SLOTS_AHEAD) {
            let table = &self.groups[arrival.group()].table;
            let at = table.likely(arrival.key);
            table.get(at).fetch();
            found[(i + SLOTS_AHEAD) % FOUND] = at;
        }
        if let Some(arrival) = ordered.get(i + CHUNKS_AHEAD) {
            let group = &self.groups[arrival.group()];
            if let Some(chunk) = group.chunk(found[(i + CHUNKS_AHEAD) % FOUND]) {
                prefetch(chunk);
            }
        }
        if let Some(arrival) = ordered.get(i + BLOCKS_AHEAD) {
            let group = &self.groups[arrival.group()];
            group.fetch(found[(i + BLOCKS_AHEAD) % FOUND]);
            arrivals.fetch(arrival);
        }
    }

    /// One place calls it, for every event; a call with so many arguments would cost more than it hides.
    #[inline(always)]
    fn insert(
        &mut self,
        arrivals: &Arrivals,
        arrival: &Arrival,
        likely: usize,
        labels: &Labels,
        names: &Names,
        edges: &mut Vec<Edge>,
    ) -> Inserted {
        let (entry, key) = (arrival.entry(), arrival.key);
        assert!(
            entry.time() >= self.bound,
            "an accepted event lies below the bound"
        );
        let group = arrival.group();
        let at = match self.groups[group].table.find_likely(key, likely) {
            Some(at) => at,
            None => self.groups[group].add(key, self.saving()),
        };
        let mut journeys = self.journeys(group, at, labels, edges);
        let place = match journeys.locate(entry, arrivals.sequence(entry)) {
            Place::New(place) => place,
            Place::Duplicate(copy) => {
                self.groups[group].prepare_for_bodies(at);
                let mut journeys = self.journeys(group, at, labels, edges);
                return journeys.meet_copy(copy, entry, arrivals.body(entry), names);
            }
        };
        let entry = arrivals.settle(entry, journeys.bodies);
        if place < journeys.list.len() {
            self.insert_before(group, at, place, entry, labels, edges);
        } else {
            let entry = journeys.follow(entry);
            if !journeys.list.is_full() && journeys.list.takes(entry) {
                journeys.list.append(entry);
            } else {
                self.make_room(group, at, entry, labels);
                let (mut list, _) = self.groups[group].list(at);
                list.append(entry);
            }
        }
        Inserted::Accepted
    }

    /// Puts an entry before the one at `place`.
    fn insert_before(
        &mut self,
        group: usize,
        at: usize,
        place: usize,
        entry: Entry,
        labels: &Labels,
        edges: &mut Vec<Edge>,
    ) {
        // From the end, since forgetting shortens the list at its start.
        let behind = self.groups[group].table.get(at).len() - place;
        self.make_room(group, at, entry, labels);
        self.groups[group].prepare_for_bodies(at);
        let mut journeys = self.journeys(group, at, labels, edges);
        journeys.insert(journeys.list.len() - behind, entry);
    }

    /// Sees to it that a list has room for an entry and takes it: forgets what may go, and moves the list if that is not
    /// enough.
    fn make_room(&mut self, group: usize, at: usize, entry: Entry, labels: &Labels) {
        let mut no_edges = Vec::new();
        let mut journeys = self.journeys(group, at, labels, &mut no_edges);
        let list = &journeys.list;
        if list.len() > 0 && (list.is_full() || !list.takes(entry)) {
            journeys.prune_if_worth_it();
        }
        let (takes, is_full) = (journeys.list.takes(entry), journeys.list.is_full());
        if !takes {
            self.groups[group].make_full_size(at);
        } else if is_full {
            self.groups[group].grow(at, self.saving());
        }
    }

    fn saving(&self) -> Saving {
        match self.settings.allowed_lateness_ms {
            Some(_) => Saving::Time,
            None => Saving::Memory,
        }
    }

    /// Everything held of one user, read by `read`.
    pub(crate) fn of_user<R>(
        &mut self,
        user: UserId,
        labels: &Labels,
        read: impl FnOnce(&Journeys<'_>, i64) -> R,
    ) -> Option<R> {
        let (group, now) = (user.group(), self.now);
        let at = self.groups[group].table.find(user.key())?;
        let mut no_edges = Vec::new();
        Some(read(&self.journeys(group, at, labels, &mut no_edges), now))
    }

    #[inline]
    fn journeys<'a>(
        &'a mut self,
        group: usize,
        at: usize,
        labels: &'a Labels,
        edges: &'a mut Vec<Edge>,
    ) -> Journeys<'a> {
        let (list, bodies) = self.groups[group].list(at);
        Journeys {
            list,
            bodies,
            labels,
            settings: &self.settings,
            bound: self.bound,
            edges,
            met: &mut self.met,
        }
    }

    /// Moves the bound and the clock, once the epoch's events are in.
    pub(crate) fn advance(&mut self, bound: Option<TimeMs>, now: Option<TimeMs>) {
        if let Some(bound) = bound {
            self.bound = self.bound.max(bound - FIRST_TIME_MS);
        }
        self.now = now.map_or(0, |now| now - FIRST_TIME_MS);
    }

    /// Visits the slots that the events since the last call have earned.
    pub(crate) fn sweep(&mut self, labels: &Labels, tally: &mut Tally) {
        let mut slots = self.sweep.owed_events / EVENTS_PER_SWEPT_SLOT;
        self.sweep.owed_events %= EVENTS_PER_SWEPT_SLOT;
        while slots > 0 {
            let group = self.sweep.group;
            let is_whole = self.groups[group].table.users() == 0;
            while slots > 0 && !is_whole && self.sweep.slot < self.groups[group].table.places() {
                self.sweep_slot(group, labels);
                slots -= 1;
            }
            if is_whole || self.sweep.slot >= self.groups[group].table.places() {
                slots = slots.saturating_sub(1);
                self.end_group(tally);
            }
        }
    }

    /// Forgets users of whom no event can need anything, and what quiet ones need no more, group by group as the events
    /// since the last call have earned.
    pub(crate) fn expire(&mut self, labels: &Labels) {
        if self.settings.allowed_lateness_ms.is_none() {
            return;
        }
        loop {
            let group = self.expiry.group;
            let cost = self.groups[group].table.places() * EVENTS_PER_ASKED_SLOT;
            if self.expiry.owed_events < cost {
                return;
            }
            self.expiry.owed_events -= cost;
            self.expiry.group = (group + 1) % KEY_GROUPS;
            self.expire_group(group, labels);
        }
    }

    fn expire_group(&mut self, group: usize, labels: &Labels) {
        let reach_ms = match self.settings.journeys {
            JourneyRule::Session => self.settings.session_gap_ms,
            JourneyRule::GapMs(gap) => gap.max(self.settings.session_gap_ms),
        };
        self.groups[group].fetch_stale(self.bound, reach_ms);
        let mut at = 0;
        while let Some(stale) = self.groups[group].next_stale(at, self.bound, reach_ms) {
            let is_gone = self.groups[group].expire(stale, self.bound, reach_ms)
                || self.prune_slot(group, stale, labels);
            at = stale + usize::from(!is_gone);
        }
        self.groups[group].pack(self.saving());
    }

    /// Visits every slot: exact open counts as of now.
    pub(crate) fn sweep_all(&mut self, labels: &Labels, tally: &mut Tally) {
        self.sweep = Sweep::default();
        for group in 0..KEY_GROUPS {
            let mut at = 0;
            while at < self.groups[group].table.places() {
                at += usize::from(!self.prune_slot(group, at, labels));
            }
            // Forgetting moves users about; they are counted when all stand still.
            for at in 0..self.groups[group].table.places() {
                self.count_slot(group, at, labels);
            }
            self.end_group(tally);
        }
    }

    fn end_group(&mut self, tally: &mut Tally) {
        let Sweep {
            group,
            open,
            owed_events,
            ..
        } = self.sweep;
        let known = std::mem::replace(&mut self.open[group], open);
        tally.open_sessions += open.sessions - known.sessions;
        tally.open_journeys += open.journeys - known.journeys;
        self.sweep = Sweep {
            group: (group + 1) % KEY_GROUPS,
            owed_events,
            ..Sweep::default()
        };
    }

    /// Forgets what may go of the slot the sweep is at, counts what is open, and moves on. A user whom a removal
    /// moves across the sweep's place is missed or met twice by this round's counts.
    fn sweep_slot(&mut self, group: usize, labels: &Labels) {
        let at = self.sweep.slot;
        self.groups[group].fetch(at + SWEPT_AHEAD);
        if !self.prune_slot(group, at, labels) {
            self.count_slot(group, at, labels);
            self.sweep.slot += 1;
        }
    }

    /// Forgets what may go; true if that was the user as a whole, so that another may be in the slot now.
    fn prune_slot(&mut self, group: usize, at: usize, labels: &Labels) -> bool {
        if !self.groups[group].table.is_taken(at) {
            return false;
        }
        let mut no_edges = Vec::new();
        let mut journeys = self.journeys(group, at, labels, &mut no_edges);
        journeys.prune();
        let is_forgotten = journeys.list.len() == 0;
        if is_forgotten {
            self.groups[group].remove(at);
        } else {
            self.groups[group].shrink(at);
        }
        is_forgotten
    }

    fn count_slot(&mut self, group: usize, at: usize, labels: &Labels) {
        let now = self.now;
        if self.groups[group].table.is_taken(at) {
            let mut no_edges = Vec::new();
            let open = self.journeys(group, at, labels, &mut no_edges).open(now);
            self.sweep.open.sessions += open.sessions;
            self.sweep.open.journeys += open.journeys;
        }
    }
}

fn groups() -> Box<[Group; KEY_GROUPS]> {
    let groups: Box<[Group]> = (0..KEY_GROUPS).map(|_| Group::default()).collect();
    groups.try_into().ok().expect("as many as there are")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Kind};

    const HOUR_MS: i64 = 3_600_000;

    /// A click of every user at a time after the first.
    fn clicks(users: &[UserId], time: i64) -> Vec<Event> {
        let click = |&user| Event {
            user,
            ..Event::plain(Kind::Click, FIRST_TIME_MS + time)
        };
        users.iter().map(click).collect()
    }

    /// Many users of one group leave: its table shrinks while expiry walks over it.
    #[test]
    fn who_leaves_is_forgotten_and_who_stays_is_kept() {
        let settings = Settings::default();
        let users = (0..).map(|number: u64| UserId::new(&[0; 32], &number.to_le_bytes()));
        let users: Vec<UserId> = users.filter(|user| user.group() == 0).take(300).collect();
        for staying in [0, 5, 60, 299, 300] {
            let (mut state, mut labels) = (State::new(settings), Labels::default());
            let (names, mut tally, mut edges) = (Names::default(), Tally::default(), Vec::new());
            for (events, time) in [(&users[..], HOUR_MS), (&users[..staying], 4 * HOUR_MS)] {
                let mut arrivals = Arrivals::default();
                arrivals.take_in(&clicks(events, time), &mut labels);
                state.insert_all(&arrivals, &labels, &names, &mut edges, &mut tally);
                state.advance(Some(FIRST_TIME_MS + time), Some(FIRST_TIME_MS + time));
                state.expiry.owed_events += 100_000;
                state.expire(&labels);
            }
            let table = &state.groups[0].table;
            let kept = |user: &UserId| table.find(user.key()).is_some();
            assert!(users[..staying].iter().all(kept));
            assert_eq!(table.users(), staying);
        }
    }
}
