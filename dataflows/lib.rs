//! The computation of Tributary: collections in, collections out. No I/O, no clock, no async, no JSON.
//!
//! [`build`] is the pipeline on one screen. Two doors lead out and no third: small results leave as [`row::Row`]s,
//! large ones stay, as an arranged trace and as operator state, and are asked through [`control::Question`]s.

pub mod answer;
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
mod told;
mod trace;
pub mod transitions;
pub mod weight;

use std::cell::RefCell;
use std::rc::Rc;

use differential_dataflow::{AsCollection, VecCollection};
use timely::dataflow::StreamVec;
use timely::dataflow::operators::vec::Map;
use timely::dataflow::operators::{Concat, Exchange};

use answer::Answer;
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
    /// All small results, on the first worker of each process.
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
    let control = control::to_all(inputs.control);

    let sessions = sessions::sessions(
        inputs.events,
        control.clone(),
        names.clone(),
        labels.clone(),
        settings,
    );
    let transitions = transitions::transitions(sessions.edges, control.clone(), labels);
    let attribution = attribution::attribution(transitions, control.clone(), names);
    let dispositions = dispositions::dispositions(inputs.tallies.concat(sessions.tallies));

    let small = told::told(control).concatenate([attribution.rows, dispositions]);
    let answers = sessions.answers.concat(attribution.answers);
    Outputs {
        rows: to_readers(small, settings.processes),
        answers: answers.exchange(|answer| answer.asker as u64),
        transitions: trace::trace(attribution.steps),
    }
}

/// The same rows on the first worker of each process, so that every process has whole frames.
fn to_readers(
    rows: VecCollection<'_, Epoch, Row>,
    processes: usize,
) -> VecCollection<'_, Epoch, Row> {
    if processes == 1 {
        return rows.inner.exchange(|_| 0).as_collection();
    }
    let threads = rows.inner.scope().peers() / processes;
    rows.inner
        .flat_map(move |update| {
            (0..processes).map(move |process| (process * threads, update.clone()))
        })
        .exchange(|&(reader, _)| reader as u64)
        .map(|(_, update)| update)
        .as_collection()
}
