//! When two reports are the same: every figure as a line, the hash of the lines, and the lines that differ.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_128;

use super::{Chain, ChainKey, Report, State};

/// So many differences are listed; one wrong count usually shows in a dozen figures.
const DIFFERENCES_SHOWN: usize = 12;

impl Report {
    /// A hash of everything but `as_of_epoch`, the bits of floats included.
    pub fn digest(&self) -> String {
        let mut bytes = Vec::new();
        for (figure, value) in self.figures() {
            bytes.extend_from_slice(figure.as_bytes());
            bytes.push(b'=');
            bytes.extend_from_slice(value.as_bytes());
            bytes.push(b'\n');
        }
        format!("{:032x}", xxh3_128(&bytes))
    }

    /// The first figures that differ, as text; none if and only if the digests are equal.
    pub fn differences(&self, other: &Report) -> Vec<String> {
        let (ours, theirs) = (by_figure(self), by_figure(other));
        let figures = ours
            .keys()
            .chain(theirs.keys().filter(|figure| !ours.contains_key(*figure)));
        let differing: Vec<&String> = figures
            .filter(|&figure| ours.get(figure) != theirs.get(figure))
            .collect();
        let mut lines: Vec<String> = differing
            .iter()
            .take(DIFFERENCES_SHOWN)
            .map(|&figure| {
                let [ours, theirs] =
                    [&ours, &theirs].map(|side| side.get(figure).map_or("absent", String::as_str));
                format!("{}: {ours} against {theirs}", figure)
            })
            .collect();
        if differing.len() > DIFFERENCES_SHOWN {
            lines.push(format!("and {} more", differing.len() - DIFFERENCES_SHOWN));
        }
        lines
    }

    /// Every figure and its value, in an order that depends on the report only. Names are quoted and escaped, so that
    /// no two reports have the same figures.
    fn figures(&self) -> Vec<(String, String)> {
        let mut figures: Vec<(String, String)> = [
            ("accepted", self.accepted),
            ("duplicate", self.duplicate),
            ("late", self.late),
            ("invalid", self.invalid),
            ("no_consent", self.no_consent),
            ("conflicts", self.conflicts),
            ("open_sessions", self.open_sessions),
            ("open_journeys", self.open_journeys),
        ]
        .map(|(name, count)| (name.to_owned(), count.to_string()))
        .into();
        for (key, chain) in &self.chains {
            push_chain(&mut figures, &chain_name(key), chain);
        }
        figures
    }
}

fn by_figure(report: &Report) -> BTreeMap<String, String> {
    report.figures().into_iter().collect()
}

fn chain_name(key: &ChainKey) -> String {
    let scope = match &key.advertiser {
        Some(name) => format!("{name:?}"),
        None => "*".to_owned(),
    };
    format!("{scope} {:?} {:?}", key.dimension, key.window)
}

fn push_chain(figures: &mut Vec<(String, String)>, chain_name: &str, chain: &Chain) {
    let mut push =
        |figure: String, value: String| figures.push((format!("{chain_name} {figure}"), value));
    for ((from, to), count) in &chain.counts {
        let step = format!("{} -> {}", state_name(from), state_name(to));
        push(
            format!("count {step}"),
            format!("{} worth {}", count.count, count.value_micros),
        );
    }
    push("p_conversion".to_owned(), float(chain.p_conversion));
    push(
        "expected_value_per_journey".to_owned(),
        float(chain.expected_value_per_journey),
    );
    for (place, credit) in chain.credits.iter().enumerate() {
        for (figure, value) in [
            ("removal_effect", credit.removal_effect),
            ("removal_effect_value", credit.removal_effect_value),
            ("attributed_conversions", credit.attributed_conversions),
            ("attributed_value", credit.attributed_value),
        ] {
            push(
                format!("{figure} of {:?} (credit {place})", credit.state),
                float(value),
            );
        }
    }
}

fn state_name(state: &State) -> String {
    match state {
        State::Start => "(start)".to_owned(),
        State::Named(name) => format!("{name:?}"),
        State::Conversion => "(conversion)".to_owned(),
        State::Null => "(null)".to_owned(),
    }
}

/// The shortest text that reads back as the same float, and its bits: two floats that are no numbers read the same.
fn float(value: Option<f64>) -> String {
    match value {
        Some(value) => format!("{value:?} ({:016x})", value.to_bits()),
        None => "none".to_owned(),
    }
}
