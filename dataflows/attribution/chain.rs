//! One chain: its counts in three windows, and the rows last shown.

use crate::event::Name;
use crate::fold::FoldMap;
use crate::names::Names;
use crate::row::{Float, Row};
use crate::transitions::{ChainKey, Scope, State, Window};
use crate::weight::{Weight, Weights};

use super::solve::{Counts, SOLVED_STATES_MAX, Solver, units};
use super::{Attribution, Credit};

#[derive(Debug)]
struct Cell {
    from: State,
    to: State,
    weights: Weights,
}

/// The counts of one chain.
pub(super) struct Chain {
    key: ChainKey,
    cells: Vec<Cell>,
    cell_of: FoldMap<(State, State), usize>,
    /// Named states by their text, and the place of each in that order.
    order: Vec<Name>,
    place: FoldMap<Name, usize>,
    is_changed: bool,
    shown: [Option<Attribution>; 3],
}

impl ChainKey {
    /// Which worker holds the chain, before the remainder is taken.
    pub(crate) fn route(&self) -> u64 {
        let scope = match self.scope {
            Scope::Everyone => 0,
            Scope::Advertiser(name) => name.0,
        };
        scope.wrapping_add(self.dimension as u64)
    }
}

impl Chain {
    pub(super) fn new(key: ChainKey) -> Chain {
        Chain {
            key,
            cells: Vec::new(),
            cell_of: FoldMap::default(),
            order: Vec::new(),
            place: FoldMap::default(),
            is_changed: false,
            shown: [None, None, None],
        }
    }

    pub(super) fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// What was last shown, by window.
    pub(super) fn shown(&self) -> &[Option<Attribution>; 3] {
        &self.shown
    }

    /// The cells that are not 0 in every window.
    pub(super) fn counts(&self) -> impl Iterator<Item = (State, State, [Weight; 3])> {
        let is_counted = |cell: &&Cell| cell.weights != Weights::default();
        self.cells
            .iter()
            .filter(is_counted)
            .map(|cell| (cell.from, cell.to, cell.weights.0))
    }

    pub(super) fn change(&mut self, from: State, to: State, weights: &Weights, names: &Names) {
        use differential_dataflow::difference::Semigroup;
        self.is_changed = true;
        let next = self.cells.len();
        let cell = *self.cell_of.entry((from, to)).or_insert(next);
        if cell == next {
            self.cells.push(Cell {
                from,
                to,
                weights: Weights::default(),
            });
            for state in [from, to] {
                self.place_state(state, names);
            }
        }
        self.cells[cell].weights.plus_equals(weights);
    }

    fn place_state(&mut self, state: State, names: &Names) {
        let State::Named(name) = state else { return };
        if self.place.contains_key(&name) {
            return;
        }
        let at = self
            .order
            .partition_point(|&other| names.cmp(other, name).is_lt());
        self.order.insert(at, name);
        for (place, &name) in self.order.iter().enumerate().skip(at) {
            self.place.insert(name, place);
        }
    }

    /// Solves the windows anew; pushes the rows that go (-1) and come (+1).
    pub(super) fn refresh(&mut self, solver: &mut Solver, rows: &mut Vec<(Row, isize)>) {
        self.is_changed = false;
        for window in Window::ALL {
            let fresh = match self.same_as_before(window) {
                Some(solved) => self.shown[solved as usize]
                    .clone()
                    .map(|row| Attribution { window, ..row }),
                None => self.solve(window, solver),
            };
            let shown = &mut self.shown[window as usize];
            if *shown != fresh {
                rows.extend(shown.take().map(|row| (Row::Attribution(row), -1)));
                rows.extend(fresh.clone().map(|row| (Row::Attribution(row), 1)));
                *shown = fresh;
            }
        }
    }

    /// A wider window, solved just before, that holds the same counts.
    fn same_as_before(&self, window: Window) -> Option<Window> {
        let wider = match window {
            Window::All => return None,
            Window::Day => Window::All,
            Window::Hour => Window::Day,
        };
        self.cells
            .iter()
            .all(|c| c.weights.window(window) == c.weights.window(wider))
            .then_some(wider)
    }

    fn solve(&self, window: Window, solver: &mut Solver) -> Option<Attribution> {
        let counted = self.counted(window);
        let totals = counted.totals();
        if totals.journeys == 0 {
            return None;
        }
        let mut row = Attribution {
            chain: self.key,
            window,
            journeys: totals.journeys,
            touches: totals.touches,
            conversions: totals.conversions,
            untouched: totals.untouched.count,
            untouched_value: totals.untouched.value,
            value: totals.value,
            p_conversion: None,
            expected_value_per_journey: None,
            credits: Vec::new(),
        };
        if counted.states.len() <= SOLVED_STATES_MAX {
            counted.fill(&mut solver.counts);
            solver.solve();
            row.p_conversion = Some(solver.x0.into());
            row.expected_value_per_journey = Some(solver.xw0.into());
        }
        row.credits = credits(&counted.states, &row, solver);
        Some(row)
    }

    /// The window's counts by the order of the states that occur in it.
    fn counted(&self, window: Window) -> Counted {
        let mut number = vec![UNCOUNTED; self.order.len()];
        let mut cells = Vec::with_capacity(self.cells.len());
        for cell in &self.cells {
            let weight = cell.weights.window(window);
            if weight.count == 0 {
                continue;
            }
            let (from, to) = (self.position(cell.from), self.position(cell.to));
            assert!(
                weight.count > 0,
                "{:?} {window:?}: {cell:?} is counted below 0",
                self.key
            );
            for place in [from, to].into_iter().filter_map(Position::named) {
                number[place] = 0;
            }
            cells.push((from, to, weight));
        }
        let mut states = Vec::with_capacity(self.order.len());
        for (number, &name) in number
            .iter_mut()
            .zip(&self.order)
            .filter(|(number, _)| **number == 0)
        {
            *number = states.len();
            states.push(name);
        }
        for (from, to, _) in &mut cells {
            *from = from.renumbered(&number);
            *to = to.renumbered(&number);
        }
        Counted { states, cells }
    }

    fn position(&self, state: State) -> Position {
        match state {
            State::Start => Position::Start,
            State::Conversion => Position::Conversion,
            State::Null => Position::Null,
            State::Named(name) => Position::Named(self.place[&name]),
        }
    }
}

const UNCOUNTED: usize = usize::MAX;

/// A state by its place in the order of names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Start,
    Named(usize),
    Conversion,
    Null,
}

impl Position {
    fn named(self) -> Option<usize> {
        match self {
            Position::Named(place) => Some(place),
            _ => None,
        }
    }

    fn renumbered(self, number: &[usize]) -> Position {
        match self {
            Position::Named(place) => Position::Named(number[place]),
            special => special,
        }
    }
}

/// The cells of one window that are not 0, and the states that occur in them, sorted by name.
struct Counted {
    states: Vec<Name>,
    cells: Vec<(Position, Position, Weight)>,
}

#[derive(Default)]
struct Totals {
    journeys: i64,
    touches: i64,
    conversions: i64,
    value: i128,
    untouched: Weight,
}

impl Counted {
    /// Sums over the cells; checks that no journey is torn: what enters a state leaves it.
    fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        let mut nulls = 0;
        let mut stays = vec![0; self.states.len()];
        for &(from, to, weight) in &self.cells {
            match from {
                Position::Start => totals.journeys += weight.count,
                Position::Named(place) => stays[place] -= weight.count,
                Position::Conversion | Position::Null => {
                    panic!("a transition out of an absorbing state")
                }
            }
            match to {
                Position::Named(place) => {
                    stays[place] += weight.count;
                    totals.touches += weight.count;
                }
                Position::Conversion => {
                    totals.conversions += weight.count;
                    totals.value += weight.value;
                    if from == Position::Start {
                        totals.untouched = weight;
                    }
                }
                Position::Null => nulls += weight.count,
                Position::Start => panic!("a transition into the start"),
            }
        }
        assert!(
            stays.iter().all(|&stays| stays == 0),
            "what enters a state must leave it"
        );
        assert_eq!(
            totals.journeys,
            totals.conversions + nulls,
            "every journey ends once"
        );
        totals
    }

    fn fill(&self, counts: &mut Counts) {
        counts.clear(self.states.len());
        for &(from, to, Weight { count, value }) in &self.cells {
            match (from, to) {
                (Position::Start, Position::Named(to)) => {
                    counts.from_start[to] = count;
                    counts.journeys += count;
                }
                (Position::Start, _) => {
                    (counts.untouched, counts.untouched_value) = (count, value);
                    counts.journeys += count;
                }
                (Position::Named(from), Position::Named(to)) => {
                    counts.between[from * counts.k + to] = count
                }
                (Position::Named(from), Position::Conversion) => {
                    (counts.to_conversion[from], counts.value[from]) = (count, value);
                }
                (Position::Named(from), _) => counts.to_null[from] = count,
                (Position::Conversion | Position::Null, _) => {
                    unreachable!("checked with the totals")
                }
            }
        }
    }
}

/// Shares what was touched out by the removal effects; without a solution nothing can be said but 0 of 0.
fn credits(states: &[Name], row: &Attribution, solver: &Solver) -> Vec<Credit> {
    let is_solved = row.p_conversion.is_some();
    let effects = |through: &[f64], all: f64| -> Vec<Option<f64>> {
        let effect = |i: usize| (is_solved && all != 0.0).then(|| through[i] / all);
        (0..states.len()).map(effect).collect()
    };
    let removal = effects(&solver.through, solver.x0);
    let removal_value = effects(&solver.through_value, solver.xw0);
    let conversions = shares(
        (row.conversions - row.untouched) as f64,
        &removal,
        is_solved,
    );
    let value = shares(
        units(row.value - row.untouched_value),
        &removal_value,
        is_solved,
    );
    let credit = |i: usize| Credit {
        state: states[i],
        removal_effect: removal[i].map(Float::from),
        removal_effect_value: removal_value[i].map(Float::from),
        attributed_conversions: conversions[i].map(Float::from),
        attributed_value: value[i].map(Float::from),
    };
    (0..states.len()).map(credit).collect()
}

/// `total` in proportion to the effects.
fn shares(total: f64, effects: &[Option<f64>], is_solved: bool) -> Vec<Option<f64>> {
    let sum: f64 = effects
        .iter()
        .flatten()
        .fold(0.0, |sum, effect| sum + effect);
    let share = |effect: &Option<f64>| match effect {
        _ if !is_solved => None,
        _ if total == 0.0 => Some(0.0),
        Some(effect) if sum != 0.0 => Some(total * effect / sum),
        _ => None,
    };
    effects.iter().map(share).collect()
}
