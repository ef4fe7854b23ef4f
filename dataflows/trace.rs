//! The second door: transition counts arranged by chain, kept for questions.
//!
//! In: the changes of a chain's counts since the step before, one step for [`EPOCHS_PER_STEP`] epochs: many small
//! batches cost more than what they hold. Out: a trace.

use differential_dataflow::VecCollection;
use differential_dataflow::operators::arrange::{Arrange, TraceAgent};
use differential_dataflow::trace::implementations::{ValBatcher, ValBuilder, ValSpine};
use timely::dataflow::operators::Capability;
use timely::progress::frontier::MutableAntichain;

use crate::epochs::Epoch;
use crate::transitions::{ChainKey, State, Transition};
use crate::weight::Weights;

/// Epochs that enter the trace as one batch.
const EPOCHS_PER_STEP: Epoch = 32;

/// (from, to) and the count in each window, by chain.
pub type TransitionTrace = TraceAgent<ValSpine<ChainKey, (State, State), Epoch, Weights>>;

/// Arranges the transitions by chain.
pub(crate) fn trace(transitions: VecCollection<'_, Epoch, Transition, Weights>) -> TransitionTrace {
    transitions
        .map(|transition| (transition.chain, (transition.from, transition.to)))
        .arrange_named::<ValBatcher<_, _, _, _>, ValBuilder<_, _, _, _>, ValSpine<_, _, _, _>>(
            "TransitionTrace",
        )
        .trace
}

/// The step that the trace is in: the right to say at its last epoch what changed in it.
#[derive(Default)]
pub(crate) struct Step(Option<Capability<Epoch>>);

impl Step {
    /// The step ends before `epoch`.
    pub(crate) fn end_before(&mut self, epoch: Epoch) -> Option<Capability<Epoch>> {
        self.0.take_if(|end| *end.time() < epoch)
    }

    /// All epochs of the step have closed.
    pub(crate) fn end_at(
        &mut self,
        frontiers: &[&MutableAntichain<Epoch>],
    ) -> Option<Capability<Epoch>> {
        let is_open = |end: &Epoch| frontiers.iter().any(|frontier| frontier.less_equal(end));
        self.0.take_if(|end| !is_open(end.time()))
    }

    /// Something changed in an epoch of the step.
    pub(crate) fn extend(&mut self, epoch: &Capability<Epoch>) {
        let end = epoch.time().next_multiple_of(EPOCHS_PER_STEP);
        self.0.get_or_insert_with(|| epoch.delayed(&end));
    }
}
