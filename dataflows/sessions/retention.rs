//! What a user's list must remember, and what it may forget.
//!
//! In: the bound below which no event will be accepted. Out: a shorter list that answers every later insertion in
//! the same way. Kept: everything at or above the bound (for duplicates and order), the newest entry below it (a
//! session may go on from it), and per advertiser the newest open touch that a point at or above the bound may
//! follow; its entry tells the first minute of its journey.

use crate::labels::AdvertiserId;
use crate::settings::JourneyRule;

use super::entry::Entry;
use super::journeys::Journeys;

/// Sessions and journeys of one user that may still go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) sessions: i64,
    pub(crate) journeys: i64,
}

impl Journeys<'_> {
    /// Forgets what no later event can need; the list may end up empty.
    pub(crate) fn prune(&mut self) {
        if self.list.get(0).time() >= self.bound {
            return;
        }
        let below = self.count_below_bound();
        if below == 1 && self.is_needed_alone() {
            return;
        }
        let kept = self.kept_below(below);
        if kept.len() == below {
            return;
        }
        let mut kept = kept.into_iter().peekable();
        let mut end = 0;
        for at in 0..self.list.len {
            let entry = self.list.get(at);
            if at >= below {
                self.list.set(end, entry);
            } else if kept.next_if_eq(&at).is_some() {
                self.list.set(end, entry.with_joined(end > 0));
            } else {
                self.forget(entry);
                continue;
            }
            end += 1;
        }
        self.list.len = end;
    }

    /// Whether the first entry, the only one below the bound, stays for its session's sake.
    fn is_needed_alone(&self) -> bool {
        self.bound - self.list.get(0).time() <= self.settings.session_gap_ms
    }

    fn count_below_bound(&self) -> usize {
        let (mut low, mut high) = (0, self.list.len);
        while low < high {
            let middle = (low + high) / 2;
            if self.list.get(middle).time() < self.bound {
                low = middle + 1
            } else {
                high = middle
            }
        }
        low
    }

    /// Which of the first `below` entries stay, in ascending order.
    fn kept_below(&self, below: usize) -> Vec<usize> {
        let newest = below - 1;
        let goes_on = self.bound - self.list.get(newest).time() <= self.settings.session_gap_ms;
        let mut kept = Vec::new();
        let mut met: Vec<AdvertiserId> = Vec::new();
        for at in (0..below).rev() {
            let entry = self.list.get(at);
            let in_reach = match self.settings.journeys {
                JourneyRule::Session => goes_on,
                JourneyRule::GapMs(gap) => self.bound - entry.time() <= gap,
            };
            let is_open = in_reach && self.is_newest_touch(entry, &mut met);
            if is_open || (at == newest && goes_on) {
                kept.push(at);
            }
            let is_session_start =
                self.settings.journeys == JourneyRule::Session && !entry.is_joined();
            if is_session_start || !(in_reach || at == newest) {
                break;
            }
        }
        kept.reverse();
        kept
    }

    /// Whether a point is the newest of its advertiser, going backwards, and its journey is open after it.
    fn is_newest_touch(&self, entry: Entry, met: &mut Vec<AdvertiserId>) -> bool {
        if !entry.is_point() {
            return false;
        }
        let advertiser = self.advertiser(entry);
        if met.contains(&advertiser) {
            return false;
        }
        met.push(advertiser);
        !entry.is_conversion()
    }

    fn forget(&mut self, entry: Entry) {
        if entry.is_wide() {
            self.bodies.release(entry.index());
        }
    }

    /// What of the user is still open at `now` (milliseconds since 2000).
    pub(crate) fn open(&self, now: i64) -> Open {
        let last = self.list.get(self.list.len - 1);
        let is_userless = last.is_wide() && self.bodies.get(last.index()).userless;
        if is_userless {
            return Open::default();
        }
        let is_open = now.saturating_sub(last.time()) <= self.settings.session_gap_ms;
        let mut open = Open {
            sessions: i64::from(is_open),
            journeys: 0,
        };
        let mut met = Vec::new();
        for at in (0..self.list.len).rev() {
            let entry = self.list.get(at);
            let in_reach = match self.settings.journeys {
                JourneyRule::Session => is_open,
                JourneyRule::GapMs(gap) => now.saturating_sub(entry.time()) <= gap,
            };
            if !in_reach {
                break;
            }
            open.journeys += i64::from(self.is_newest_touch(entry, &mut met));
            if self.settings.journeys == JourneyRule::Session && !entry.is_joined() {
                break;
            }
        }
        open
    }
}
