//! Rows as JSON. The shapes are those of docs/API.md; the answers to questions use the same.

use std::collections::BTreeMap;

use bytes::Bytes;
use dataflows::attribution::Attribution;
use dataflows::dispositions::Dispositions;
use dataflows::row::{Float, Matrix};
use dataflows::transitions::{Dimension, State, Window};
use serde::Serialize;

use super::cell::{Value, counted};
use super::history::Point;
use super::labels::{Labels, dimension_name, window_name};

/// `"key":value`.
pub(super) fn member(key: &str, value: &Value, labels: &Labels) -> Bytes {
    let mut out = Vec::with_capacity(256);
    write(&mut out, &key);
    out.push(b':');
    match value {
        Value::Engine(json) => out.extend_from_slice(json),
        Value::Dispositions(counted) => write(&mut out, &DispositionsRow::from(counted)),
        Value::Scopes(advertisers) => write(&mut out, &ScopesRow::new(advertisers)),
        Value::Attribution(row) => write(&mut out, &AttributionRow::new(row, labels)),
        Value::Transitions(matrix, window) => {
            write(&mut out, &TransitionsRow::new(matrix, *window, labels));
        }
        Value::Point(point) => write(&mut out, &PointRow::new(point, labels)),
    }
    out.into()
}

fn write(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(out, value).expect("plain values with text for keys are JSON");
}

/// Micro-units as currency units.
pub fn units(micros: i128) -> f64 {
    micros as f64 / 1e6
}

fn number(float: Option<Float>) -> Option<f64> {
    float.map(f64::from)
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct DispositionsRow {
    pub read: i64,
    pub accepted: i64,
    pub duplicate: i64,
    pub late: i64,
    pub invalid: i64,
    pub no_consent: i64,
    pub conflicts: i64,
    pub open_sessions: i64,
    pub open_journeys: i64,
}

impl From<&Dispositions> for DispositionsRow {
    fn from(counted: &Dispositions) -> DispositionsRow {
        let &Dispositions {
            read,
            accepted,
            duplicate,
            late,
            invalid,
            no_consent,
            conflicts,
            open_sessions,
            open_journeys,
        } = counted;
        DispositionsRow {
            read,
            accepted,
            duplicate,
            late,
            invalid,
            no_consent,
            conflicts,
            open_sessions,
            open_journeys,
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct ScopesRow<'a, T> {
    advertisers: &'a [T],
    dimensions: [&'static str; 2],
    windows: [&'static str; 3],
}

impl<'a, T> ScopesRow<'a, T> {
    pub fn new(advertisers: &'a [T]) -> ScopesRow<'a, T> {
        ScopesRow {
            advertisers,
            dimensions: [Dimension::Channel, Dimension::Campaign].map(dimension_name),
            windows: Window::ALL.map(window_name),
        }
    }
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct AttributionRow {
    pub journeys: i64,
    pub touches: i64,
    pub conversions: i64,
    pub untouched: i64,
    pub value: f64,
    pub untouched_value: f64,
    pub p_conversion: Option<f64>,
    pub expected_value_per_journey: Option<f64>,
    pub credits: Vec<CreditRow>,
}

#[derive(Clone, Debug, Serialize)]
pub struct CreditRow {
    pub state: String,
    pub removal_effect: Option<f64>,
    pub removal_effect_value: Option<f64>,
    pub attributed_conversions: Option<f64>,
    pub attributed_value: Option<f64>,
}

impl AttributionRow {
    pub fn new(row: &Attribution, labels: &Labels) -> AttributionRow {
        let credits = row.credits.iter().map(|credit| CreditRow {
            state: labels.state_name(credit.state),
            removal_effect: number(credit.removal_effect),
            removal_effect_value: number(credit.removal_effect_value),
            attributed_conversions: number(credit.attributed_conversions),
            attributed_value: number(credit.attributed_value),
        });
        AttributionRow {
            journeys: row.journeys,
            touches: row.touches,
            conversions: row.conversions,
            untouched: row.untouched,
            value: units(row.value),
            untouched_value: units(row.untouched_value),
            p_conversion: number(row.p_conversion),
            expected_value_per_journey: number(row.expected_value_per_journey),
            credits: credits.collect(),
        }
    }
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct TransitionsRow {
    /// Named states, sorted.
    pub states: Vec<String>,
    pub counts: Vec<(String, String, i64)>,
}

impl TransitionsRow {
    pub fn new(matrix: &Matrix, window: Window, labels: &Labels) -> TransitionsRow {
        let mut names = BTreeMap::new();
        for (from, to, _) in counted(matrix, window) {
            for state in [from, to] {
                if let State::Named(name) = state {
                    names.insert(labels.text(name), labels.state_name(name));
                }
            }
        }
        let counts = counted(matrix, window)
            .map(|(from, to, weight)| (labels.state(from), labels.state(to), weight.count));
        TransitionsRow {
            states: names.into_values().collect(),
            counts: counts.collect(),
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct PointRow {
    pub at_ms: i64,
    pub events_per_second: f64,
    pub journeys: i64,
    pub conversions: i64,
    pub untouched: i64,
    pub value: f64,
    pub untouched_value: f64,
    /// Attributed conversions, attributed value, removal effect.
    pub credits: BTreeMap<String, [Option<f64>; 3]>,
}

impl PointRow {
    pub fn new(point: &Point, labels: &Labels) -> PointRow {
        let stand = &point.stand;
        let credits = stand
            .credits
            .iter()
            .map(|(state, numbers)| (labels.state_name(*state), numbers.map(number)));
        PointRow {
            at_ms: point.at_ms,
            events_per_second: point.events_per_second,
            journeys: stand.journeys,
            conversions: stand.conversions,
            untouched: stand.untouched,
            value: units(stand.value),
            untouched_value: units(stand.untouched_value),
            credits: credits.collect(),
        }
    }
}
