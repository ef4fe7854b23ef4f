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

    /// Notes the advertiser of a point, not that of another entry; whether it is new. Without a branch as far as it goes.
    #[inline]
    fn insert(&mut self, advertiser: AdvertiserId, is_point: bool) -> bool {
        if advertiser < u64::BITS {
            let new = u64::from(is_point) << advertiser & !self.few;
            self.few |= new;
            return new != 0;
        }
        let is_new = is_point && !self.more.contains(&advertiser);
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

    /// How many entries lie below the bound, the first one among them. Halves what is in question without a branch on it.
    fn count_below_bound(&self) -> usize {
        let (mut newest, mut rest) = (0, self.list.len());
        while rest > 1 {
            let half = rest / 2;
            let is_below = self.list.time(newest + half) < self.bound;
            newest += half * usize::from(is_below);
            rest -= half;
        }
        newest + 1
    }

    /// Moves those of the first `below` entries that stay to the end of their part; says where they start. Hardly with a
    /// branch: which ones stay no processor can foresee.
    fn keep_below(&mut self, below: usize) -> usize {
        let newest = below - 1;
        let goes_on = self.bound - self.list.time(newest) <= self.settings.session_gap_ms;
        let mut is_of_session = goes_on;
        let mut start = below;
        self.met.clear();
        for at in (0..below).rev() {
            let entry = self.list.get(at);
            let in_reach = match self.settings.journeys {
                JourneyRule::Session => is_of_session,
                JourneyRule::GapMs(gap) => self.bound - entry.time() <= gap,
            };
            is_of_session &= entry.is_joined();
            let stays = (self.is_newest_touch(entry) & in_reach) | (goes_on & (at == newest));
            if entry.is_wide() && !stays {
                self.bodies.release(entry.body());
            }
            start -= 1;
            self.list.repeat(at, start);
            start += usize::from(!stays);
        }
        start
    }

    /// Whether a point is the newest of its advertiser, going backwards, and its journey is open after it.
    #[inline(always)]
    fn is_newest_touch(&mut self, entry: Entry) -> bool {
        let advertiser = self.advertiser(entry);
        self.met.insert(advertiser, entry.is_point()) & !entry.is_conversion()
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
