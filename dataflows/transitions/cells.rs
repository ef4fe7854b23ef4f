//! Small numbers for the cells of all chains a worker meets, and what an epoch changes in each.

use crate::event::Name;
use crate::fold::FoldMap;
use crate::labels::{Label, LabelId, Labels};
use crate::sessions::{CONVERSION, Edge, NULL, START, StateId};
use crate::weight::{Weight, Weights};

use super::{ChainKey, Dimension, Scope, State, Transition};

/// A worker's number for a cell.
pub(super) type CellId = u32;

/// A chain's own numbers for its states: 0 start, 1 conversion, 2 null, then the named ones.
type ChainState = u32;
const NAMED: ChainState = 3;
const UNSEEN: u32 = u32::MAX;
/// Chains with at most so many states find their cells in a matrix, larger ones in a map.
const DENSE_STATES: u32 = 128;

/// One advertiser's chain of one dimension.
struct Chain {
    key: ChainKey,
    names: Vec<Name>,
    numbers: FoldMap<Name, ChainState>,
    stride: u32,
    dense: Vec<CellId>,
    sparse: FoldMap<(ChainState, ChainState), CellId>,
}

/// A cell, and the cell of `*` that it adds to.
#[derive(Clone, Copy)]
struct Cell {
    transition: Transition,
    everyone: CellId,
}

/// All cells of a worker.
#[derive(Default)]
pub(super) struct Cells {
    /// Two for each advertiser: channel, campaign.
    chains: Vec<Option<Chain>>,
    /// The chain state of each label, by dimension.
    states: [Vec<ChainState>; 2],
    cells: Vec<Cell>,
    everyone: FoldMap<(State, State), CellId>,
    /// Per cell: the epoch's change of the count in each window.
    counts: Vec<[i64; 3]>,
    /// The same of the value, for the few cells that have one.
    values: FoldMap<CellId, [i128; 3]>,
    is_changed: Vec<bool>,
    changed: Vec<CellId>,
    /// What the last epoch's changes went out through, kept for its memory.
    drained: Vec<(Transition, Weights)>,
}

impl Cells {
    /// The cell of an edge in a dimension.
    #[inline]
    pub(super) fn of(&mut self, edge: &Edge, dimension: Dimension, labels: &Labels) -> CellId {
        let at = edge.advertiser as usize * 2 + dimension as usize;
        if self.chains.len() <= at {
            self.chains.resize_with(at + 1, || None);
        }
        if self.chains[at].is_none() {
            let scope = Scope::Advertiser(labels.advertiser_name(edge.advertiser));
            self.chains[at] = Some(Chain::new(ChainKey { scope, dimension }));
        }
        let from = self.state(at, edge.from, dimension, labels);
        let to = self.state(at, edge.to, dimension, labels);
        let chain = self.chains[at].as_mut().expect("just made");
        match chain.find(from, to) {
            UNSEEN => self.add(at, from, to),
            cell => cell,
        }
    }

    #[inline]
    fn state(
        &mut self,
        chain: usize,
        state: StateId,
        dimension: Dimension,
        labels: &Labels,
    ) -> ChainState {
        match state {
            START => 0,
            CONVERSION => 1,
            NULL => 2,
            label => match self.states[dimension as usize].get(label as usize) {
                Some(&state) if state != UNSEEN => state,
                _ => self.add_state(chain, label, dimension, labels),
            },
        }
    }

    fn add_state(
        &mut self,
        chain: usize,
        label: LabelId,
        dimension: Dimension,
        labels: &Labels,
    ) -> ChainState {
        let states = &mut self.states[dimension as usize];
        if states.len() <= label as usize {
            states.resize(label as usize + 1, UNSEEN);
        }
        let name = state_name(labels.get(label), dimension);
        let state = self.chains[chain]
            .as_mut()
            .expect("the chain of an edge")
            .number(name);
        states[label as usize] = state;
        state
    }

    fn add(&mut self, at: usize, from: ChainState, to: ChainState) -> CellId {
        let chain = self.chains[at].as_mut().expect("the chain of an edge");
        let key = chain.key;
        let (from_state, to_state) = (chain.state(from), chain.state(to));
        let everyone = match key.dimension {
            Dimension::Channel => self.everyone(from_state, to_state),
            Dimension::Campaign => UNSEEN,
        };
        let cell = self.push(
            Transition {
                chain: key,
                from: from_state,
                to: to_state,
            },
            everyone,
        );
        self.chains[at]
            .as_mut()
            .expect("the chain of an edge")
            .set(from, to, cell);
        cell
    }

    fn everyone(&mut self, from: State, to: State) -> CellId {
        if let Some(&cell) = self.everyone.get(&(from, to)) {
            return cell;
        }
        let chain = ChainKey {
            scope: Scope::Everyone,
            dimension: Dimension::Channel,
        };
        let cell = self.push(Transition { chain, from, to }, UNSEEN);
        self.everyone.insert((from, to), cell);
        cell
    }

    fn push(&mut self, transition: Transition, everyone: CellId) -> CellId {
        self.cells.push(Cell {
            transition,
            everyone,
        });
        self.counts.push([0; 3]);
        self.is_changed.push(false);
        self.cells.len() as CellId - 1
    }

    /// Adds to a cell in the windows that `holds` names.
    #[inline]
    pub(super) fn change(&mut self, cell: CellId, count: i64, value: i128, holds: [bool; 3]) {
        let counts = &mut self.counts[cell as usize];
        for (window, holds) in holds.into_iter().enumerate() {
            counts[window] += count * i64::from(holds);
        }
        if value != 0 {
            let values = self.values.entry(cell).or_default();
            for (window, holds) in holds.into_iter().enumerate() {
                values[window] += value * i128::from(holds);
            }
        }
        if !self.is_changed[cell as usize] {
            self.is_changed[cell as usize] = true;
            self.changed.push(cell);
        }
    }

    /// Takes the epoch's changes out: those of the advertisers, then their sums in `*`.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (Transition, Weights)> + '_ {
        let mut changes = std::mem::take(&mut self.drained);
        while !self.changed.is_empty() {
            for cell in std::mem::take(&mut self.changed) {
                self.take(cell, &mut changes);
            }
        }
        self.drained = changes;
        self.drained.drain(..)
    }

    /// Takes one cell's change out and passes it on to the cell of `*`.
    fn take(&mut self, cell: CellId, changes: &mut Vec<(Transition, Weights)>) {
        self.is_changed[cell as usize] = false;
        let counts = std::mem::take(&mut self.counts[cell as usize]);
        let values = self.values.remove(&cell).unwrap_or_default();
        let Cell {
            transition,
            everyone,
        } = self.cells[cell as usize];
        if counts == [0; 3] && values == [0; 3] {
            return;
        }
        let weight = |window| Weight {
            count: counts[window],
            value: values[window],
        };
        changes.push((transition, Weights([weight(0), weight(1), weight(2)])));
        if everyone != UNSEEN {
            for window in 0..3 {
                let holds = std::array::from_fn(|w| w == window);
                self.change(everyone, counts[window], values[window], holds);
            }
        }
    }
}

fn state_name(label: Label, dimension: Dimension) -> Name {
    match dimension {
        Dimension::Channel => label.channel,
        Dimension::Campaign => label.campaign,
    }
}

impl Chain {
    fn new(key: ChainKey) -> Chain {
        Chain {
            key,
            names: Vec::new(),
            numbers: FoldMap::default(),
            stride: 0,
            dense: Vec::new(),
            sparse: FoldMap::default(),
        }
    }

    fn state(&self, state: ChainState) -> State {
        match state {
            0 => State::Start,
            1 => State::Conversion,
            2 => State::Null,
            named => State::Named(self.names[(named - NAMED) as usize]),
        }
    }

    fn number(&mut self, name: Name) -> ChainState {
        let next = self.names.len() as ChainState + NAMED;
        let number = *self.numbers.entry(name).or_insert(next);
        if number == next {
            self.names.push(name);
        }
        number
    }

    #[inline]
    fn find(&self, from: ChainState, to: ChainState) -> CellId {
        if from < self.stride && to < self.stride {
            return self.dense[(from * self.stride + to) as usize];
        }
        self.sparse.get(&(from, to)).copied().unwrap_or(UNSEEN)
    }

    fn set(&mut self, from: ChainState, to: ChainState, cell: CellId) {
        self.sparse.insert((from, to), cell);
        let states = self.names.len() as u32 + NAMED;
        if states > self.stride && states <= DENSE_STATES {
            self.stride = states.next_power_of_two();
            self.dense = vec![UNSEEN; (self.stride * self.stride) as usize];
            for (&(from, to), &cell) in &self.sparse {
                self.dense[(from * self.stride + to) as usize] = cell;
            }
        } else if from < self.stride && to < self.stride {
            self.dense[(from * self.stride + to) as usize] = cell;
        }
    }
}
