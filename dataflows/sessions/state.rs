//! The state of one worker: its key groups, the users in them, their blocks.
//!
//! In: accepted-or-duplicate events of one epoch, then the bound of that epoch. Out: edges and tallies. What must
//! hold: the bound only moves between epochs, so no accepted event meets forgotten state.

use std::collections::BTreeMap;

use crate::event::{Event, FIRST_TIME_MS, KEY_GROUPS, Receipt, TimeMs, UserId};
use crate::labels::Labels;
use crate::names::Names;
use crate::prefetch::prefetch;
use crate::settings::Settings;

use super::arena::{Arena, List};
use super::entry::{Bodies, Body, Entry};
use super::journeys::{Edge, Inserted, Journeys, Place};
use super::retention::Open;
use super::table::{Slot, Table};

/// Events between the fetch of a slot and its use, and between the fetch of a block and its use.
const SLOTS_AHEAD: usize = 16;
const BLOCKS_AHEAD: usize = 8;
/// One slot is swept for so many events.
const EVENTS_PER_SWEPT_SLOT: usize = 8;

/// Counts of what an epoch did on this worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) accepted: i64,
    pub(crate) duplicate: i64,
    pub(crate) conflicts: i64,
    pub(crate) open_sessions: i64,
    pub(crate) open_journeys: i64,
    /// For each receipt, the events accepted and the duplicates.
    pub(crate) receipts: BTreeMap<Receipt, (u64, u64)>,
}

impl Tally {
    #[inline]
    fn count(&mut self, inserted: Inserted, receipt: Receipt) {
        match inserted {
            Inserted::Accepted => self.accepted += 1,
            Inserted::Duplicate => self.duplicate += 1,
            Inserted::Conflict => {
                self.duplicate += 1;
                self.conflicts += 1;
            }
        }
        if receipt.is_some() {
            let (accepted, duplicate) = self.receipts.entry(receipt).or_default();
            let is_accepted = inserted == Inserted::Accepted;
            *if is_accepted { accepted } else { duplicate } += 1;
        }
    }
}

/// Where the sweep stands.
#[derive(Default)]
struct Sweep {
    group: usize,
    slot: usize,
    open: Open,
    owed_events: usize,
}

/// All users of one worker.
pub(crate) struct State {
    settings: Settings,
    tables: Vec<Table>,
    arena: Arena,
    bodies: Bodies,
    bound: i64,
    now: i64,
    sweep: Sweep,
    /// What the last sweep of each group found.
    open: Vec<Open>,
}

impl State {
    pub(crate) fn new(settings: Settings) -> State {
        State {
            settings,
            tables: (0..KEY_GROUPS).map(Table::new).collect(),
            arena: Arena::new(),
            bodies: Bodies::default(),
            bound: 0,
            now: 0,
            sweep: Sweep::default(),
            open: vec![Open::default(); KEY_GROUPS],
        }
    }

    /// Takes in a container of events, fetching slots and blocks ahead of their use.
    pub(crate) fn insert_all(
        &mut self,
        events: &[Event],
        labels: &mut Labels,
        names: &Names,
        edges: &mut Vec<Edge>,
        tally: &mut Tally,
    ) {
        for event in events.iter().take(SLOTS_AHEAD) {
            prefetch(self.tables[event.user.group()].address(event.user.key()));
        }
        for (i, event) in events.iter().enumerate() {
            if let Some(ahead) = events.get(i + SLOTS_AHEAD) {
                prefetch(self.tables[ahead.user.group()].address(ahead.user.key()));
            }
            if let Some(ahead) = events.get(i + BLOCKS_AHEAD) {
                self.prefetch_block(ahead);
            }
            let inserted = self.insert(event, labels, names, edges);
            tally.count(inserted, event.receipt);
        }
        self.sweep.owed_events += events.len();
    }

    fn prefetch_block(&self, event: &Event) {
        let table = &self.tables[event.user.group()];
        let slot = table.get(table.find(event.user.key()));
        if !slot.is_empty() {
            prefetch(self.arena.address(slot.block(), slot.len()));
        }
    }

    fn insert(
        &mut self,
        event: &Event,
        labels: &mut Labels,
        names: &Names,
        edges: &mut Vec<Edge>,
    ) -> Inserted {
        assert!(
            event.time - FIRST_TIME_MS >= self.bound,
            "an accepted event lies below the bound"
        );
        let label = labels.of(event);
        let (group, key) = (event.user.group(), event.user.key());
        let at = self.tables[group].find(key);
        let slot = self.tables[group].get(at);
        let entry = Entry::new(event);
        if slot.is_empty() {
            let block = self.arena.allocate(self.arena.class_for(1));
            let entry = with_content(entry, event, label, &mut self.bodies);
            let mut journeys = self.journeys(Slot::new(key, block, 0), labels, edges);
            journeys.insert(0, entry);
            self.tables[group].add(Slot::new(key, block, 1));
            return Inserted::Accepted;
        }
        let mut journeys = self.journeys(slot, labels, edges);
        match journeys.locate(entry, event.sequence) {
            Place::Duplicate(copy) => journeys.meet_copy(copy, event, label, names),
            Place::New(place) => {
                let (slot, place) = self.with_room(slot, place, labels, edges);
                let entry = with_content(entry, event, label, &mut self.bodies);
                let mut journeys = self.journeys(slot, labels, edges);
                journeys.insert(place, entry);
                self.tables[group].set(at, Slot::new(key, slot.block(), slot.len() + 1));
                Inserted::Accepted
            }
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
        let slot = self.tables[group].get(self.tables[group].find(user.key()));
        (!slot.is_empty()).then(|| read(&self.journeys(slot, labels, &mut Vec::new()), now))
    }

    fn journeys<'a>(
        &'a mut self,
        slot: Slot,
        labels: &'a Labels,
        edges: &'a mut Vec<Edge>,
    ) -> Journeys<'a> {
        Journeys {
            list: List {
                bytes: self.arena.bytes(slot.block()),
                len: slot.len(),
            },
            bodies: &mut self.bodies,
            labels,
            settings: &self.settings,
            bound: self.bound,
            edges,
        }
    }

    /// Makes room for one more entry: by forgetting if a quarter of the list may go, else in a larger block.
    fn with_room(
        &mut self,
        slot: Slot,
        place: usize,
        labels: &Labels,
        edges: &mut Vec<Edge>,
    ) -> (Slot, usize) {
        let len = slot.len();
        if len < self.arena.capacity(slot.block().class) {
            return (slot, place);
        }
        let bound = self.bound;
        let mut journeys = self.journeys(slot, labels, edges);
        if journeys.list.get(len / 4).time() < bound {
            journeys.prune();
            let pruned = journeys.list.len;
            if pruned < len {
                return (
                    Slot::new(slot.key, slot.block(), pruned),
                    place - (len - pruned),
                );
            }
        }
        let block = self
            .arena
            .resize(slot.block(), len, self.arena.class_for(len + 1));
        (Slot::new(slot.key, block, len), place)
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
            let is_whole = self.tables[group].users() == 0;
            while slots > 0 && !is_whole && self.sweep.slot < self.tables[group].capacity() {
                self.sweep_slot(group, labels);
                slots -= 1;
            }
            if is_whole || self.sweep.slot >= self.tables[group].capacity() {
                slots = slots.saturating_sub(1);
                self.end_group(tally);
            }
        }
    }

    /// Visits every slot: exact open counts as of now.
    pub(crate) fn sweep_all(&mut self, labels: &Labels, tally: &mut Tally) {
        self.sweep = Sweep::default();
        for group in 0..KEY_GROUPS {
            let mut at = 0;
            while at < self.tables[group].capacity() {
                at += usize::from(!self.prune_slot(group, at, labels));
            }
            // Forgetting moves users about; they are counted when all stand still.
            for at in 0..self.tables[group].capacity() {
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
        if !self.prune_slot(group, at, labels) {
            self.count_slot(group, at, labels);
            self.sweep.slot += 1;
        }
    }

    /// Forgets what may go; true if that was the user as a whole, so that another may be in the slot now.
    fn prune_slot(&mut self, group: usize, at: usize, labels: &Labels) -> bool {
        let slot = self.tables[group].get(at);
        if slot.is_empty() {
            return false;
        }
        let mut no_edges = Vec::new();
        let mut journeys = self.journeys(slot, labels, &mut no_edges);
        journeys.prune();
        let len = journeys.list.len;
        if len == 0 {
            self.arena.release(slot.block());
            self.tables[group].remove(at);
            return true;
        }
        if len < slot.len() {
            let block = self.fit(slot, len);
            self.tables[group].set(at, Slot::new(slot.key, block, len));
        }
        false
    }

    fn count_slot(&mut self, group: usize, at: usize, labels: &Labels) {
        let (slot, now) = (self.tables[group].get(at), self.now);
        if !slot.is_empty() {
            let open = self.journeys(slot, labels, &mut Vec::new()).open(now);
            self.sweep.open.sessions += open.sessions;
            self.sweep.open.journeys += open.journeys;
        }
    }

    /// A block of the right size for a list that has become much shorter.
    fn fit(&mut self, slot: Slot, len: usize) -> super::arena::Block {
        let class = self.arena.class_for(len);
        if len * 4 > self.arena.capacity(slot.block().class) * 3 {
            return slot.block();
        }
        self.arena.resize(slot.block(), len, class)
    }
}

/// The entry with its label, or with a body where it has more to say.
fn with_content(entry: Entry, event: &Event, label: u32, bodies: &mut Bodies) -> Entry {
    if Body::is_needed(event) {
        entry.with_body(bodies.add(Body::of_event(event, label)))
    } else {
        entry.with_label(label)
    }
}
