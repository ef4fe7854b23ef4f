//! What a change of sessions comes out as: edges, in the worker's own numbers.

use crate::event::{Micros, Minute};
use crate::labels::{AdvertiserId, LabelId};

/// A worker-local state of a chain: a label, start or conversion.
pub(crate) type StateId = LabelId;
pub(crate) const START: StateId = u32::MAX;
pub(crate) const CONVERSION: StateId = u32::MAX - 1;

/// A change to the count of one transition, in the minute of its journey's first point. None leads to null: what
/// enters a state and does not leave it for another is null, so that follows from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) advertiser: AdvertiserId,
    pub(crate) minute: Minute,
    pub(crate) from: StateId,
    pub(crate) to: StateId,
    pub(crate) count: i32,
    pub(crate) value: Micros,
}
