//! Edges to chains: which scopes and windows an edge counts in, and the sums by name.

use std::collections::{BTreeMap, HashMap};

use dataflows::event::{Minute, Name, TimeMs, minute_of};
use dataflows::transitions::{Dimension, Window};

use super::journeys::{Edge, Place};
use super::{solution, text};
use crate::report::{Chain, ChainKey, Count, State};

type Counts = BTreeMap<(State, State), Count>;

pub(super) fn chains<'a>(
    edges: impl Iterator<Item = &'a Edge>,
    names: &HashMap<Name, String>,
    clock: Option<TimeMs>,
) -> BTreeMap<ChainKey, Chain> {
    let mut chains: BTreeMap<ChainKey, Counts> = BTreeMap::new();
    for (step, count) in tally(edges, clock) {
        let key = ChainKey {
            advertiser: step.advertiser.map(|name| text(names, name).to_owned()),
            dimension: step.dimension,
            window: step.window,
        };
        let [from, to] = [step.from, step.to].map(|place| state(place, step.dimension, names));
        let sum = chains
            .entry(key)
            .or_default()
            .entry((from, to))
            .or_default();
        sum.count += count.count;
        sum.value_micros += count.value_micros;
    }
    chains
        .into_iter()
        .map(|(key, counts)| (key, solution::solve(counts)))
        .collect()
}

/// A transition of one chain, still by hash: many edges share it, so that texts are looked up a few times only.
#[derive(PartialEq, Eq, Hash)]
struct Step {
    advertiser: Option<Name>,
    dimension: Dimension,
    window: Window,
    from: Place,
    to: Place,
}

fn tally<'a>(edges: impl Iterator<Item = &'a Edge>, clock: Option<TimeMs>) -> HashMap<Step, Count> {
    let mut tally: HashMap<Step, Count> = HashMap::new();
    for edge in edges {
        for (advertiser, dimension) in scopes(edge) {
            for window in [Window::All, Window::Day, Window::Hour] {
                if edge.minute < first_minute(window, clock) {
                    continue;
                }
                let step = Step {
                    advertiser,
                    dimension,
                    window,
                    from: edge.from,
                    to: edge.to,
                };
                let sum = tally.entry(step).or_default();
                sum.count += 1;
                sum.value_micros += i128::from(edge.value);
            }
        }
    }
    tally
}

/// The chains of its advertiser, and the one of all advertisers, which only channels have.
fn scopes(edge: &Edge) -> [(Option<Name>, Dimension); 3] {
    [
        (Some(edge.advertiser), Dimension::Channel),
        (Some(edge.advertiser), Dimension::Campaign),
        (None, Dimension::Channel),
    ]
}

/// The earliest first minute of a journey in the window. Without a clock nothing is known to be old.
fn first_minute(window: Window, clock: Option<TimeMs>) -> Minute {
    let now = clock.map_or(0, minute_of);
    match window {
        Window::All => 0,
        Window::Day => now.saturating_sub(24 * 60 - 1),
        Window::Hour => now.saturating_sub(60 - 1),
    }
}

fn state(place: Place, dimension: Dimension, names: &HashMap<Name, String>) -> State {
    match (place, dimension) {
        (Place::Start, _) => State::Start,
        (Place::Conversion, _) => State::Conversion,
        (Place::Null, _) => State::Null,
        (Place::Touch { channel, .. }, Dimension::Channel) => {
            State::Named(text(names, channel).to_owned())
        }
        (Place::Touch { campaign, .. }, Dimension::Campaign) => {
            State::Named(text(names, campaign).to_owned())
        }
    }
}
