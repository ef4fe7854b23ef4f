//! Transitions.

use serde::{Deserialize, Serialize};

/// What the states of a chain are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Dimension {
    Channel,
    Campaign,
}

/// Which journeys a chain counts, by the minute of their first point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Window {
    All,
    Day,
    Hour,
}
