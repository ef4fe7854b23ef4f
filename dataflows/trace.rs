//! The second door: transition counts arranged by chain, kept for questions.
//!
//! In: the transition collection, epoch by epoch. Out: a trace. It is fed in steps of [`EPOCHS_PER_BATCH`] epochs,
//! combined: many small batches cost more than what they hold.

use std::collections::BTreeMap;

use differential_dataflow::difference::Semigroup;
use differential_dataflow::operators::arrange::{Arrange, TraceAgent};
use differential_dataflow::trace::implementations::{ValBatcher, ValBuilder, ValSpine};
use differential_dataflow::{AsCollection, VecCollection};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::Operator;

use crate::epochs::Epoch;
use crate::fold::FoldMap;
use crate::transitions::{ChainKey, State, Transition};
use crate::weight::Weights;

/// Epochs that enter the trace as one batch.
pub(crate) const EPOCHS_PER_BATCH: Epoch = 32;

/// (from, to) and the count in each window, by chain.
pub type TransitionTrace = TraceAgent<ValSpine<ChainKey, (State, State), Epoch, Weights>>;

/// Arranges the transitions by chain.
pub(crate) fn trace(transitions: VecCollection<'_, Epoch, Transition, Weights>) -> TransitionTrace {
    coalesced(transitions)
        .map(|transition| (transition.chain, (transition.from, transition.to)))
        .arrange_named::<ValBatcher<_, _, _, _>, ValBuilder<_, _, _, _>, ValSpine<_, _, _, _>>(
            "TransitionTrace",
        )
        .trace
}

type Batches = BTreeMap<Epoch, (Capability<Epoch>, FoldMap<Transition, Weights>)>;

/// The same changes at the last epoch of their step, each transition once.
fn coalesced<'s>(
    transitions: VecCollection<'s, Epoch, Transition, Weights>,
) -> VecCollection<'s, Epoch, Transition, Weights> {
    transitions
        .inner
        .unary_frontier::<CapacityContainerBuilder<Vec<_>>, _, _, _>(
            Pipeline,
            "Coalesce",
            |_, _| {
                let mut batches = Batches::new();
                move |(input, frontier), output| {
                    input.for_each(|capability, updates| {
                        let end = capability.time().next_multiple_of(EPOCHS_PER_BATCH);
                        let (_, batch) = batches
                            .entry(end)
                            .or_insert_with(|| (capability.delayed(&end, 0), FoldMap::default()));
                        for (transition, _, weights) in updates.drain(..) {
                            batch.entry(transition).or_default().plus_equals(&weights);
                        }
                    });
                    while let Some(entry) = batches
                        .first_entry()
                        .filter(|entry| !frontier.less_equal(entry.key()))
                    {
                        let (end, (capability, batch)) = entry.remove_entry();
                        let changed = batch
                            .into_iter()
                            .filter(|(_, weights)| *weights != Weights::default());
                        output
                            .session(&capability)
                            .give_iterator(changed.map(|(t, weights)| (t, end, weights)));
                    }
                }
            },
        )
        .as_collection()
}
