//! From the order of event times to the order of arrival: some events come later, some twice.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use dataflows::event::TimeMs;
use rand_pcg::rand_core::SeedableRng;

use super::draw::{Chance, Random, below};
use super::events::Events;
use super::lines::Line;
use super::scenario::Delivery;

/// Lines with their times of arrival, in that order.
pub(super) struct Delivered {
    events: Events,
    /// The next line that comes on time.
    on_time: Option<Line>,
    /// What has not arrived yet. The number keeps lines of one moment in a fixed order.
    under_way: BinaryHeap<Reverse<(TimeMs, u64, Line)>>,
    sent: u64,
    random: Random,
    delayed: Chance,
    /// Of the delayed.
    late: Chance,
    twice: Chance,
    out_of_order_max_ms: u64,
    late_by_ms: u64,
    duplicate_max_ms: u64,
}

impl Delivered {
    pub(super) fn new(events: Events, delivery: &Delivery, seed: u64) -> Delivered {
        let delayed = delivery.out_of_order_share + delivery.late_share;
        let late = if delayed > 0.0 {
            delivery.late_share / delayed
        } else {
            0.0
        };
        Delivered {
            events,
            on_time: None,
            under_way: BinaryHeap::new(),
            sent: 0,
            // Other draws than the events', so that the same events can be delivered in several ways.
            random: Random::seed_from_u64(!seed),
            delayed: Chance::new(delayed),
            late: Chance::new(late),
            twice: Chance::new(delivery.duplicate_share),
            out_of_order_max_ms: delivery.out_of_order_max_ms,
            late_by_ms: delivery.late_by_ms,
            duplicate_max_ms: delivery.duplicate_max_ms,
        }
    }

    /// The next to arrive and when.
    pub(super) fn next(&mut self) -> Option<(TimeMs, Line)> {
        while self.on_time.is_none() {
            let Some(line) = self.events.next() else {
                return self.arrived(TimeMs::MAX);
            };
            self.send(line);
        }
        let time_ms = self.on_time.as_ref()?.time_ms;
        self.arrived(time_ms)
            .or_else(|| self.on_time.take().map(|line| (time_ms, line)))
    }

    fn arrived(&mut self, by_ms: TimeMs) -> Option<(TimeMs, Line)> {
        let Reverse((arrival_ms, _, _)) = self.under_way.peek()?;
        if *arrival_ms > by_ms {
            return None;
        }
        let Reverse((arrival_ms, _, line)) = self.under_way.pop()?;
        Some((arrival_ms, line))
    }

    fn send(&mut self, line: Line) {
        let delay_ms = self.delay_ms();
        let arrival_ms = line.time_ms + delay_ms as TimeMs;
        if self.twice.hit(&mut self.random) && self.events.spare() {
            let again_ms = 1 + below(&mut self.random, self.duplicate_max_ms);
            self.hold(arrival_ms + again_ms as TimeMs, line);
        }
        match delay_ms {
            0 => self.on_time = Some(line),
            _ => self.hold(arrival_ms, line),
        }
    }

    fn hold(&mut self, arrival_ms: TimeMs, line: Line) {
        self.sent += 1;
        self.under_way.push(Reverse((arrival_ms, self.sent, line)));
    }

    fn delay_ms(&mut self) -> u64 {
        if !self.delayed.hit(&mut self.random) {
            return 0;
        }
        match self.late.hit(&mut self.random) {
            true => self.late_by_ms + below(&mut self.random, self.late_by_ms / 2 + 1),
            false => 1 + below(&mut self.random, self.out_of_order_max_ms),
        }
    }
}
