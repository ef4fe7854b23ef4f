//! The absorbing chains that journeys are drawn from, one an advertiser.
//!
//! In: the scenario's base chain. Out: a matrix per advertiser, which the truth is computed from, and alias tables of the
//! same numbers, which journeys are drawn from. Depends on the scenario only, never on the seed.

use xxhash_rust::xxh3::xxh3_64;

use super::draw::{Alias, Chance, Random, to_unit, zipf_weights};
use super::scenario::{Channel, Scenario};

/// A channel's place in the scenario; [`Chains::start`] before the first touch.
pub(super) type State = u8;

/// What one row of a chain says comes next.
pub(super) enum Next {
    Touch(State),
    Conversion,
    Null,
}

/// All chains, campaign mixes and the coins of a visit.
pub(super) struct Chains {
    channels: usize,
    /// Advertiser by advertiser: a row for each channel, then the start's.
    rows: Vec<Alias>,
    campaigns: Alias,
    advertisers: Alias,
    pub(super) activity: Chance,
    pub(super) fill: Chance,
    pub(super) click: Chance,
    pub(super) home: Chance,
    pub(super) second: Chance,
    pub(super) marked: Chance,
}

impl Chains {
    pub(super) fn new(scenario: &Scenario) -> Chains {
        let advertisers = scenario.advertisers.count;
        let rows = (0..advertisers).flat_map(|advertiser| matrix(scenario, advertiser));
        let visits = &scenario.visits;
        Chains {
            channels: scenario.channels.len(),
            rows: rows.map(|row| Alias::new(&row)).collect(),
            campaigns: Alias::new(&campaign_shares(scenario)),
            advertisers: Alias::new(&advertiser_shares(scenario)),
            activity: Chance::new(visits.activity_share),
            fill: Chance::new(visits.fill_rate),
            click: Chance::new(visits.click_share),
            home: Chance::new(visits.home_share),
            second: Chance::new(visits.second_journey_share),
            marked: Chance::new(visits.marked_share),
        }
    }

    /// The state of a journey without a touch.
    pub(super) fn start(&self) -> State {
        self.channels as State
    }

    pub(super) fn next(&self, advertiser: u16, from: State, random: &mut Random) -> Next {
        let row = advertiser as usize * (self.channels + 1) + from as usize;
        let column = self.rows[row].draw(random);
        match column.checked_sub(self.channels) {
            None => Next::Touch(column as State),
            Some(0) => Next::Conversion,
            Some(_) => Next::Null,
        }
    }

    /// Index within the advertiser.
    pub(super) fn campaign(&self, random: &mut Random) -> u16 {
        self.campaigns.draw(random) as u16
    }

    pub(super) fn advertiser(&self, random: &mut Random) -> u16 {
        self.advertisers.draw(random) as u16
    }

    /// The advertiser these bits stand for, by the same shares.
    pub(super) fn advertiser_of(&self, bits: u64) -> u16 {
        self.advertisers.pick(bits) as u16
    }
}

pub(super) fn advertiser_name(advertiser: u16) -> String {
    format!("adv_{advertiser:02}")
}

pub(super) fn campaign_name(scenario: &Scenario, advertiser: u16, campaign: u16) -> String {
    let number = advertiser as u32 * scenario.advertisers.campaigns as u32 + campaign as u32;
    format!("cmp_{number:02}")
}

pub(super) fn advertiser_shares(scenario: &Scenario) -> Vec<f64> {
    zipf_weights(
        scenario.advertisers.count as usize,
        scenario.advertisers.zipf,
    )
}

/// Every advertiser's touches are spread over its campaigns alike.
pub(super) fn campaign_shares(scenario: &Scenario) -> Vec<f64> {
    let advertisers = &scenario.advertisers;
    zipf_weights(advertisers.campaigns as usize, advertisers.campaign_zipf)
}

/// One advertiser's chain: rows channel by channel and then the start; columns channel by channel, conversion, null.
pub(super) fn matrix(scenario: &Scenario, advertiser: u16) -> Vec<Vec<f64>> {
    let channels = scenario.channels.iter();
    let base = channels
        .map(|channel| channel_row(scenario, channel))
        .chain([start_row(scenario)]);
    base.enumerate()
        .map(|(from, row)| stray(scenario, advertiser, from, row))
        .collect()
}

fn start_row(scenario: &Scenario) -> Vec<f64> {
    let touched = 1.0 - scenario.start.untouched;
    let sum: f64 = scenario.channels.iter().map(|channel| channel.first).sum();
    let first = scenario
        .channels
        .iter()
        .map(|channel| channel.first / sum * touched);
    first.chain([scenario.start.untouched, 0.0]).collect()
}

fn channel_row(scenario: &Scenario, from: &Channel) -> Vec<f64> {
    let goes_on = 1.0 - from.convert - from.leave;
    let others = scenario.channels.iter().filter(|to| to.name != from.name);
    let sum: f64 = others.map(|to| to.next).sum();
    // With nowhere else to go the journey stays.
    let repeat = if sum > 0.0 { from.repeat } else { 1.0 };
    let cell = |to: &Channel| match to.name == from.name {
        true => goes_on * repeat,
        false => goes_on * (1.0 - repeat) * to.next / sum,
    };
    scenario
        .channels
        .iter()
        .map(cell)
        .chain([from.convert, from.leave])
        .collect()
}

/// Moves each cell by a factor fixed by the names of advertiser and cell, and makes the row sum to 1 again.
fn stray(scenario: &Scenario, advertiser: u16, from: usize, mut row: Vec<f64>) -> Vec<f64> {
    let name = |state: usize| {
        scenario
            .channels
            .get(state)
            .map_or("", |channel| &channel.name)
    };
    for (to, cell) in row.iter_mut().enumerate() {
        let key = format!(
            "{}/{}/{}/{to}",
            advertiser_name(advertiser),
            name(from),
            name(to)
        );
        let even = 2.0 * to_unit(xxh3_64(key.as_bytes())) - 1.0;
        *cell *= (scenario.advertisers.spread * even).exp();
    }
    let sum: f64 = row.iter().sum();
    row.iter().map(|cell| cell / sum).collect()
}
