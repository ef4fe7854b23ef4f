//! Small numbers for the cells of all chains a worker meets, and what an epoch changes in each.

use crate::event::Name;
use crate::fold::FoldMap;
use crate::labels::{Label, LabelId, Labels};
use crate::sessions::{CONVERSION, Edge, START, StateId};

use super::change::{Change, News, value_parts};
use super::minutes::{Span, in_windows};
use super::{ChainKey, Dimension, Scope, State, Transition};

/// A worker's number for a cell.
pub(crate) type CellId = u32;

/// A chain's own numbers for its states: 0 start, 1 conversion, 2 null, then the named ones.
type ChainState = u32;
const STARTED: ChainState = 0;
const CONVERTED: ChainState = 1;
const NULL: ChainState = 2;
const NAMED: ChainState = 3;
const UNSEEN: u32 = u32::MAX;
/// Chains with at most so many states find their cells in a matrix, larger ones in a map.
const DENSE_STATES: u32 = 128;

/// Where a state is noted, without a branch: conversion, start, the labels.
#[inline]
fn place_of(state: StateId) -> usize {
    const _: () = assert!(CONVERSION.wrapping_add(2) == 0 && START.wrapping_add(2) == 1);
    state.wrapping_add(2) as usize
}

/// One advertiser's chain of one dimension.
struct Chain {
    key: ChainKey,
    names: Vec<Name>,
    numbers: FoldMap<Name, ChainState>,
    stride: u32,
    dense: Vec<CellId>,
    sparse: FoldMap<(ChainState, ChainState), CellId>,
}

/// A cell, and the cells that follow from it.
#[derive(Clone, Copy)]
struct Cell {
    transition: Transition,
    /// The cell of `*` that it adds to.
    everyone: CellId,
    /// From the state it comes from to null, and from the state it leads to: what enters a state and does not leave it.
    nulls: [CellId; 2],
}

/// What an epoch changes in a cell.
#[derive(Clone, Copy, Default)]
struct Changed {
    /// The count in each [`Span`].
    counts: [i64; Span::COUNT],
    is_noted: bool,
}

/// All cells of a worker.
pub(super) struct Cells {
    /// The worker whose cells these are.
    source: u32,
    /// Two for each advertiser: channel, campaign.
    chains: Vec<Option<Chain>>,
    /// By dimension, the chain state of conversion, of start and then of each label.
    states: [Vec<ChainState>; 2],
    cells: Vec<Cell>,
    everyone: FoldMap<(State, State), CellId>,
    /// What the epoch changes in each cell.
    by_cell: Vec<Changed>,
    /// Of the few cells that have a value, by how much it changes in each span.
    values: FoldMap<CellId, [i128; Span::COUNT]>,
    /// Cells whose count changes.
    changed: Vec<CellId>,
    /// Memory for those that others follow from, while they are taken out.
    earlier: Vec<CellId>,
    /// Cells that nobody was told about.
    unnamed: Vec<CellId>,
    /// What the epoch's changes go out through.
    changes: Vec<Change>,
}

impl Cells {
    pub(super) fn new(source: usize) -> Cells {
        Cells {
            source: source as u32,
            chains: Vec::new(),
            states: [vec![CONVERTED, STARTED], vec![CONVERTED, STARTED]],
            cells: Vec::new(),
            everyone: FoldMap::default(),
            by_cell: Vec::new(),
            values: FoldMap::default(),
            changed: Vec::new(),
            earlier: Vec::new(),
            unnamed: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// The cell of an edge in a dimension.
    #[inline(always)]
    pub(super) fn of(&mut self, edge: &Edge, dimension: Dimension, labels: &Labels) -> CellId {
        let at = edge.advertiser as usize * 2 + dimension as usize;
        let (from, to) = (
            self.state(edge.from, dimension),
            self.state(edge.to, dimension),
        );
        let cell = match self.chains.get(at) {
            Some(Some(chain)) => chain.find(from, to),
            _ => UNSEEN,
        };
        match cell {
            UNSEEN => self.meet(at, edge, dimension, labels),
            cell => cell,
        }
    }

    /// The chain's number for a state, if it was met before.
    #[inline]
    fn state(&self, state: StateId, dimension: Dimension) -> ChainState {
        let states = &self.states[dimension as usize];
        states.get(place_of(state)).copied().unwrap_or(UNSEEN)
    }

    /// The cell of an edge whose chain, states or cell may be new.
    #[cold]
    fn meet(&mut self, at: usize, edge: &Edge, dimension: Dimension, labels: &Labels) -> CellId {
        if self.chains.len() <= at {
            self.chains.resize_with(at + 1, || None);
        }
        if self.chains[at].is_none() {
            let scope = Scope::Advertiser(labels.advertiser_name(edge.advertiser));
            self.chains[at] = Some(Chain::new(ChainKey { scope, dimension }));
        }
        let [from, to] = [edge.from, edge.to].map(|state| match self.state(state, dimension) {
            UNSEEN => self.add_state(at, state, dimension, labels),
            known => known,
        });
        match self.chain(at).find(from, to) {
            UNSEEN => self.add_cell(at, from, to),
            cell => cell,
        }
    }

    fn add_state(
        &mut self,
        chain: usize,
        label: LabelId,
        dimension: Dimension,
        labels: &Labels,
    ) -> ChainState {
        let name = state_name(labels.get(label), dimension);
        let state = self.chain(chain).number(name);
        let (states, place) = (&mut self.states[dimension as usize], place_of(label));
        if states.len() <= place {
            states.resize(place + 1, UNSEEN);
        }
        states[place] = state;
        state
    }

    fn add_cell(&mut self, at: usize, from: ChainState, to: ChainState) -> CellId {
        let nulls = match to {
            NULL => [UNSEEN; 2],
            _ => [from, to].map(|state| self.null(at, state)),
        };
        let chain = self.chain(at);
        let transition = Transition {
            chain: chain.key,
            from: chain.state(from),
            to: chain.state(to),
        };
        let everyone = match transition.chain.dimension {
            Dimension::Channel => self.everyone(transition.from, transition.to),
            Dimension::Campaign => UNSEEN,
        };
        let cell = self.push(Cell {
            transition,
            everyone,
            nulls,
        });
        self.chain(at).set(from, to, cell);
        cell
    }

    fn chain(&mut self, at: usize) -> &mut Chain {
        self.chains[at].as_mut().expect("the chain of an edge")
    }

    /// The cell from a named state to null.
    fn null(&mut self, at: usize, state: ChainState) -> CellId {
        if state < NAMED {
            return UNSEEN;
        }
        match self.chain(at).find(state, NULL) {
            UNSEEN => self.add_cell(at, state, NULL),
            cell => cell,
        }
    }

    fn everyone(&mut self, from: State, to: State) -> CellId {
        if let Some(&cell) = self.everyone.get(&(from, to)) {
            return cell;
        }
        let chain = ChainKey {
            scope: Scope::Everyone,
            dimension: Dimension::Channel,
        };
        let cell = self.push(Cell {
            transition: Transition { chain, from, to },
            everyone: UNSEEN,
            nulls: [UNSEEN; 2],
        });
        self.everyone.insert((from, to), cell);
        cell
    }

    fn push(&mut self, cell: Cell) -> CellId {
        self.cells.push(cell);
        self.by_cell.push(Changed::default());
        let id = self.cells.len() as CellId - 1;
        self.unnamed.push(id);
        id
    }

    /// Moves what a cell has from one span to another.
    pub(super) fn shift(&mut self, cell: CellId, [from, to]: [Span; 2], count: i64, value: i128) {
        if count != 0 {
            let counts = &mut self.changing(cell).counts;
            counts[from as usize] -= count;
            counts[to as usize] += count;
        }
        if value != 0 {
            let values = self.values.entry(cell).or_default();
            values[from as usize] -= value;
            values[to as usize] += value;
        }
    }

    /// Adds to a cell in a span.
    #[inline]
    pub(super) fn add_count(&mut self, cell: CellId, span: Span, count: i64) {
        self.changing(cell).counts[span as usize] += count;
    }

    pub(super) fn add_value(&mut self, cell: CellId, span: Span, value: i128) {
        self.values.entry(cell).or_default()[span as usize] += value;
    }

    /// Where the change of a cell's count is noted.
    #[inline]
    fn changing(&mut self, cell: CellId) -> &mut Changed {
        let change = &mut self.by_cell[cell as usize];
        if !change.is_noted {
            change.is_noted = true;
            self.changed.push(cell);
        }
        change
    }

    fn add_counts(&mut self, cell: CellId, changes: [i64; Span::COUNT]) {
        let counts = &mut self.changing(cell).counts;
        for (count, change) in counts.iter_mut().zip(changes) {
            *count += change;
        }
    }

    fn add_values(&mut self, cell: CellId, changes: [i128; Span::COUNT]) {
        let values = self.values.entry(cell).or_default();
        for (value, change) in values.iter_mut().zip(changes) {
            *value += change;
        }
    }

    /// The epoch's changes, for the caller to take out: those that edges made, then what follows from them: nulls, and
    /// the sums of `*`.
    pub(super) fn changes(&mut self) -> &mut Vec<Change> {
        for cell in std::mem::take(&mut self.unnamed) {
            let transition = Box::new(self.cells[cell as usize].transition);
            self.tell(cell, News::Is(transition));
        }
        let mut changed = std::mem::take(&mut self.earlier);
        while !self.changed.is_empty() {
            std::mem::swap(&mut changed, &mut self.changed);
            changed.drain(..).for_each(|cell| self.take_count(cell));
        }
        self.earlier = changed;
        while !self.values.is_empty() {
            for (cell, values) in std::mem::take(&mut self.values) {
                self.take_value(cell, values);
            }
        }
        &mut self.changes
    }

    fn tell(&mut self, cell: CellId, news: News) {
        self.changes.push(Change {
            route: self.cells[cell as usize].transition.chain.route(),
            source: self.source,
            cell,
            news,
        });
    }

    /// Takes the change of a cell's count out and passes it on to the cells that follow from it.
    fn take_count(&mut self, cell: CellId) {
        let counts = std::mem::take(&mut self.by_cell[cell as usize]).counts;
        if counts == [0; 3] {
            return;
        }
        self.tell(cell, News::Count(in_windows(counts)));
        let Cell {
            everyone,
            nulls: [left, entered],
            ..
        } = self.cells[cell as usize];
        if left != UNSEEN {
            self.add_counts(left, counts.map(|count| -count));
        }
        if entered != UNSEEN {
            self.add_counts(entered, counts);
        }
        if everyone != UNSEEN {
            self.add_counts(everyone, counts);
        }
    }

    fn take_value(&mut self, cell: CellId, values: [i128; Span::COUNT]) {
        value_parts(in_windows(values)).for_each(|news| self.tell(cell, news));
        let everyone = self.cells[cell as usize].everyone;
        if everyone != UNSEEN {
            self.add_values(everyone, values);
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
            STARTED => State::Start,
            CONVERTED => State::Conversion,
            NULL => State::Null,
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
