//! What the counts of one chain in one window say.
//!
//! In: counts by cell. Out: figures. What must hold: no journey is torn: what enters a state leaves it, every journey
//! ends once (asserted); nothing is allocated but what is shown, since every chain that changed is solved anew at
//! every epoch.

use crate::event::Name;
use crate::weight::Weight;

use super::Figures;
use super::credits::credits;
use super::shape::{CONVERSION, NAMED, NULL, START, Shape};
use super::solve::{Counts, SOLVED_STATES_MAX, Solver};

/// The weights of one window. Counts and values lie apart, so that those of a chain fill few lines of the cache.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Weighed {
    /// By cell.
    pub(super) counts: Vec<i64>,
    /// Of the conversions, by the state they come from: nothing else has a value.
    pub(super) values: Vec<i128>,
}

impl Weighed {
    /// With room for all there is in a shape.
    pub(super) fn fit(&mut self, shape: &Shape) {
        self.counts.resize(shape.cells.len(), 0);
        self.values.resize(shape.states(), 0);
    }

    pub(super) fn of(&self, cell: usize, shape: &Shape) -> Weight {
        let (from, to) = shape.cells[cell];
        Weight {
            count: self.counts[cell],
            value: if to == CONVERSION {
                self.values[from as usize]
            } else {
                0
            },
        }
    }
}

/// What is needed to solve a chain, and nothing of it afterwards.
#[derive(Default)]
pub(super) struct Workspace {
    /// By state, how often it was left and entered.
    left: Vec<i64>,
    entered: Vec<i64>,
    /// By number, the place among the solver's states.
    places: Vec<usize>,
    /// The states that occur, sorted by name.
    states: Vec<Name>,
    solver: Solver,
}

impl Workspace {
    /// What the window says of the chain; `None` while it has no journey.
    pub(super) fn figures(&mut self, shape: &Shape, weighed: &Weighed) -> Option<Figures> {
        self.add_up(shape, weighed);
        self.assert_whole();
        if self.left[START as usize] == 0 {
            return None;
        }
        let mut figures = self.totals(shape, weighed);
        self.place_states(shape);
        if self.states.len() <= SOLVED_STATES_MAX {
            self.fill(shape, weighed);
            self.solver.solve();
            figures.p_conversion = Some(self.solver.x0.into());
            figures.expected_value_per_journey = Some(self.solver.xw0.into());
        }
        figures.credits = credits(&self.states, &figures, &self.solver);
        Some(figures)
    }

    fn add_up(&mut self, shape: &Shape, weighed: &Weighed) {
        for sums in [&mut self.left, &mut self.entered] {
            sums.clear();
            sums.resize(shape.states(), 0);
        }
        for (&(from, to), &count) in shape.cells.iter().zip(&weighed.counts) {
            assert!(count >= 0, "a transition is counted below 0");
            self.left[from as usize] += count;
            self.entered[to as usize] += count;
        }
    }

    /// No journey is torn.
    fn assert_whole(&self) {
        let [start, conversion, null, named] =
            [START, CONVERSION, NULL, NAMED].map(|state| state as usize);
        let (left, entered) = (&self.left, &self.entered);
        assert_eq!(entered[start], 0, "a transition into the start");
        assert_eq!(
            (left[conversion], left[null]),
            (0, 0),
            "a transition out of an absorbing state"
        );
        assert_eq!(
            left[named..],
            entered[named..],
            "what enters a state must leave it"
        );
        assert_eq!(
            left[start],
            entered[conversion] + entered[null],
            "every journey ends once"
        );
    }

    fn totals(&self, shape: &Shape, weighed: &Weighed) -> Figures {
        let untouched = shape.find(START, CONVERSION);
        Figures {
            journeys: self.left[START as usize],
            touches: self.entered[NAMED as usize..].iter().sum(),
            conversions: self.entered[CONVERSION as usize],
            untouched: untouched.map_or(0, |cell| weighed.counts[cell]),
            untouched_value: weighed.values[START as usize],
            value: weighed.values.iter().sum(),
            ..Figures::default()
        }
    }

    /// The states that the window counts, sorted by name.
    fn place_states(&mut self, shape: &Shape) {
        self.states.clear();
        self.places.resize(shape.states(), 0);
        for &number in &shape.order {
            if self.entered[number as usize] > 0 {
                self.places[number as usize] = self.states.len();
                self.states.push(shape.name(number));
            }
        }
    }

    fn fill(&mut self, shape: &Shape, weighed: &Weighed) {
        let counts: &mut Counts = &mut self.solver.counts;
        counts.clear(self.states.len());
        counts.journeys = self.left[START as usize];
        for (cell, &(from, to)) in shape.cells.iter().enumerate() {
            let count = weighed.counts[cell];
            if count == 0 {
                continue;
            }
            let place = |state| self.places[state as usize];
            match (from, to) {
                (START, CONVERSION) => {
                    counts.untouched = count;
                    counts.untouched_value = weighed.values[START as usize];
                }
                (START, NULL) => {}
                (START, to) => counts.from_start[place(to)] = count,
                (from, CONVERSION) => {
                    counts.to_conversion[place(from)] = count;
                    counts.value[place(from)] = weighed.values[from as usize];
                }
                (from, NULL) => counts.to_null[place(from)] = count,
                (from, to) => counts.between[place(from) * counts.k + place(to)] = count,
            }
        }
    }
}
