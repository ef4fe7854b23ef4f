//! What `--export` writes: the transitions of every advertiser as CSV, the chains of one dimension and window as JSON.

use std::io::Write;

use dataflows::transitions::{Dimension, Window};
use serde_json::{Map, Value, json};

use super::{Chain, Count, Credit, Report, State};

/// The columns of the transitions CSV.
pub(crate) const TRANSITIONS_HEADER: [&str; 4] = ["advertiser", "from", "to", "count"];

impl Report {
    /// Writes the transitions between channels of all time, sorted by advertiser and states as they are written.
    pub fn transitions_csv(&self, writer: impl Write) -> csv::Result<()> {
        let mut csv = csv::Writer::from_writer(writer);
        csv.write_record(TRANSITIONS_HEADER)?;
        for ([advertiser, from, to], count) in self.transition_rows() {
            csv.write_record([advertiser, from, to, count.to_string()])?;
        }
        csv.flush()?;
        Ok(())
    }

    /// The rows of the transitions CSV.
    pub(crate) fn transition_rows(&self) -> Vec<([String; 3], i64)> {
        let mut rows = Vec::new();
        for (key, chain) in &self.chains {
            let Some(advertiser) = &key.advertiser else {
                continue;
            };
            if (key.dimension, key.window) != (Dimension::Channel, Window::All) {
                continue;
            }
            for ((from, to), count) in &chain.counts {
                if count.count > 0 {
                    let row = [advertiser.clone(), csv_state(from), csv_state(to)];
                    rows.push((row, count.count));
                }
            }
        }
        rows.sort();
        rows
    }

    /// The chains of one dimension and window, by advertiser; for channels also of all advertisers together, as `*`.
    pub fn export_json(&self, dimension: Dimension, window: Window) -> Value {
        let mut scopes = Map::new();
        for (key, chain) in &self.chains {
            if (key.dimension, key.window) == (dimension, window) {
                let advertiser = key.advertiser.as_deref();
                let scope = advertiser.map_or("*".to_owned(), |name| escaped(name, &["*"]));
                scopes.insert(scope, scope_json(chain));
            }
        }
        json!({
            "as_of_epoch": self.as_of_epoch,
            "dispositions": {
                "accepted": self.accepted,
                "duplicate": self.duplicate,
                "late": self.late,
                "invalid": self.invalid,
                "no_consent": self.no_consent,
            },
            "scopes": scopes,
        })
    }
}

fn scope_json(chain: &Chain) -> Value {
    let sum = |keep: fn(&State, &State) -> bool| {
        let mut sum = Count::default();
        for ((from, to), count) in &chain.counts {
            if keep(from, to) {
                sum.count += count.count;
                sum.value_micros += count.value_micros;
            }
        }
        sum
    };
    let converted = sum(|_, to| *to == State::Conversion);
    let untouched = sum(|from, to| (from, to) == (&State::Start, &State::Conversion));
    json!({
        "journeys": {
            "total": sum(|from, _| *from == State::Start).count,
            "converted": converted.count,
            "null": sum(|_, to| *to == State::Null).count,
            "value": units(converted),
            "touches": sum(|_, to| matches!(to, State::Named(_))).count,
        },
        "markov": { "1": markov_json(chain) },
        "untouched": untouched.count,
        "untouched_value": units(untouched),
    })
}

fn markov_json(chain: &Chain) -> Value {
    let by_state = |figure: fn(&Credit) -> Option<f64>| -> Map<String, Value> {
        let credits = chain.credits.iter();
        credits
            .map(|credit| (json_name(&credit.state), json!(figure(credit))))
            .collect()
    };
    let counts = chain.counts.iter();
    let counts: Vec<Value> = counts
        .map(|((from, to), count)| json!([json_state(from), json_state(to), count.count]))
        .collect();
    json!({
        "states": chain.credits.len() + 1,
        "p_conversion": chain.p_conversion,
        "expected_value_per_journey": chain.expected_value_per_journey,
        "removal_effect": by_state(|credit| credit.removal_effect),
        "removal_effect_value": by_state(|credit| credit.removal_effect_value),
        "attributed_conversions": by_state(|credit| credit.attributed_conversions),
        "attributed_value": by_state(|credit| credit.attributed_value),
        "transition_counts": counts,
    })
}

fn units(count: Count) -> f64 {
    count.value_micros as f64 / 1e6
}

fn json_state(state: &State) -> String {
    match state {
        State::Start => "(start)".to_owned(),
        State::Named(name) => json_name(name),
        State::Conversion => "(conversion)".to_owned(),
        State::Null => "(null)".to_owned(),
    }
}

fn json_name(name: &str) -> String {
    escaped(name, &["(start)", "(conversion)", "(null)"])
}

fn csv_state(state: &State) -> String {
    match state {
        State::Start => "start".to_owned(),
        State::Named(name) => escaped(name, &["start", "conversion", "null"]),
        State::Conversion => "conversion".to_owned(),
        State::Null => "null".to_owned(),
    }
}

/// The name, told from the `special` ones by one more leading backslash than it has.
fn escaped(name: &str, special: &[&str]) -> String {
    if special.contains(&name.trim_start_matches('\\')) {
        format!("\\{name}")
    } else {
        name.to_owned()
    }
}
