//! The event simulator: a scenario in, lines of JSON in order of arrival out, and the truth they were drawn from.
//!
//! What must hold: the same scenario and options give the same bytes, however they are asked for; every journey is drawn
//! whole from its advertiser's chain, so that the counts of an exact engine agree with [`Simulator::truth`] up to chance;
//! the memory needed follows the visits under way and the population, not the length of the stream.
//!
//! Time goes by in slots, `1 / rate` apart. A slot takes the visit whose next event is due, or begins a visit if none is:
//! so the rate is the scenario's from the first event to the last. Near the end of a bounded stream no visit begins any
//! more and the ones under way go on with shorter pauses, so that all journeys end and the rate holds all the same.

mod chains;
mod delivery;
mod details;
mod draw;
mod events;
mod lines;
mod live;
mod scenario;
#[cfg(test)]
mod tests;
mod truth;
mod users;
mod visits;
mod wheel;

use anyhow::{Result, ensure};
use dataflows::event::TimeMs;

use self::delivery::Delivered;
use self::events::Events;
use self::lines::Texts;
pub use self::live::Live;
pub use self::scenario::Scenario;
use self::scenario::within;
pub use self::truth::{AdvertiserTruth, Rates, Truth};

/// What a run may choose over its scenario; `None` leaves the scenario's value.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Lines in all, duplicates included; `None` is an endless stream.
    pub events: Option<u64>,
    pub seed: u64,
    /// Distinct events per second of event time, mean over a day. The number of users goes with it.
    pub rate: Option<f64>,
    pub out_of_order_share: Option<f64>,
    pub out_of_order_max_ms: Option<u64>,
    pub duplicate_share: Option<f64>,
    pub late_share: Option<f64>,
    /// How long after its event time a late event arrives, at least; up to half as long again.
    pub late_by_ms: Option<u64>,
    /// Event time of the first event.
    pub start_ms: Option<TimeMs>,
}

impl Options {
    fn apply(&self, scenario: &mut Scenario) -> Result<()> {
        if let Some(rate) = self.rate {
            within("rate", rate, 0.1, 1e8)?;
            let users = scenario.traffic.users as f64 * rate / scenario.traffic.events_per_second;
            ensure!(
                users < 4e9,
                "rate: {rate} events per second need {users:.0} users, 4e9 at most"
            );
            scenario.traffic.users = (users.round() as u32).max(1);
            scenario.traffic.events_per_second = rate;
        }
        let delivery = &mut scenario.delivery;
        set(&mut delivery.out_of_order_share, self.out_of_order_share);
        set(&mut delivery.out_of_order_max_ms, self.out_of_order_max_ms);
        set(&mut delivery.duplicate_share, self.duplicate_share);
        set(&mut delivery.late_share, self.late_share);
        set(&mut delivery.late_by_ms, self.late_by_ms);
        set(&mut scenario.start_ms, self.start_ms);
        scenario.check()
    }
}

fn set<T>(value: &mut T, chosen: Option<T>) {
    if let Some(chosen) = chosen {
        *value = chosen;
    }
}

/// A stream of simulated events.
pub struct Simulator {
    scenario: Scenario,
    texts: Texts,
    events: Delivered,
    arrival_ms: TimeMs,
}

impl Simulator {
    pub fn new(mut scenario: Scenario, options: &Options) -> Result<Simulator> {
        options.apply(&mut scenario)?;
        let events = Events::new(&scenario, options);
        Ok(Simulator {
            texts: Texts::new(&scenario),
            arrival_ms: scenario.start_ms,
            events: Delivered::new(events, &scenario.delivery, options.seed),
            scenario,
        })
    }

    /// Appends up to `max_events` lines in order of arrival and returns how many; 0 is the end.
    pub fn fill(&mut self, out: &mut Vec<u8>, max_events: usize) -> usize {
        for filled in 0..max_events {
            let Some((arrival_ms, line)) = self.events.next() else {
                return filled;
            };
            self.arrival_ms = arrival_ms;
            self.texts.render(&line, out);
        }
        max_events
    }

    /// When the last line arrived, on the clock of the event times.
    pub fn arrival_ms(&self) -> TimeMs {
        self.arrival_ms
    }

    /// What the stream is drawn from.
    pub fn truth(&self) -> Truth {
        let (scenario, delivery) = (&self.scenario, &self.scenario.delivery);
        Truth {
            scenario: scenario.name.clone(),
            rates: Rates {
                events_per_second: scenario.traffic.events_per_second,
                users: scenario.traffic.users,
                out_of_order_share: delivery.out_of_order_share,
                duplicate_share: delivery.duplicate_share,
                late_share: delivery.late_share,
                fill_rate: scenario.visits.fill_rate,
                activity_share: scenario.visits.activity_share,
                activity: scenario.activity.clone(),
                background: scenario.background.clone(),
            },
            advertisers: truth::advertisers(scenario),
        }
    }
}
