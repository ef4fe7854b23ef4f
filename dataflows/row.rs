//! Small results: one value per key, replaced as it changes. All rows leave in one collection.

use serde::{Deserialize, Serialize};

use crate::attribution::Attribution;
use crate::dispositions::Dispositions;
use crate::event::Name;

/// A result that fits on a screen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Row {
    /// The text of a name, so that a reader needs no other source.
    Name(Name, String),
    Dispositions(Dispositions),
    Attribution(Attribution),
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
