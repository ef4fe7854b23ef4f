//! Visits: what one user does in one session.
//!
//! A visit holds one journey, or two of different advertisers interleaved, and activity that is part of none. All that
//! decides how many events a visit has comes from its own generator, so its length can be counted ahead of time by
//! running a copy; how an event looks (cost, content) is drawn elsewhere.

use rand_pcg::rand_core::Rng;

use super::chains::{Chains, Next, State};
use super::draw::Random;

/// The next thing that happens in a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    SessionStart,
    SessionEnd,
    Activity,
    /// An ad is asked for, for the impression to come.
    Request(usize),
    Impression(usize),
    Click(usize),
    Conversion(usize),
}

/// One journey on its way through its advertiser's chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    pub(super) advertiser: u16,
    /// Of the last touch, or of the one that is being asked for.
    pub(super) campaign: u16,
    pub(super) state: State,
    pub(super) open: bool,
    /// Asked for an ad that has not been shown yet.
    waiting: bool,
    /// The last touch is an impression that has not been clicked.
    seen: bool,
}

impl Walk {
    pub(super) fn new(advertiser: u16, chains: &Chains) -> Walk {
        Walk {
            advertiser,
            campaign: 0,
            state: chains.start(),
            open: true,
            waiting: false,
            seen: false,
        }
    }

    const CLOSED: Walk = Walk {
        advertiser: u16::MAX,
        campaign: 0,
        state: 0,
        open: false,
        waiting: false,
        seen: false,
    };

    /// `None` when the journey ends without an event.
    fn advance(&mut self, index: usize, random: &mut Random, chains: &Chains) -> Option<Step> {
        if self.waiting {
            return Some(self.shown(index, random, chains));
        }
        match chains.next(self.advertiser, self.state, random) {
            Next::Touch(to) => Some(self.touch(to, index, random, chains)),
            Next::Conversion => {
                if self.state == chains.start() {
                    self.campaign = chains.campaign(random);
                }
                self.open = false;
                Some(Step::Conversion(index))
            }
            Next::Null => {
                self.open = false;
                None
            }
        }
    }

    fn touch(&mut self, to: State, index: usize, random: &mut Random, chains: &Chains) -> Step {
        let stays = to == self.state;
        self.state = to;
        if stays && self.seen && chains.click.hit(random) {
            // A click is a touch of its own, of the campaign that was seen.
            self.seen = false;
            return Step::Click(index);
        }
        self.campaign = chains.campaign(random);
        self.waiting = true;
        Step::Request(index)
    }

    fn shown(&mut self, index: usize, random: &mut Random, chains: &Chains) -> Step {
        if !chains.fill.hit(random) {
            return Step::Request(index);
        }
        self.waiting = false;
        self.seen = true;
        Step::Impression(index)
    }
}

/// One user's visit: 64 bytes, as many millions of them may be under way.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    random: Random,
    /// Of the last event.
    pub(super) last_ms: i64,
    pub(super) rank: u32,
    pub(super) user: u32,
    pub(super) walks: [Walk; 2],
    pub(super) region: u8,
    pub(super) device: u8,
    /// Reports its start (still to come) and its end.
    starts: bool,
    ends: bool,
}

impl Visit {
    /// `first` is the first journey's advertiser; who visits is filled in by the caller.
    pub(super) fn new(first: u16, random: &mut Random, chains: &Chains) -> Visit {
        let state = (random.next_u64() as u128) << 64 | random.next_u64() as u128;
        let marked = chains.marked.hit(random);
        let mut walks = [Walk::new(first, chains), Walk::CLOSED];
        if chains.second.hit(random) {
            let second = chains.advertiser(random);
            // Two journeys of one advertiser in one session would be one.
            if second != first {
                walks[1] = Walk::new(second, chains);
            }
        }
        Visit {
            random: Random::new(state),
            last_ms: i64::MIN,
            rank: 0,
            user: 0,
            walks,
            region: 0,
            device: 0,
            starts: marked,
            ends: marked,
        }
    }

    /// `None` when the visit is over.
    pub(super) fn advance(&mut self, chains: &Chains) -> Option<Step> {
        if self.starts {
            self.starts = false;
            return Some(Step::SessionStart);
        }
        if chains.activity.hit(&mut self.random) {
            return Some(Step::Activity);
        }
        while let Some(index) = self.pick() {
            let step = self.walks[index].advance(index, &mut self.random, chains);
            if step.is_some() {
                return step;
            }
        }
        let ends = std::mem::take(&mut self.ends);
        ends.then_some(Step::SessionEnd)
    }

    /// An open journey, either one if both are.
    fn pick(&mut self) -> Option<usize> {
        match (self.walks[0].open, self.walks[1].open) {
            (true, true) => Some((self.random.next_u64() >> 63) as usize),
            (true, false) => Some(0),
            (false, true) => Some(1),
            (false, false) => None,
        }
    }

    /// How many events are still to come.
    pub(super) fn events_left(&self, chains: &Chains) -> u64 {
        let mut copy = self.clone();
        let mut events = 0;
        while copy.advance(chains).is_some() {
            events += 1;
        }
        events
    }

    /// The journey that activity about ads belongs to, if one is open.
    pub(super) fn open_walk(&self) -> Option<&Walk> {
        self.walks.iter().find(|walk| walk.open)
    }
}
