//! Attribution: from transition counts to removal effects and credit, for every chain that changed.
//!
//! In: changes of transition counts, routed by chain, and control (names, questions). Out: a row per chain and window,
//! answers, and the counts themselves in the steps of the trace. What must hold: each result is a function of the integer counts alone, equal bit for bit on any number
//! of workers; in every window in = out for every state, start out = conversions + nulls (asserted).

mod chain;
mod credits;
mod figures;
mod shape;
mod solve;
mod watched;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use differential_dataflow::{AsCollection, VecCollection};
use serde::{Deserialize, Serialize};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

use crate::answer::{Answer, Body};
use crate::control::{Control, Subject};
use crate::epochs::{Closed, Epoch, Epochs};
use crate::names::Names;
use crate::row::{Float, Row};
use crate::trace::Step;
use crate::transitions::{ChainKey, Change, News, Transition, Window};
use crate::weight::Weights;

use chain::Chain;
use figures::Workspace;
pub use solve::{SOLVED_STATES_MAX, Solver};
use watched::Watched;

/// What is read out of one chain in one window. Rows, readers and windows that agree share the figures.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Attribution {
    pub chain: ChainKey,
    pub window: Window,
    pub figures: Arc<Figures>,
}

impl Deref for Attribution {
    type Target = Figures;

    fn deref(&self) -> &Figures {
        &self.figures
    }
}

/// What a chain's counts say, whichever chain it is. A ratio whose denominator is 0 is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Figures {
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
    /// The counts of this worker's chains, as of the end of each step.
    pub(crate) steps: VecCollection<'s, Epoch, Transition, Weights>,
}

/// Solves the chains that changed in each closed epoch.
pub(crate) fn attribution<'s>(
    changes: StreamVec<'s, Epoch, Change>,
    control: StreamVec<'s, Epoch, Control>,
    names: Names,
) -> Attributed<'s> {
    let mut builder = OperatorBuilder::new("Attribution".to_owned(), control.scope());
    let by_chain = Exchange::new(|change: &Change| change.route.into());
    let mut changes = builder.new_input(changes, by_chain);
    let mut control = builder.new_input(control, Pipeline);
    let (rows_out, rows) = builder.new_output::<Vec<(Row, Epoch, isize)>>();
    let (answers_out, answers) = builder.new_output::<Vec<Answer>>();
    let (steps_out, steps) = builder.new_output::<Vec<(Transition, Epoch, Weights)>>();
    let mut rows_out = OutputBuilder::<_, CapacityContainerBuilder<_>>::from(rows_out);
    let mut answers_out = OutputBuilder::<_, CapacityContainerBuilder<_>>::from(answers_out);
    let mut steps_out = OutputBuilder::<_, CapacityContainerBuilder<_>>::from(steps_out);
    builder.build(move |_| {
        let mut epochs = Epochs::new(3);
        let mut chains = Chains::new(names);
        let mut step = Step::default();
        move |frontiers| {
            changes.for_each(|capability, data| epochs.receive(&capability, data));
            control.for_each(|capability, data| epochs.receive_control(&capability, data));
            let frontiers = [&frontiers[0], &frontiers[1]];
            let (mut rows_out, mut answers_out) = (rows_out.activate(), answers_out.activate());
            let mut steps_out = steps_out.activate();
            let mut end_step = |end: Option<Capability<Epoch>>, chains: &mut Chains| {
                if let Some(end) = end {
                    steps_out
                        .session(&end)
                        .give_iterator(chains.step(*end.time()));
                }
            };
            while let Some((epoch, closed)) = epochs.next_closed(&frontiers) {
                end_step(step.end_before(epoch), &mut chains);
                let rows = chains.close(&closed).into_iter();
                rows_out
                    .session(&closed.capabilities[0])
                    .give_iterator(rows.map(|(row, diff)| (row, epoch, diff)));
                let answers = chains.answers(&closed, epoch).into_iter();
                answers_out
                    .session(&closed.capabilities[1])
                    .give_iterator(answers);
                step.extend(&closed.capabilities[2]);
            }
            end_step(step.end_at(&frontiers), &mut chains);
        }
    });
    Attributed {
        rows: rows.as_collection(),
        answers,
        steps: steps.as_collection(),
    }
}

/// The chains of one worker.
struct Chains {
    names: Names,
    /// In the order in which answers tell of them.
    numbers: BTreeMap<ChainKey, usize>,
    chains: Vec<Chain>,
    /// By the worker that numbered a cell and the number: its chain, and the cell there.
    cells: Vec<Vec<(usize, usize)>>,
    /// Chains that the epoch changes.
    changed: Vec<usize>,
    workspace: Workspace,
    watched: Watched,
}

impl Chains {
    fn new(names: Names) -> Chains {
        Chains {
            names,
            numbers: BTreeMap::new(),
            chains: Vec::new(),
            cells: Vec::new(),
            changed: Vec::new(),
            workspace: Workspace::default(),
            watched: Watched::default(),
        }
    }

    /// Applies one epoch's changes and returns how the rows change.
    fn close(&mut self, closed: &Closed<Vec<Vec<Change>>>) -> Vec<(Row, isize)> {
        for message in &closed.control {
            if let Control::Name(name, text) = message {
                self.names.insert(*name, text);
            }
        }
        for change in closed.data.iter().flatten() {
            self.apply(change);
        }
        let mut changed = Vec::new();
        for number in self.changed.drain(..) {
            let chain = &mut self.chains[number];
            chain.refresh(&mut self.workspace, &mut changed);
            self.watched.change(chain, &mut changed);
        }
        for message in &closed.control {
            let chain = |key: &ChainKey| self.numbers.get(key).map(|&number| &self.chains[number]);
            self.watched.hear(message, chain, &mut changed);
        }
        changed
    }

    fn apply(&mut self, change: &Change) {
        let (source, cell) = (change.source as usize, change.cell as usize);
        let place = match &change.news {
            News::Is(transition) => return self.meet(source, cell, transition),
            _ => self.cells[source][cell],
        };
        let chain = &mut self.chains[place.0];
        let was_changed = chain.is_changed();
        match change.news {
            News::Count(counts) => chain.add_count(place.1, counts),
            News::Value(values) => chain.add_value(place.1, values),
            News::Is(_) => {}
        }
        if !was_changed && chain.is_changed() {
            self.changed.push(place.0);
        }
    }

    /// Learns which cell a worker means by a number.
    fn meet(&mut self, source: usize, cell: usize, transition: &Transition) {
        let next = self.chains.len();
        let number = *self.numbers.entry(transition.chain).or_insert(next);
        if number == next {
            self.chains.push(Chain::new(transition.chain));
        }
        let place = self.chains[number].cell(transition.from, transition.to, &self.names);
        if self.cells.len() <= source {
            self.cells.resize(source + 1, Vec::new());
        }
        // A worker tells each holder of the cells of its chains only: the numbers between are of others.
        let cells = &mut self.cells[source];
        if cells.len() <= cell {
            cells.resize(cell + 1, (usize::MAX, usize::MAX));
        }
        cells[cell] = (number, place);
    }

    /// What changed since the step before, at the end of this one.
    fn step(&mut self, end: Epoch) -> impl Iterator<Item = (Transition, Epoch, Weights)> + '_ {
        let changes = self.chains.iter_mut().flat_map(Chain::step);
        changes.map(move |(transition, weights)| (transition, end, weights))
    }

    fn answers(&self, closed: &Closed<Vec<Vec<Change>>>, epoch: Epoch) -> Vec<Answer> {
        let mut answers = Vec::new();
        for message in &closed.control {
            let Control::Ask(question) = message else {
                continue;
            };
            let answer = |&number: &usize| Answer {
                question: question.id,
                asker: question.asker,
                as_of_epoch: epoch,
                body: Body::Chain(Box::new(self.chains[number].answer())),
            };
            match question.subject {
                Subject::Chains => answers.extend(self.numbers.values().map(answer)),
                Subject::Chain(key) => answers.extend(self.numbers.get(&key).map(answer)),
                Subject::User(_) => {}
            }
        }
        answers
    }
}
