//! Events in the order of their times: the clock's slots, and what takes each.

use dataflows::event::TimeMs;
use rand_pcg::rand_core::SeedableRng;

use super::Options;
use super::chains::Chains;
use super::details::Details;
use super::draw::{Gaps, Random};
use super::lines::Line;
use super::scenario::{Scenario, Traffic};
use super::users::{Users, trait_of};
use super::visits::Visit;
use super::wheel::Wheel;

/// Longer pauses would split a session, and journeys with it.
const LONGEST_PAUSE_MS: TimeMs = 29 * 60_000;

pub(super) struct Events {
    chains: Chains,
    details: Details,
    gaps: Gaps,
    clock: Clock,
    users: Users,
    wheel: Wheel,
    budget: Budget,
    random: Random,
    number: u64,
}

impl Events {
    pub(super) fn new(scenario: &Scenario, options: &Options) -> Events {
        let (traffic, visits) = (&scenario.traffic, &scenario.visits);
        Events {
            chains: Chains::new(scenario),
            details: Details::new(scenario),
            gaps: Gaps::new(visits.gap_mean_s, visits.gap_max_s),
            clock: Clock::new(traffic, scenario.start_ms),
            users: Users::new(traffic.users, traffic.zipf, scenario.start_ms),
            wheel: Wheel::new(scenario.start_ms),
            budget: Budget::new(scenario, options.events),
            random: Random::seed_from_u64(options.seed),
            number: 0,
        }
    }

    /// `None` when all lines of a bounded stream are made.
    pub(super) fn next(&mut self) -> Option<Line> {
        if self.budget.spent() {
            return None;
        }
        let now_ms = self.clock.tick();
        let mut line = self
            .background(now_ms)
            .unwrap_or_else(|| self.activity(now_ms));
        self.number += 1;
        line.number = self.number;
        Some(line)
    }

    /// Takes a line that no event needs, for a duplicate.
    pub(super) fn spare(&mut self) -> bool {
        self.budget.take_spare()
    }

    fn background(&mut self, now_ms: TimeMs) -> Option<Line> {
        let users = self.users.count();
        let line = self
            .details
            .of_background(users, now_ms, &mut self.random)?;
        self.budget.take_spare().then_some(line)
    }

    /// The event that is due; else the first of a new visit; else, at the end of the stream or when everybody is away,
    /// one ahead of its time; else an ad request of nobody, which is in no journey.
    fn activity(&mut self, now_ms: TimeMs) -> Line {
        loop {
            let due = self.wheel.due(now_ms).or_else(|| self.begin(now_ms));
            let Some(visit) = due.or_else(|| self.wheel.soonest()) else {
                let spare = self.budget.take_spare();
                assert!(spare, "no visit is under way, so nothing is planned");
                return self.details.filler(now_ms);
            };
            if let Some(line) = self.go_on(visit, now_ms) {
                return line;
            }
        }
    }

    /// Somebody comes, if the budget has room for all they will do.
    fn begin(&mut self, now_ms: TimeMs) -> Option<Visit> {
        if self.budget.closing {
            return None;
        }
        let rank = self.users.draw(&mut self.random, now_ms)?;
        let home = self.chains.home.hit(&mut self.random);
        let first = match home {
            true => self.chains.advertiser_of(trait_of(rank, 1)),
            false => self.chains.advertiser(&mut self.random),
        };
        let mut visit = Visit::new(first, &mut self.random, &self.chains);
        if !self.budget.plan(|| visit.events_left(&self.chains)) {
            return None;
        }
        visit.rank = rank;
        visit.user = self.users.id(rank);
        visit.region = self.details.region_of(trait_of(rank, 2));
        visit.device = self.details.device_of(trait_of(rank, 3));
        self.users.enter(rank);
        Some(visit)
    }

    /// The visit's next event; `None` if there was none, and the visit is over.
    fn go_on(&mut self, mut visit: Visit, now_ms: TimeMs) -> Option<Line> {
        let Some(step) = visit.advance(&self.chains) else {
            self.users.leave(visit.rank, visit.last_ms);
            return None;
        };
        let time_ms = now_ms.max(visit.last_ms.saturating_add(1));
        assert!(
            visit.last_ms == TimeMs::MIN || time_ms - visit.last_ms <= LONGEST_PAUSE_MS,
            "a pause of {} ms splits a visit",
            time_ms - visit.last_ms
        );
        visit.last_ms = time_ms;
        let line = self.details.of_visit(step, &mut visit, &mut self.random);
        self.budget.take_planned();
        self.clock.not_before(time_ms);
        let pause_ms = self.gaps.draw(&mut self.random);
        self.wheel.wait(visit, time_ms, pause_ms);
        Some(line)
    }
}

/// Gives out the time of each slot, `1 / rate` after the one before.
struct Clock {
    start_ms: TimeMs,
    /// Since the start.
    offset_ms: f64,
    slot_ms: f64,
    /// When the slot's length is due to be worked out again.
    until_ms: f64,
    mean_slot_ms: f64,
    /// Over their mean.
    diurnal: Vec<f64>,
}

impl Clock {
    fn new(traffic: &Traffic, start_ms: TimeMs) -> Clock {
        let mean = traffic.diurnal.iter().sum::<f64>() / 24.0;
        Clock {
            start_ms,
            offset_ms: 0.0,
            slot_ms: 0.0,
            until_ms: 0.0,
            mean_slot_ms: 1000.0 / traffic.events_per_second,
            diurnal: traffic.diurnal.iter().map(|weight| weight / mean).collect(),
        }
    }

    fn tick(&mut self) -> TimeMs {
        if self.offset_ms >= self.until_ms {
            self.slot_ms = self.mean_slot_ms / self.traffic();
            self.until_ms = self.offset_ms + 1000.0;
        }
        let now_ms = self.start_ms + self.offset_ms as TimeMs;
        self.offset_ms += self.slot_ms;
        now_ms
    }

    /// Relative traffic now, on a straight line between the hours.
    fn traffic(&self) -> f64 {
        if self.diurnal.is_empty() {
            return 1.0;
        }
        let hours = (self.start_ms as f64 + self.offset_ms) / 3_600_000.0;
        let hour = hours.rem_euclid(24.0);
        let (before, after) = (hour as usize % 24, (hour as usize + 1) % 24);
        let share = hour.fract();
        self.diurnal[before] * (1.0 - share) + self.diurnal[after] * share
    }

    fn not_before(&mut self, time_ms: TimeMs) {
        self.offset_ms = self.offset_ms.max((time_ms - self.start_ms) as f64);
    }
}

/// Counts the lines of a bounded stream, so that it ends with whole journeys and exactly.
struct Budget {
    lines: Option<u64>,
    made: u64,
    /// To come from the visits under way.
    planned: u64,
    /// Lines that come with each planned one: itself and its part of duplicates and background.
    with_each: f64,
    /// No visit begins any more.
    closing: bool,
}

impl Budget {
    fn new(scenario: &Scenario, lines: Option<u64>) -> Budget {
        let background: f64 = scenario.background.values().sum();
        Budget {
            lines,
            made: 0,
            planned: 0,
            with_each: (1.0 + scenario.delivery.duplicate_share) / (1.0 - background),
            closing: false,
        }
    }

    fn spent(&self) -> bool {
        self.lines == Some(self.made)
    }

    /// Plans a visit's events. The first visit that does not fit is the last one tried: looking for one that fits would
    /// favour short journeys. What is left of that, one visit a run that is more likely a long one, is the only way in
    /// which journeys differ from the chains.
    fn plan(&mut self, events: impl FnOnce() -> u64) -> bool {
        let Some(lines) = self.lines else {
            return true;
        };
        let planned = self.planned + events();
        if (planned as f64 * self.with_each).ceil() as u64 + self.made > lines {
            self.closing = true;
            return false;
        }
        self.planned = planned;
        true
    }

    fn take_planned(&mut self) {
        self.made += 1;
        self.planned = self.planned.saturating_sub(1);
    }

    fn take_spare(&mut self) -> bool {
        let spare = self
            .lines
            .is_none_or(|lines| self.made + self.planned < lines);
        self.made += spare as u64;
        spare
    }
}
