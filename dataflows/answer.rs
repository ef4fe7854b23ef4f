//! What comes back for a question: read from operator state by the worker that holds it, as of one closed epoch.
//!
//! In: nothing; these are plain values. Out: answers on their way to the worker that asked. What must hold: an answer
//! says which question it is for and of which epoch it is; a worker that holds nothing of what was asked is silent.

use serde::{Deserialize, Serialize};

use crate::attribution::Attribution;
use crate::epochs::Epoch;
use crate::event::{Kind, Micros, Name, TimeMs};
use crate::transitions::{ChainKey, State};
use crate::weight::Weight;

/// One answer to one question; several workers may each have one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub question: u64,
    /// The worker that asked.
    pub asker: usize,
    pub as_of_epoch: Epoch,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    Chain(Box<Counted>),
    User(User),
    /// How many of a receipt's events were accepted, and how many were duplicates.
    Receipt {
        accepted: u64,
        duplicate: u64,
    },
}

/// The counts of one chain, and what follows from them in each window that has any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    pub chain: ChainKey,
    /// (from, to) and the count in each of [`crate::transitions::Window::ALL`].
    pub counts: Vec<(State, State, [Weight; 3])>,
    pub windows: [Option<Attribution>; 3],
}

/// What is still held of one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Entries before this time may have been forgotten; `None`: none has been.
    pub complete_since_ms: Option<TimeMs>,
    /// In order of time.
    pub sessions: Vec<Session>,
    /// By advertiser, then in order of time.
    pub journeys: Vec<Journey>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub first_ms: TimeMs,
    pub last_ms: TimeMs,
    /// Events held of it.
    pub activities: u64,
    /// Activity at the watermark would still belong to it.
    pub is_open: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journey {
    pub advertiser: Name,
    pub points: Vec<Point>,
    /// A point at the watermark would still belong to it.
    pub is_open: bool,
}

/// A touch, a conversion, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    pub time_ms: TimeMs,
    pub kind: Kind,
    /// An impression, a click, or a conversion that is a touch too.
    pub is_touch: bool,
    pub channel: Name,
    pub campaign: Name,
    /// Of a conversion, else 0.
    pub value: Micros,
}
