//! Small results: one value per key, replaced as it changes. All rows leave in one collection.

use serde::{Deserialize, Serialize};

use crate::attribution::Attribution;
use crate::dispositions::Dispositions;
use crate::event::{Name, TimeMs};
use crate::transitions::{ChainKey, State};
use crate::weight::Weight;

/// A result that fits on a screen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Row {
    /// The text of a name, so that a reader needs no other source.
    Name(Name, String),
    Dispositions(Dispositions),
    Attribution(Attribution),
    /// The counts of a chain that is watched.
    Transitions(Matrix),
    Clock(Clock),
    Load(Load),
}

/// The counts of one chain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Matrix {
    pub chain: ChainKey,
    /// (from, to) and the count in each of [`crate::transitions::Window::ALL`].
    pub counts: Vec<(State, State, [Weight; 3])>,
}

/// Event time, as far as the log has told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Clock {
    /// The moment that windows count back from: the least watermark of the partitions still read.
    pub now_ms: Option<TimeMs>,
    /// The greatest watermark of any partition.
    pub latest_ms: TimeMs,
}

/// How busy a worker was over its last second or so; measured, so no two runs agree on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Load {
    pub worker: usize,
    pub process: usize,
    pub events_per_second: u32,
    /// Share of the time that it had the processor, in thousandths.
    pub busy_permille: u32,
}

/// A double by its bits, so that rows have an order and equality means equal bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Float(u64);

impl From<f64> for Float {
    fn from(value: f64) -> Float {
        Float(value.to_bits())
    }
}

impl From<Float> for f64 {
    fn from(float: Float) -> f64 {
        f64::from_bits(float.0)
    }
}
