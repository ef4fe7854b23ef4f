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

/// Advertisers met so far.
#[derive(Default)]
pub(crate) struct Met {
    /// Those with small numbers, a bit each.
    few: u64,
    more: Vec<AdvertiserId>,
}

impl Met {
    fn clear(&mut self) {
        self.few = 0;
        self.more.clear();
    }

    /// Notes an advertiser; false if it was met before.
    #[inline]
    fn insert(&mut self, advertiser: AdvertiserId) -> bool {
        if advertiser < u64::BITS {
            let bit = 1 << advertiser;
            let is_new = self.few & bit == 0;
            self.few |= bit;
            return is_new;
        }
        let is_new = !self.more.contains(&advertiser);
        if is_new {
            self.more.push(advertiser);
        }
        is_new
    }
}

impl Journeys<'_> {
    /// Forgets what no later event can need; the list may end up empty.
    pub(crate) fn prune(&mut self) {
        if self.list.time(0) >= self.bound {
            return;
        }
        let below = self.count_below_bound();
        if below == 1 && self.is_needed_alone() {
            return;
        }
        let start = self.keep_below(below);
        if start == 0 {
            return;
        }
        if start < below {
            let first = self.list.get(start).with_joined(false);
            self.list.set(start, first);
        }
        self.list.drop_before(start);
    }

    /// Forgets where a quarter of the list may go, as far as its times tell.
    pub(crate) fn prune_if_worth_it(&mut self) {
        if self.list.time(self.list.len() / 4) < self.bound {
            self.prune();
        }
    }

    /// Whether the first entry, the only one below the bound, stays for its session's sake.
    fn is_needed_alone(&self) -> bool {
        self.bound - self.list.time(0) <= self.settings.session_gap_ms
    }

    /// How many entries lie below the bound, the first one among them. Nearly all of them go.
    fn count_below_bound(&self) -> usize {
        let mut below = 1;
        while below < self.list.len() && self.list.time(below) < self.bound {
            below += 1;
        }
        below
    }

    /// Moves those of the first `below` entries that stay to the end of their part; says where they start.
    fn keep_below(&mut self, below: usize) -> usize {
        let newest = below - 1;
        let goes_on = self.bound - self.list.time(newest) <= self.settings.session_gap_ms;
        let reach = self.reach(below, goes_on);
        let looked_at = reach.min(if goes_on { newest } else { below });
        let mut start = below;
        self.met.clear();
        for at in (looked_at..below).rev() {
            let entry = self.list.get(at);
            let is_open = at >= reach && self.is_newest_touch(entry);
            if is_open || (at == newest && goes_on) {
                start -= 1;
                self.list.set(start, entry);
            } else {
                self.forget(entry);
            }
        }
        for at in 0..looked_at {
            self.forget(self.list.get(at));
        }
        start
    }

    /// Where those of the first `below` entries begin that a point at or above the bound may follow.
    fn reach(&self, below: usize, goes_on: bool) -> usize {
        let mut reach = below;
        match self.settings.journeys {
            JourneyRule::Session if !goes_on => {}
            JourneyRule::Session => {
                reach -= 1;
                while reach > 0 && self.list.get(reach).is_joined() {
                    reach -= 1;
                }
            }
            JourneyRule::GapMs(gap) => {
                while reach > 0 && self.bound - self.list.time(reach - 1) <= gap {
                    reach -= 1;
                }
            }
        }
        reach
    }

    /// Whether a point is the newest of its advertiser, going backwards, and its journey is open after it.
    #[inline]
    fn is_newest_touch(&mut self, entry: Entry) -> bool {
        if !entry.is_point() {
            return false;
        }
        let advertiser = self.advertiser(entry);
        self.met.insert(advertiser) && !entry.is_conversion()
    }

    #[inline]
    fn forget(&mut self, entry: Entry) {
        if entry.is_wide() {
            self.bodies.release(entry.body());
        }
    }

    /// What of the user is still open at `now` (milliseconds since 2000).
    pub(crate) fn open(&mut self, now: i64) -> Open {
        let last = self.list.get(self.list.len() - 1);
        let is_userless = last.is_wide() && self.bodies.get(last.body()).userless;
        if is_userless {
            return Open::default();
        }
        let is_open = now.saturating_sub(last.time()) <= self.settings.session_gap_ms;
        let mut open = Open {
            sessions: i64::from(is_open),
            journeys: 0,
        };
        self.met.clear();
        for at in (0..self.list.len()).rev() {
            let entry = self.list.get(at);
            let in_reach = match self.settings.journeys {
                JourneyRule::Session => is_open,
                JourneyRule::GapMs(gap) => now.saturating_sub(entry.time()) <= gap,
            };
            if !in_reach {
                break;
            }
            open.journeys += i64::from(self.is_newest_touch(entry));
            if self.settings.journeys == JourneyRule::Session && !entry.is_joined() {
                break;
            }
        }
        open
    }
}
