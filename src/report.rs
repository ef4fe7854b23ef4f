//! All results at one closed epoch as plain data: what `--export` writes and `verify` digests.
//!
//! Filled by the frames of a run on one side and by the oracle on the other; the two share this type and nothing else.

mod digest;
mod export;

use std::collections::BTreeMap;

use dataflows::transitions::{Dimension, Window};

pub(crate) use export::TRANSITIONS_HEADER;

/// A state of a chain by name; the order is that of the exports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    Start,
    Named(String),
    Conversion,
    Null,
}

/// Which chain: `None` is `*`, all advertisers together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainKey {
    pub advertiser: Option<String>,
    pub dimension: Dimension,
    pub window: Window,
}

/// How often a transition happened, and the value of the conversions among them in micro-units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub count: i64,
    pub value_micros: i128,
}

/// One state's credit. `None` where the ratio has denominator 0 or the chain has too many states to solve.
#[derive(Clone, Debug, PartialEq)]
pub struct Credit {
    pub state: String,
    pub removal_effect: Option<f64>,
    pub removal_effect_value: Option<f64>,
    pub attributed_conversions: Option<f64>,
    pub attributed_value: Option<f64>,
}

/// One chain: its counts (none of 0 with value 0) and what is read out of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chain {
    pub counts: BTreeMap<(State, State), Count>,
    pub p_conversion: Option<f64>,
    pub expected_value_per_journey: Option<f64>,
    /// In the order of the states' names.
    pub credits: Vec<Credit>,
}

/// Everything at one closed epoch. Chains without any count are absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    pub as_of_epoch: u64,
    pub accepted: u64,
    pub duplicate: u64,
    pub late: u64,
    pub invalid: u64,
    pub no_consent: u64,
    /// Identities of which copies with different content were seen.
    pub conflicts: u64,
    pub open_sessions: u64,
    pub open_journeys: u64,
    pub chains: BTreeMap<ChainKey, Chain>,
}
