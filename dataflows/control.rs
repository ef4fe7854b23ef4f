//! What every worker is told besides events: names, watermarks, loads, questions, what is watched.

use serde::{Deserialize, Serialize};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact;
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::operators::vec::Map;

use crate::clock::Watermark;
use crate::epochs::Epoch;
use crate::event::{Name, UserId};
use crate::row::Load;
use crate::transitions::ChainKey;

/// One message, broadcast to all workers at its epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Control {
    /// The text of a name, no later than its first use.
    Name(Name, String),
    /// A partition's watermark after the records of the epoch.
    Watermark(Watermark),
    /// How busy a worker has been.
    Load(Load),
    /// A question, answered as of the epoch.
    Ask(Question),
    /// From this epoch on the chain's counts leave as a row too, until as many `Unwatch` have come.
    Watch(ChainKey),
    Unwatch(ChainKey),
}

/// Asked on the one way in; the answer goes back to the worker `asker`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub id: u64,
    pub asker: usize,
    pub subject: Subject,
}

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    /// Every chain.
    Chains,
    /// One chain.
    Chain(ChainKey),
    /// The sessions and journeys of one user.
    User(UserId),
}

/// The same messages on every worker.
pub(crate) fn to_all(control: StreamVec<'_, Epoch, Control>) -> StreamVec<'_, Epoch, Control> {
    type Told = CapacityContainerBuilder<Vec<Control>>;
    let workers = control.scope().peers() as u64;
    let to_worker = pact::Exchange::new(|(worker, _): &(u64, Control)| *worker);
    control
        .flat_map(move |message| (0..workers).map(move |worker| (worker, message.clone())))
        .unary::<Told, _, _, _>(to_worker, "Control", |_, _| {
            move |input, output| {
                input.for_each(|capability, messages| {
                    let messages = messages.drain(..).map(|(_, message)| message);
                    output.session(&capability).give_iterator(messages);
                });
            }
        })
}
