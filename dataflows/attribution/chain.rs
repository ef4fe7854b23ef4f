//! One chain: its counts in three windows, and the rows last shown.

use crate::answer;
use crate::event::Name;
use crate::fold::FoldMap;
use crate::names::Names;
use crate::row::Row;
use crate::transitions::{ChainKey, State, Transition, Window};
use crate::weight::{Weight, Weights};

use super::Attribution;
use super::credits::credits;
use super::solve::{Counts, SOLVED_STATES_MAX, Solver};

/// The chain's own numbers of its states; from [`NAMED`] on those with a name, in order of first sight.
type StateNumber = usize;
const START: StateNumber = 0;
const CONVERSION: StateNumber = 1;
const NULL: StateNumber = 2;
const NAMED: StateNumber = 3;

#[derive(Debug)]
struct Cell {
    from: StateNumber,
    to: StateNumber,
    weights: Weights,
    /// As of the trace's last step.
    traced: Weights,
}

/// The counts of one chain.
pub(super) struct Chain {
    key: ChainKey,
    cells: Vec<Cell>,
    cell_of: FoldMap<(StateNumber, StateNumber), usize>,
    /// By number, less [`NAMED`].
    names: Vec<Name>,
    number_of: FoldMap<Name, StateNumber>,
    /// Numbers of the named states, in the order of their texts.
    order: Vec<StateNumber>,
    is_changed: bool,
    is_traced: bool,
    shown: [Option<Attribution>; 3],
}

impl Chain {
    pub(super) fn new(key: ChainKey) -> Chain {
        Chain {
            key,
            cells: Vec::new(),
            cell_of: FoldMap::default(),
            names: Vec::new(),
            number_of: FoldMap::default(),
            order: Vec::new(),
            is_changed: false,
            is_traced: true,
            shown: [None, None, None],
        }
    }

    pub(super) fn is_changed(&self) -> bool {
        self.is_changed
    }

    pub(super) fn key(&self) -> ChainKey {
        self.key
    }

    /// All there is to say of it.
    pub(super) fn answer(&self) -> answer::Counted {
        answer::Counted {
            chain: self.key,
            counts: self.counts().collect(),
            windows: self.shown.clone(),
        }
    }

    fn state(&self, number: StateNumber) -> State {
        match number {
            START => State::Start,
            CONVERSION => State::Conversion,
            NULL => State::Null,
            named => State::Named(self.names[named - NAMED]),
        }
    }

    /// The cells that are not 0 in every window.
    pub(super) fn counts(&self) -> impl Iterator<Item = (State, State, [Weight; 3])> {
        let is_counted = |cell: &&Cell| cell.weights != Weights::default();
        self.cells
            .iter()
            .filter(is_counted)
            .map(|cell| (self.state(cell.from), self.state(cell.to), cell.weights.0))
    }

    /// What changed since this was last asked.
    pub(super) fn step(&mut self) -> Vec<(Transition, Weights)> {
        let mut changes = Vec::new();
        if std::mem::replace(&mut self.is_traced, true) {
            return changes;
        }
        for at in 0..self.cells.len() {
            let cell = &mut self.cells[at];
            let change = cell.weights.since(&cell.traced);
            cell.traced = cell.weights;
            if change != Weights::default() {
                let transition = Transition {
                    chain: self.key,
                    from: self.state(self.cells[at].from),
                    to: self.state(self.cells[at].to),
                };
                changes.push((transition, change));
            }
        }
        changes
    }

    /// The number of a cell.
    pub(super) fn cell(&mut self, from: State, to: State, names: &Names) -> usize {
        let (from, to) = (self.number(from, names), self.number(to, names));
        let next = self.cells.len();
        let cell = *self.cell_of.entry((from, to)).or_insert(next);
        if cell == next {
            self.cells.push(Cell {
                from,
                to,
                weights: Weights::default(),
                traced: Weights::default(),
            });
        }
        cell
    }

    fn number(&mut self, state: State, names: &Names) -> StateNumber {
        let name = match state {
            State::Start => return START,
            State::Conversion => return CONVERSION,
            State::Null => return NULL,
            State::Named(name) => name,
        };
        if let Some(&number) = self.number_of.get(&name) {
            return number;
        }
        let number = NAMED + self.names.len();
        let before = |&other: &StateNumber| names.cmp(self.names[other - NAMED], name).is_lt();
        self.order
            .insert(self.order.partition_point(before), number);
        self.names.push(name);
        self.number_of.insert(name, number);
        number
    }

    pub(super) fn add_count(&mut self, cell: usize, counts: [i64; 3]) {
        (self.is_changed, self.is_traced) = (true, false);
        let weights = &mut self.cells[cell].weights.0;
        for (weight, count) in weights.iter_mut().zip(counts) {
            weight.count += count;
        }
    }

    pub(super) fn add_value(&mut self, cell: usize, values: [i64; 3]) {
        (self.is_changed, self.is_traced) = (true, false);
        let weights = &mut self.cells[cell].weights.0;
        for (weight, value) in weights.iter_mut().zip(values) {
            weight.value += i128::from(value);
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
        // By number; those of special states stay as they are.
        let mut place = vec![UNCOUNTED; NAMED + self.names.len()];
        for cell in &self.cells {
            let count = cell.weights.window(window).count;
            assert!(
                count >= 0,
                "{:?} {window:?}: {cell:?} is counted below 0",
                self.key
            );
            if count > 0 {
                (place[cell.from], place[cell.to]) = (NULL, NULL);
            }
        }
        for special in [START, CONVERSION, NULL] {
            place[special] = special;
        }
        let mut states = Vec::with_capacity(self.names.len());
        for &number in &self.order {
            if place[number] != UNCOUNTED {
                place[number] = NAMED + states.len();
                states.push(self.names[number - NAMED]);
            }
        }
        let placed = |cell: &Cell| {
            let weight = cell.weights.window(window);
            (weight.count > 0).then(|| (place[cell.from], place[cell.to], weight))
        };
        Counted {
            cells: self.cells.iter().filter_map(placed).collect(),
            states,
        }
    }
}

const UNCOUNTED: usize = usize::MAX;

/// The cells of one window that are not 0, and the states that occur in them, sorted by name: number [`NAMED`] is the
/// first of them.
struct Counted {
    states: Vec<Name>,
    cells: Vec<(StateNumber, StateNumber, Weight)>,
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
        let mut stays = vec![0; NAMED + self.states.len()];
        for &(from, to, weight) in &self.cells {
            stays[from] -= weight.count;
            stays[to] += weight.count;
            match to {
                START => panic!("a transition into the start"),
                CONVERSION => {
                    totals.conversions += weight.count;
                    totals.value += weight.value;
                    if from == START {
                        totals.untouched = weight;
                    }
                }
                NULL => nulls += weight.count,
                _ => totals.touches += weight.count,
            }
        }
        totals.journeys = -stays[START];
        assert_eq!(
            (stays[CONVERSION], stays[NULL]),
            (totals.conversions, nulls),
            "a transition out of an absorbing state"
        );
        assert!(
            stays[NAMED..].iter().all(|&stays| stays == 0),
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
                (START, CONVERSION) => {
                    (counts.untouched, counts.untouched_value) = (count, value);
                    counts.journeys += count;
                }
                (START, NULL) => counts.journeys += count,
                (START, to) => {
                    counts.from_start[to - NAMED] = count;
                    counts.journeys += count;
                }
                (from, CONVERSION) => {
                    let from = from - NAMED;
                    (counts.to_conversion[from], counts.value[from]) = (count, value);
                }
                (from, NULL) => counts.to_null[from - NAMED] = count,
                (from, to) => counts.between[(from - NAMED) * counts.k + to - NAMED] = count,
            }
        }
    }
}
