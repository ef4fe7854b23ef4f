//! One key group: its users, and the memory of their lists.
//!
//! All that an event of the group needs lies in a few small pieces of memory, so that events of one group, taken one
//! after the other, find it in the cache. When much of the arena waits to be taken again, the lists move to a new one,
//! each into a block of its size: that takes microseconds.

use crate::prefetch::{LINE_BYTES, prefetch};

use super::arena::{Arena, Chunk};
use super::body::Bodies;
use super::entry::{Entry, NARROW_BODIES};
use super::list::List;
use super::slot::Slot;
use super::table::Table;

/// More than most users need to hold who have not been seen since before the bound.
const DORMANT_ENTRIES: usize = 8;
/// How long before the bound they count as just gone quiet. A list that stays long all the same, for the sake of open
/// journeys, would be pruned in vain from then on.
const DORMANT_MS: i64 = 30 * 60_000;

/// What a group saves where it can save only one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saving {
    /// Where lists are pruned: to look for what may go, and to move, costs more than room that is soon used.
    Time,
    /// Where lists only grow.
    Memory,
}

impl Saving {
    /// For how many more entries a list of so many gets room: for a million at most, lest the longest be refused early.
    fn room(self, entries: usize) -> usize {
        match self {
            Saving::Time => 2 + (entries / 2).min(1 << 20),
            Saving::Memory => 1,
        }
    }

    /// Of how many places one may wait to be taken again.
    fn idle_share(self) -> usize {
        match self {
            Saving::Time => 8,
            Saving::Memory => 24,
        }
    }
}

/// The users of one key group and their lists.
#[derive(Default)]
pub(crate) struct Group {
    pub(crate) table: Table,
    pub(crate) arena: Arena,
    pub(crate) bodies: Bodies,
}

impl Group {
    /// Fetches ahead of use where all that an event of the group needs is noted.
    #[inline]
    pub(crate) fn fetch_head(&self) {
        prefetch(&self.table);
        self.arena.fetch_head();
        self.bodies.fetch_head();
    }

    /// The entries of the user at `at`, and the bodies that they may point to.
    #[inline(always)]
    pub(crate) fn list(&mut self, at: usize) -> (List<'_>, &mut Bodies) {
        let slot = self.table.get_mut(at);
        let block = self.arena.places(slot.block());
        (List::new(slot, block), &mut self.bodies)
    }

    /// Where the memory of the user who is perhaps at `at` is noted, to be fetched ahead of use.
    #[inline]
    pub(crate) fn chunk(&self, at: usize) -> Option<&Chunk> {
        self.arena.chunk(self.table.peek(at)?.block())
    }

    /// Adds a user who is not there, with room for entries, and says where.
    pub(crate) fn add(&mut self, key: u64, saving: Saving) -> usize {
        let block = self.arena.allocate(saving.room(0));
        self.table.add(Slot::new(key, block))
    }

    /// Makes room for more entries of the user at `at`.
    pub(crate) fn grow(&mut self, at: usize, saving: Saving) {
        let slot = self.table.get(at);
        let places = slot.places_for(slot.len() + saving.room(slot.len()));
        if !self.arena.has_room(places) {
            self.pack(saving);
        }
        self.move_list(at, places);
    }

    /// Sees to it that each entry of the user at `at` can get a body: whether its number is small is not asked then.
    pub(crate) fn prepare_for_bodies(&mut self, at: usize) {
        let slot = self.table.get(at);
        if !slot.is_full_size() && self.bodies.len() + slot.len() >= NARROW_BODIES {
            self.make_full_size(at);
        }
    }

    /// Gives the entries of the user at `at` their full size, and room for one more.
    pub(crate) fn make_full_size(&mut self, at: usize) {
        let (list, _) = self.list(at);
        let entries: Vec<Entry> = (0..list.len()).map(|at| list.get(at)).collect();
        let slot = self.table.get_mut(at);
        self.arena.release(slot.block());
        slot.set_len(0);
        slot.set_full_size();
        slot.set_block(self.arena.allocate(slot.places_for(entries.len() + 1)));
        let (mut list, _) = self.list(at);
        for (at, &entry) in entries.iter().enumerate() {
            list.insert(at, entry);
        }
    }

    /// Forgets the user at `at`; others may move to other places.
    pub(crate) fn remove(&mut self, at: usize) {
        self.arena.release(self.table.get(at).block());
        self.table.remove(at);
    }

    /// The first place from `at` on of a user who is stale.
    pub(crate) fn next_stale(&self, at: usize, bound: i64, reach_ms: i64) -> Option<usize> {
        let mut slots = self.table.slots_from(at).iter();
        Some(at + slots.position(|slot| is_stale(slot, bound, reach_ms))?)
    }

    /// Fetches the newest entries of all who are stale: they lie anywhere, and each would be waited for.
    pub(crate) fn fetch_stale(&self, bound: i64, reach_ms: i64) {
        for slot in self.table.slots_from(0) {
            if is_stale(slot, bound, reach_ms) {
                self.fetch_newest(slot);
            }
        }
    }

    /// The same of whoever is at `at`, if that is a place.
    pub(crate) fn fetch(&self, at: usize) {
        if let Some(slot) = self.table.peek(at) {
            self.fetch_newest(slot);
        }
    }

    #[inline]
    fn fetch_newest(&self, slot: &Slot) {
        if let Some(newest) = self.arena.newest(slot.block(), slot.places())
            && let bytes @ [first, .., last] = newest.as_flattened()
        {
            prefetch(first);
            prefetch(&bytes[bytes.len().saturating_sub(LINE_BYTES)]);
            prefetch(last);
        }
    }

    /// Forgets the user at `at` whose newest event lies more than `reach_ms` before `bound`; says
    /// whether, since another may be there then.
    pub(crate) fn expire(&mut self, at: usize, bound: i64, reach_ms: i64) -> bool {
        if !self.table.get(at).seems_older(bound, reach_ms) {
            return false;
        }
        let (list, bodies) = self.list(at);
        if bound - list.time(list.len() - 1) <= reach_ms {
            return false;
        }
        for entry in (0..list.len()).map(|at| list.get(at)) {
            if entry.is_wide() {
                bodies.release(entry.body());
            }
        }
        self.remove(at);
        true
    }

    /// Gives room back if the user at `at` has far more than needed.
    pub(crate) fn shrink(&mut self, at: usize) {
        let slot = self.table.get(at);
        if slot.block().capacity() > 2 * slot.places() + 2 {
            self.move_list(at, slot.places());
        }
    }

    /// Moves the list of the user at `at` to a block of so many places.
    fn move_list(&mut self, at: usize, places: usize) {
        let slot = self.table.get_mut(at);
        let block = self.arena.allocate(places);
        self.arena.copy(slot.block(), block, slot.places());
        self.arena.release(slot.block());
        slot.set_block(block);
    }

    /// Moves all lists to a new arena if the old one is sparse.
    pub(crate) fn pack(&mut self, saving: Saving) {
        if self.arena.is_sparse(saving.idle_share()) {
            self.move_all();
        }
    }

    fn move_all(&mut self) {
        let mut packed = Arena::default();
        for slot in self.table.iter_mut() {
            let block = packed.allocate(slot.places());
            packed.take_in(block, &self.arena, slot.block(), slot.places());
            slot.set_block(block);
        }
        packed.settle();
        self.arena = packed;
    }
}

/// Whether the newest event seems to lie more than `reach_ms` before `bound`, or just before it while the user still holds
/// much.
#[inline]
fn is_stale(slot: &Slot, bound: i64, reach_ms: i64) -> bool {
    // No shortcuts: each would be one more guess for the processor.
    let older_than = |reach_ms| slot.seems_older(bound, reach_ms);
    let is_dormant = (slot.len() > DORMANT_ENTRIES) & older_than(0) & !older_than(DORMANT_MS);
    (slot.len() > 0) & (older_than(reach_ms) | is_dormant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, FIRST_TIME_MS, Kind};
    use crate::sessions::body::Body;
    use crate::sessions::entry::Entry;

    const MINUTE_MS: i64 = 60_000;

    fn conversion(time: i64) -> Event {
        Event {
            value: 5,
            ..Event::plain(Kind::Conversion, FIRST_TIME_MS + time)
        }
    }

    /// A group with a user of so many conversions, a minute apart from the first minute on.
    fn group(conversions: i64) -> Group {
        let mut group = Group::default();
        let at = group.add(7, Saving::Memory);
        for minute in 1..=conversions {
            if group.list(at).0.is_full() {
                group.grow(at, Saving::Memory);
            }
            let event = conversion(minute * MINUTE_MS);
            let (mut list, bodies) = group.list(at);
            let body = bodies.add(Body::of_event(&event, 0));
            list.insert(list.len(), Entry::new(&event).with_body(body));
        }
        group
    }

    #[test]
    fn a_user_is_gone_when_the_newest_event_is_out_of_reach() {
        let reach = 30 * MINUTE_MS;
        for conversions in [1, 2, 9, 300] {
            let mut group = group(conversions);
            let at = group.table.find(7).expect("just added");
            let newest = conversions * MINUTE_MS;
            assert!(!group.expire(at, newest - MINUTE_MS, reach));
            assert!(!group.expire(at, newest + reach, reach));
            assert_eq!(group.list(at).0.len(), conversions as usize);
            assert!(group.expire(at, newest + reach + 2 * MINUTE_MS, reach));
            assert_eq!((group.table.find(7), group.table.users()), (None, 0));
        }
    }

    /// A user who was seen just before the bound is stale only for what is held.
    #[test]
    fn stale_is_who_is_long_gone_or_quiet_with_a_long_list() {
        let reach = 30 * MINUTE_MS;
        for (conversions, after_minutes, is_stale) in [
            (DORMANT_ENTRIES, 5, false),
            (DORMANT_ENTRIES, 33, true),
            (DORMANT_ENTRIES + 1, 5, true),
            (DORMANT_ENTRIES + 1, 0, false),
            (DORMANT_ENTRIES + 1, 33, true),
            (1, 33, true),
        ] {
            let mut group = group(conversions as i64);
            let at = group.table.find(7).expect("just added");
            let bound = (conversions as i64 + after_minutes) * MINUTE_MS;
            let stale = group.next_stale(0, bound, reach);
            assert_eq!(
                stale,
                is_stale.then_some(at),
                "{conversions} {after_minutes}"
            );
            assert_eq!(group.next_stale(at + 1, bound, reach), None);
            group.remove(at);
            assert_eq!(group.next_stale(0, bound, reach), None);
        }
    }

    /// Lists of such a length leave a good part of each chunk idle wherever they lie.
    #[test]
    fn a_group_that_was_packed_is_not_packed_again_for_the_same() {
        let mut group = Group::default();
        let keys = (0..200).map(|number| number << 50);
        keys.clone().for_each(|key| {
            group.add(key, Saving::Memory);
        });
        for _ in 0..90 {
            for key in keys.clone() {
                let at = group.table.find(key).expect("just added");
                if group.list(at).0.is_full() {
                    group.grow(at, Saving::Memory);
                }
                let (mut list, _) = group.list(at);
                list.insert(list.len(), Entry::new(&conversion(0)).with_label(0));
            }
        }
        group.move_all();
        assert!(!group.arena.is_sparse(Saving::Memory.idle_share()));
    }

    #[test]
    fn a_list_of_full_size_has_the_same_entries_and_room_for_one_more() {
        for conversions in [0, 1, 2, 7, 300] {
            let mut group = group(conversions);
            let at = group.table.find(7).expect("just added");
            let entries = |group: &mut Group| -> Vec<Entry> {
                let (list, _) = group.list(at);
                (0..list.len()).map(|at| list.get(at)).collect()
            };
            let narrow = entries(&mut group);
            group.make_full_size(at);
            assert!(entries(&mut group) == narrow);
            let (mut list, _) = group.list(at);
            let far = Entry::of(1 << 41, Kind::Click, 0).with_label(1 << 20);
            assert!(list.takes(far) && !list.is_full());
            list.append(far);
            assert!(list.get(narrow.len()) == far);
            group.grow(at, Saving::Memory);
            assert!(entries(&mut group)[..narrow.len()] == narrow);
        }
    }

    /// The numbers of bodies outgrow entries of ten bytes.
    #[test]
    fn every_entry_can_get_a_body_once_it_was_prepared() {
        let (mut group, touch) = (Group::default(), Event::plain(Kind::Click, FIRST_TIME_MS));
        let at = group.add(7, Saving::Time);
        for _ in 0..2 {
            group.list(at).0.append(Entry::new(&touch).with_label(5));
        }
        for bodies in 0..NARROW_BODIES + 1 {
            group.prepare_for_bodies(at);
            let is_prepared = group.table.get(at).is_full_size();
            assert_eq!(is_prepared, bodies + 2 >= NARROW_BODIES, "{bodies}");
            group.bodies.add(Body::of(6));
        }
        let body = group.bodies.add(Body::of(8));
        let (mut list, bodies) = group.list(at);
        list.set(1, Entry::new(&touch).with_body(body));
        let labels = [0, 1].map(|at| bodies.label(list.get(at)));
        assert_eq!(labels, [5, 8]);
    }

    #[test]
    fn what_a_gone_user_held_is_used_again() {
        let mut group = group(40);
        let at = group.table.find(7).expect("just added");
        assert!(group.expire(at, 100 * MINUTE_MS, MINUTE_MS));
        let body = group.bodies.add(Body::of_event(&conversion(0), 0));
        assert!(body < 40, "a body that was given back");
        assert!(group.arena.has_room(40), "the block that was given back");
    }
}
