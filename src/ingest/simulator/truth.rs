//! What is true of a simulated stream: the chains its journeys are drawn from, and what follows from them.
//!
//! Computed from the scenario alone by plain elimination. Shares no code with the dataflow, so that the two can disagree.

use std::collections::BTreeMap;

use serde::Serialize;

use super::chains::{advertiser_name, advertiser_shares, campaign_name, campaign_shares, matrix};
use super::scenario::Scenario;

const START: &str = "(start)";
const CONVERSION: &str = "(conversion)";
const NULL: &str = "(null)";

/// Written as JSON beside a simulated stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Truth {
    pub scenario: String,
    pub rates: Rates,
    pub advertisers: Vec<AdvertiserTruth>,
}

/// What the stream is made of, after the options.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rates {
    /// Mean over a day, distinct events.
    pub events_per_second: f64,
    pub users: u32,
    pub out_of_order_share: f64,
    pub duplicate_share: f64,
    pub late_share: f64,
    pub fill_rate: f64,
    /// Share of the visits' events that are no part of a journey, and their types.
    pub activity_share: f64,
    pub activity: BTreeMap<String, f64>,
    /// Shares of all events.
    pub background: BTreeMap<String, f64>,
}

/// One advertiser's chain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AdvertiserTruth {
    pub advertiser: String,
    /// Of the first journeys of visits.
    pub share: f64,
    /// Of the advertiser's touches.
    pub campaigns: Vec<(String, f64)>,
    /// The channels, then the special states.
    pub states: Vec<String>,
    /// (from, to, probability); what can't happen is left out.
    pub transitions: Vec<(String, String, f64)>,
    /// Of a journey.
    pub p_conversion: f64,
    pub touches_per_journey: f64,
    pub mean_conversion_value: f64,
    /// By channel: 1 - P(conversion with every transition into it redirected to null) / P(conversion).
    pub removal_effects: BTreeMap<String, f64>,
}

pub(super) fn advertisers(scenario: &Scenario) -> Vec<AdvertiserTruth> {
    let shares = advertiser_shares(scenario).into_iter();
    (0..scenario.advertisers.count)
        .zip(shares)
        .map(|(i, share)| advertiser(scenario, i, share))
        .collect()
}

fn advertiser(scenario: &Scenario, index: u16, share: f64) -> AdvertiserTruth {
    let rows = matrix(scenario, index);
    let names: Vec<&str> = scenario
        .channels
        .iter()
        .map(|channel| channel.name.as_str())
        .collect();
    let campaign = |(i, share)| (campaign_name(scenario, index, i as u16), share);
    let p_conversion = p_conversion(&rows, None);
    let effect = |channel: usize| {
        let without = self::p_conversion(&rows, Some(channel));
        (names[channel].to_string(), 1.0 - without / p_conversion)
    };
    AdvertiserTruth {
        advertiser: advertiser_name(index),
        share,
        campaigns: campaign_shares(scenario)
            .into_iter()
            .enumerate()
            .map(campaign)
            .collect(),
        states: names
            .iter()
            .chain(&[START, CONVERSION, NULL])
            .map(|name| name.to_string())
            .collect(),
        transitions: transitions(&names, &rows),
        p_conversion,
        touches_per_journey: touches_per_journey(&rows),
        mean_conversion_value: (scenario.advertisers.value_min + scenario.advertisers.value_max)
            / 2.0,
        removal_effects: (0..names.len()).map(effect).collect(),
    }
}

fn transitions(channels: &[&str], rows: &[Vec<f64>]) -> Vec<(String, String, f64)> {
    let name = |names: &[&str], state: usize| {
        channels
            .iter()
            .chain(names)
            .nth(state)
            .map(|name| name.to_string())
    };
    let mut transitions = Vec::new();
    for (from, row) in rows.iter().enumerate() {
        for (to, &p) in row.iter().enumerate().filter(|(_, p)| **p > 0.0) {
            let from = name(&[START], from).expect("rows are the channels and the start");
            let to =
                name(&[CONVERSION, NULL], to).expect("columns are the channels and the two ends");
            transitions.push((from, to, p));
        }
    }
    transitions
}

/// P(conversion) from the start: v = r + Q v, where r is the column of conversion. A removed channel is never entered.
fn p_conversion(rows: &[Vec<f64>], removed: Option<usize>) -> f64 {
    let channels = rows.len() - 1;
    let reward: Vec<f64> = rows.iter().map(|row| row[channels]).collect();
    solve(rows, &reward, removed)
}

/// Expected visits to channels: v = r + Q v, where r is 1 at each channel and 0 at the start.
fn touches_per_journey(rows: &[Vec<f64>]) -> f64 {
    let channels = rows.len() - 1;
    let reward: Vec<f64> = (0..rows.len())
        .map(|row| if row < channels { 1.0 } else { 0.0 })
        .collect();
    solve(rows, &reward, None)
}

/// Value at the start of v = reward + Q v, by Gauss-Jordan with row pivoting.
fn solve(rows: &[Vec<f64>], reward: &[f64], removed: Option<usize>) -> f64 {
    let mut system = equations(rows, reward, removed);
    let size = system.len();
    for column in 0..size {
        let size_of = |row: &usize| system[*row][column].abs();
        let pivot = (column..size).max_by(|a, b| size_of(a).total_cmp(&size_of(b)));
        system.swap(column, pivot.expect("there are rows left"));
        let pivot = system[column].clone();
        for (_, row) in system
            .iter_mut()
            .enumerate()
            .filter(|(row, _)| *row != column)
        {
            let factor = row[column] / pivot[column];
            row.iter_mut()
                .zip(&pivot)
                .for_each(|(cell, above)| *cell -= factor * above);
        }
    }
    system[size - 1][size] / system[size - 1][size - 1]
}

/// (I - Q | reward), the start last; nothing leads back to the start, nothing into the removed channel.
fn equations(rows: &[Vec<f64>], reward: &[f64], removed: Option<usize>) -> Vec<Vec<f64>> {
    let size = rows.len();
    let cell = |row: usize, column: usize| {
        let unit = if row == column { 1.0 } else { 0.0 };
        let entered = column + 1 < size && Some(column) != removed;
        unit - if entered { rows[row][column] } else { 0.0 }
    };
    (0..size)
        .map(|row| {
            (0..size)
                .map(|column| cell(row, column))
                .chain([reward[row]])
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two channels, worked by hand. From a: 0.5 b, 0.2 conversion, 0.3 null; from b: 0.4 conversion, 0.6 null;
    /// from the start: 0.75 a, 0.25 b. P = 0.75 (0.2 + 0.5 0.4) + 0.25 0.4 = 0.4; without a 0.1; without b 0.15.
    #[test]
    fn removal_redirects_to_null() {
        let rows = vec![
            vec![0.0, 0.5, 0.2, 0.3],
            vec![0.0, 0.0, 0.4, 0.6],
            vec![0.75, 0.25, 0.0, 0.0],
        ];
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} is not {b}");
        close(p_conversion(&rows, None), 0.4);
        close(p_conversion(&rows, Some(0)), 0.1);
        close(p_conversion(&rows, Some(1)), 0.15);
        close(touches_per_journey(&rows), 0.75 * 1.5 + 0.25);
    }
}
