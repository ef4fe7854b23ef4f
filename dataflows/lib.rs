//! The computation of Tributary: collections in, collections out. No I/O, no clock, no async, no JSON.
//!
//! [`build`] is the pipeline on one screen. Two doors lead out and no third: small results leave as [`row::Row`]s,
//! large ones stay, as an arranged trace and as operator state, and are asked through [`control::Question`]s.

pub mod attribution;
pub mod clock;
pub mod control;
pub mod dispositions;
pub mod epochs;
pub mod event;
pub mod fold;
mod labels;
pub mod names;
mod prefetch;
pub mod pseudonym;
pub mod row;
mod sessions;
pub mod settings;
mod trace;
pub mod transitions;
pub mod weight;

use std::cell::RefCell;
use std::rc::Rc;

use differential_dataflow::{AsCollection, VecCollection};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::operators::vec::Broadcast;
use timely::dataflow::operators::{Concat, Exchange};

use attribution::Answer;
use control::Control;
use dispositions::Tallied;
use epochs::Epoch;
use event::Event;
use names::Names;
use row::Row;
use settings::Settings;

pub use trace::TransitionTrace;

/// What comes in; every stream in epochs of the source's making.
pub struct Inputs<'s> {
    /// Records that are valid and not late.
    pub events: StreamVec<'s, Epoch, Event>,
    /// Names, watermarks, questions: given to one worker, told to all.
    pub control: StreamVec<'s, Epoch, Control>,
    /// What the source has counted itself: records read, invalid, late.
    pub tallies: StreamVec<'s, Epoch, Tallied>,
}

/// What goes out.
pub struct Outputs<'s> {
    /// All small results, on worker 0.
    pub rows: VecCollection<'s, Epoch, Row>,
    /// Answers, on the worker that asked.
    pub answers: StreamVec<'s, Epoch, Answer>,
    /// The transition counts of this worker's chains, kept for questions.
    pub transitions: TransitionTrace,
}

/// The whole computation.
pub fn build<'s>(inputs: Inputs<'s>, settings: Settings) -> Outputs<'s> {
    let names = Names::default();
    let labels = Rc::new(RefCell::new(labels::Labels::default()));
    let control = inputs.control.broadcast();

    let sessions::Sessions { edges, tallies } = sessions::sessions(
        inputs.events,
        control.clone(),
        names.clone(),
        labels.clone(),
        settings,
    );
    let transitions = transitions::transitions(edges, control.clone(), labels);
    let attribution = attribution::attribution(transitions, control.clone(), names);
    let dispositions = dispositions::dispositions(inputs.tallies.concat(tallies));

    let small = name_rows(control)
        .concat(attribution.rows)
        .concat(dispositions);
    Outputs {
        rows: small.inner.exchange(|_| 0).as_collection(),
        answers: attribution.answers.exchange(|answer| answer.asker as u64),
        transitions: trace::trace(attribution.steps),
    }
}

/// A row for every name, from worker 0's copy of what all are told.
fn name_rows(control: StreamVec<'_, Epoch, Control>) -> VecCollection<'_, Epoch, Row> {
    let is_first = control.scope().index() == 0;
    control
        .unary::<CapacityContainerBuilder<Vec<_>>, _, _, _>(Pipeline, "NameRows", |_, _| {
            move |input, output| {
                input.for_each(|capability, messages| {
                    let rows = messages.drain(..).filter_map(|message| match message {
                        Control::Name(name, text) if is_first => Some(Row::Name(name, text)),
                        _ => None,
                    });
                    let epoch = *capability.time();
                    output
                        .session(&capability)
                        .give_iterator(rows.map(|row| (row, epoch, 1)));
                });
            }
        })
        .as_collection()
}
