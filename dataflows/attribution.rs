//! Attribution: from transition counts to removal effects and credit, for every chain that changed.
//!
//! In: transition counts, routed by chain, and control (names, questions). Out: a row per chain and window, and
//! answers. What must hold: each result is a function of the integer counts alone, equal bit for bit on any number
//! of workers; in every window in = out for every state, start out = conversions + nulls (asserted).

mod chain;
mod solve;
mod watched;

use std::collections::BTreeMap;

use differential_dataflow::{AsCollection, VecCollection};
use serde::{Deserialize, Serialize};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

use crate::answer::{Answer, Body, Counted};
use crate::control::{Control, Subject};
use crate::epochs::{Closed, Epoch, Epochs};
use crate::names::Names;
use crate::row::{Float, Row};
use crate::transitions::{ChainKey, Transition, Window};
use crate::weight::Weights;

use chain::Chain;
pub use solve::{SOLVED_STATES_MAX, Solver};
use watched::Watched;

/// What is read out of one chain in one window. A ratio whose denominator is 0 is `None`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Attribution {
    pub chain: ChainKey,
    pub window: Window,
    /// Journeys begun: those converted and those that are null, open ones included.
    pub journeys: i64,
    pub touches: i64,
    pub conversions: i64,
    /// Conversions with no touch, and their value in micro-units; nobody's credit.
    pub untouched: i64,
    pub untouched_value: i128,
    pub value: i128,
    /// Probability that a journey converts.
    pub p_conversion: Option<Float>,
    pub expected_value_per_journey: Option<Float>,
    /// In the order of the states' names.
    pub credits: Vec<Credit>,
}

/// A state's share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Credit {
    pub state: crate::event::Name,
    /// Part of the converting journeys that is lost if every transition into the state leads to null.
    pub removal_effect: Option<Float>,
    pub removal_effect_value: Option<Float>,
    pub attributed_conversions: Option<Float>,
    /// In currency units.
    pub attributed_value: Option<Float>,
}

/// What comes out of [`attribution`].
pub(crate) struct Attributed<'s> {
    pub(crate) rows: VecCollection<'s, Epoch, Row>,
    pub(crate) answers: StreamVec<'s, Epoch, Answer>,
}

/// Solves the chains that changed in each closed epoch.
pub(crate) fn attribution<'s>(
    transitions: VecCollection<'s, Epoch, Transition, Weights>,
    control: StreamVec<'s, Epoch, Control>,
    names: Names,
) -> Attributed<'s> {
    type Update = (Transition, Epoch, Weights);
    let mut builder = OperatorBuilder::new("Attribution".to_owned(), control.scope());
    let by_chain = Exchange::new(|(transition, _, _): &Update| transition.chain.route());
    let mut transitions = builder.new_input(transitions.inner, by_chain);
    let mut control = builder.new_input(control, Pipeline);
    let (rows_out, rows) = builder.new_output::<Vec<(Row, Epoch, isize)>>();
    let (answers_out, answers) = builder.new_output::<Vec<Answer>>();
    let mut rows_out = OutputBuilder::<_, CapacityContainerBuilder<_>>::from(rows_out);
    let mut answers_out = OutputBuilder::<_, CapacityContainerBuilder<_>>::from(answers_out);
    builder.build(move |_| {
        let mut epochs = Epochs::new(2);
        let mut chains = Chains {
            names,
            chains: BTreeMap::new(),
            solver: Solver::default(),
            watched: Watched::default(),
        };
        move |frontiers| {
            transitions.for_each(|capability, data| epochs.receive(&capability, data));
            control.for_each(|capability, data| epochs.receive_control(&capability, data));
            let (mut rows_out, mut answers_out) = (rows_out.activate(), answers_out.activate());
            while let Some((epoch, closed)) = epochs.next_closed(&[&frontiers[0], &frontiers[1]]) {
                let rows = chains
                    .close(&closed)
                    .into_iter()
                    .map(|(row, diff)| (row, epoch, diff));
                rows_out
                    .session(&closed.capabilities[0])
                    .give_iterator(rows);
                let answers = chains.answers(&closed, epoch).into_iter();
                answers_out
                    .session(&closed.capabilities[1])
                    .give_iterator(answers);
            }
        }
    });
    Attributed {
        rows: rows.as_collection(),
        answers,
    }
}

/// The chains of one worker.
struct Chains {
    names: Names,
    chains: BTreeMap<ChainKey, Chain>,
    solver: Solver,
    watched: Watched,
}

impl Chains {
    /// Applies one epoch's changes and returns how the rows change.
    fn close(&mut self, closed: &Closed<(Transition, Epoch, Weights)>) -> Vec<(Row, isize)> {
        for message in &closed.control {
            if let Control::Name(name, text) = message {
                self.names.insert(*name, text);
            }
        }
        for (transition, _, weights) in closed.data.iter().flatten() {
            let chain = self
                .chains
                .entry(transition.chain)
                .or_insert_with(|| Chain::new(transition.chain));
            chain.change(transition.from, transition.to, weights, &self.names);
        }
        let mut changed = Vec::new();
        for (&key, chain) in self.chains.iter_mut() {
            if chain.is_changed() {
                chain.refresh(&mut self.solver, &mut changed);
                self.watched.change(key, chain, &mut changed);
            }
        }
        for message in &closed.control {
            let chains = &self.chains;
            self.watched
                .hear(message, |key| chains.get(key), &mut changed);
        }
        changed
    }

    fn answers(&self, closed: &Closed<(Transition, Epoch, Weights)>, epoch: Epoch) -> Vec<Answer> {
        let mut answers = Vec::new();
        for message in &closed.control {
            let Control::Ask(question) = message else {
                continue;
            };
            let answer = |(key, chain): (&ChainKey, &Chain)| Answer {
                question: question.id,
                asker: question.asker,
                as_of_epoch: epoch,
                body: Body::Chain(Box::new(Counted {
                    chain: *key,
                    counts: chain.counts().collect(),
                    windows: chain.shown().clone(),
                })),
            };
            match question.subject {
                Subject::Chains => answers.extend(self.chains.iter().map(answer)),
                Subject::Chain(key) => answers.extend(self.chains.get_key_value(&key).map(answer)),
                Subject::User(_) => {}
            }
        }
        answers
    }
}
