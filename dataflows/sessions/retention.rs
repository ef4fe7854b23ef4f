//! What a user's list must remember, and what it may forget.
//!
//! In: the bound below which no event will be accepted. Out: a shorter list that answers every later insertion in
//! the same way. Kept: everything at or above the bound (for duplicates and order), the newest entry below it (a
//! session may go on from it), and per advertiser the newest open touch that a point at or above the bound may
//! follow; its entry tells the first minute of its journey.

use crate::fold::FoldSet;
use crate::labels::{AdvertiserId, Labels};
use crate::settings::{JourneyRule, Settings};

use super::body::Bodies;
use super::entry::Form;
use super::journeys::Journeys;
use super::list::Places;

/// Sessions and journeys of one user that may still go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) sessions: i64,
    pub(crate) journeys: i64,
}

/// Advertisers met so far.
struct Met<'a> {
    /// Those with small numbers, a bit each.
    few: u64,
    more: &'a mut FoldSet<AdvertiserId>,
}

impl Met<'_> {
    fn nobody(more: &mut FoldSet<AdvertiserId>) -> Met<'_> {
        more.clear();
        Met { few: 0, more }
    }

    /// Notes the advertiser of a point, not that of another entry; whether it is new. Without a branch as far as it goes.
    #[inline(always)]
    fn insert(&mut self, advertiser: AdvertiserId, is_point: bool) -> bool {
        if advertiser >= u64::BITS {
            return is_point && self.more.insert(advertiser);
        }
        let new = u64::from(is_point) << advertiser & !self.few;
        self.few |= new;
        new != 0
    }
}

/// What is needed to tell which entries of a list stay.
struct Pruning<'a> {
    bodies: &'a mut Bodies,
    labels: &'a Labels,
    settings: &'a Settings,
    bound: i64,
    era_end: i64,
    met: Met<'a>,
}

impl Pruning<'_> {
    /// Moves the entries that stay to the end; says where they start.
    fn prune<F: Form>(&mut self, entries: &mut [F]) -> usize {
        let below = self.count_below_bound(entries);
        let entries = &mut entries[..below];
        if below == 1 && self.goes_on(entries) {
            return 0;
        }
        let start = self.keep(entries);
        if 0 < start && start < below {
            let first = entries[start].load(self.era_end).with_joined(false);
            entries[start].store(first);
        }
        start
    }

    /// How many entries lie below the bound, the first one among them. Halves what is in question without a branch on it.
    fn count_below_bound<F: Form>(&self, entries: &[F]) -> usize {
        let (mut newest, mut rest) = (0, entries.len());
        while rest > 1 {
            let half = rest / 2;
            let is_below = entries[newest + half].time(self.era_end) < self.bound;
            newest += half * usize::from(is_below);
            rest -= half;
        }
        newest + 1
    }

    /// Whether an event may come that goes on with the session of the newest entry below the bound.
    fn goes_on<F: Form>(&self, below: &[F]) -> bool {
        let newest = below[below.len() - 1].time(self.era_end);
        self.bound - newest <= self.settings.session_gap_ms
    }

    /// Moves those below the bound that stay to the end; says where they start. Hardly with a branch: which ones stay no
    /// processor can foresee.
    fn keep<F: Form>(&mut self, below: &mut [F]) -> usize {
        let newest = below.len() - 1;
        let goes_on = self.goes_on(below);
        let mut is_of_session = goes_on;
        let mut start = below.len();
        for at in (0..below.len()).rev() {
            let entry = below[at].load(self.era_end);
            let in_reach = match self.settings.journeys {
                JourneyRule::Session => is_of_session,
                JourneyRule::GapMs(gap) => self.bound - entry.time() <= gap,
            };
            is_of_session &= entry.is_joined();
            let advertiser = self.labels.advertiser(self.bodies.label(entry));
            let is_newest_touch =
                self.met.insert(advertiser, entry.is_point()) & !entry.is_conversion();
            let stays = (is_newest_touch & in_reach) | (goes_on & (at == newest));
            if entry.is_wide() && !stays {
                self.bodies.release(entry.body());
            }
            start -= 1;
            below[start] = below[at];
            start += usize::from(!stays);
        }
        start
    }
}

impl Journeys<'_> {
    /// Forgets what no later event can need; the list may end up empty.
    pub(crate) fn prune(&mut self) {
        if self.list.time(0) >= self.bound {
            return;
        }
        let (entries, era_end) = self.list.entries();
        let mut pruning = Pruning {
            bodies: self.bodies,
            labels: self.labels,
            settings: self.settings,
            bound: self.bound,
            era_end,
            met: Met::nobody(self.met),
        };
        let start = match entries {
            Places::Narrow(entries) => pruning.prune(entries),
            Places::Full(entries) => pruning.prune(entries),
        };
        if start > 0 {
            self.list.drop_before(start);
        }
    }

    /// Forgets where a quarter of the list may go, as far as its times tell.
    pub(crate) fn prune_if_worth_it(&mut self) {
        if self.list.time(self.list.len() / 4) < self.bound {
            self.prune();
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
        let mut met = Met::nobody(self.met);
        for at in (0..self.list.len()).rev() {
            let entry = self.list.get(at);
            let in_reach = match self.settings.journeys {
                JourneyRule::Session => is_open,
                JourneyRule::GapMs(gap) => now.saturating_sub(entry.time()) <= gap,
            };
            if !in_reach {
                break;
            }
            let advertiser = self.labels.advertiser(self.bodies.label(entry));
            let is_newest = met.insert(advertiser, entry.is_point());
            open.journeys += i64::from(is_newest & !entry.is_conversion());
            if self.settings.journeys == JourneyRule::Session && !entry.is_joined() {
                break;
            }
        }
        open
    }
}
