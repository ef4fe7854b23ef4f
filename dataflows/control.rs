//! What every worker is told besides events: names, watermarks, questions.

use serde::{Deserialize, Serialize};

use crate::clock::Watermark;
use crate::event::{Name, UserId};
use crate::transitions::ChainKey;

/// One message, broadcast to all workers at its epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Control {
    /// The text of a name, no later than its first use.
    Name(Name, String),
    /// A partition's watermark after the records of the epoch.
    Watermark(Watermark),
    /// A question, answered as of the epoch.
    Ask(Question),
}

/// Asked on the one way in; the answer goes back to the worker `asker`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub id: u64,
    pub asker: usize,
    pub subject: Subject,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    /// The transition counts of every chain.
    Transitions,
    /// One chain.
    Chain(ChainKey),
    /// One user.
    User(UserId),
}
