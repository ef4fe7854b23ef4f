//! What a chain is made of: the states and cells that were ever met, in its own numbers.
//!
//! In: transitions as they are first met. Out: numbers, which never change, and the order of the states' names. What
//! must hold: the order is that of the texts, whatever the order of first sight.

use crate::event::Name;
use crate::fold::FoldMap;
use crate::names::Names;
use crate::transitions::State;

/// The chain's own numbers of its states; from [`NAMED`] on those with a name, in order of first sight.
pub(super) type StateNumber = u32;
pub(super) const START: StateNumber = 0;
pub(super) const CONVERSION: StateNumber = 1;
pub(super) const NULL: StateNumber = 2;
pub(super) const NAMED: StateNumber = 3;

/// The states and cells of one chain.
#[derive(Default)]
pub(super) struct Shape {
    /// From where to where each cell leads.
    pub(super) cells: Vec<(StateNumber, StateNumber)>,
    /// Numbers of the named states, in the order of their texts.
    pub(super) order: Vec<StateNumber>,
    cell_of: FoldMap<(StateNumber, StateNumber), usize>,
    /// By number, less [`NAMED`].
    names: Vec<Name>,
    number_of: FoldMap<Name, StateNumber>,
}

impl Shape {
    /// How many numbers there are for states.
    pub(super) fn states(&self) -> usize {
        NAMED as usize + self.names.len()
    }

    pub(super) fn name(&self, number: StateNumber) -> Name {
        self.names[(number - NAMED) as usize]
    }

    pub(super) fn state(&self, number: StateNumber) -> State {
        match number {
            START => State::Start,
            CONVERSION => State::Conversion,
            NULL => State::Null,
            named => State::Named(self.name(named)),
        }
    }

    /// The number of a cell that was met.
    pub(super) fn find(&self, from: StateNumber, to: StateNumber) -> Option<usize> {
        self.cell_of.get(&(from, to)).copied()
    }

    /// The number of a cell.
    pub(super) fn cell(&mut self, from: State, to: State, names: &Names) -> usize {
        let leads = (self.number(from, names), self.number(to, names));
        let next = self.cells.len();
        let cell = *self.cell_of.entry(leads).or_insert(next);
        if cell == next {
            self.cells.push(leads);
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
        let number = self.states() as StateNumber;
        let before = |&other: &StateNumber| names.cmp(self.name(other), name).is_lt();
        self.order
            .insert(self.order.partition_point(before), number);
        self.names.push(name);
        self.number_of.insert(name, number);
        number
    }
}
