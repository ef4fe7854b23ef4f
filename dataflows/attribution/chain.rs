//! One chain: its counts in three windows, and the figures last shown.

use std::sync::Arc;

use crate::answer;
use crate::names::Names;
use crate::row::Row;
use crate::transitions::{ChainKey, State, Transition, Window};
use crate::weight::{Weight, Weights};

use super::figures::{Weighed, Workspace};
use super::shape::{CONVERSION, Shape};
use super::{Attribution, Figures};

/// The counts of one chain.
pub(super) struct Chain {
    key: ChainKey,
    shape: Shape,
    /// By window.
    weighed: [Weighed; 3],
    /// As of the trace's last step.
    traced: [Weighed; 3],
    /// By window, whether its counts are others than those that are shown.
    is_changed: [bool; 3],
    is_traced: bool,
    shown: [Option<Arc<Figures>>; 3],
}

impl Chain {
    pub(super) fn new(key: ChainKey) -> Chain {
        Chain {
            key,
            shape: Shape::default(),
            weighed: Default::default(),
            traced: Default::default(),
            is_changed: [false; 3],
            is_traced: true,
            shown: [None, None, None],
        }
    }

    pub(super) fn is_changed(&self) -> bool {
        self.is_changed.contains(&true)
    }

    pub(super) fn key(&self) -> ChainKey {
        self.key
    }

    /// All there is to say of it.
    pub(super) fn answer(&self) -> answer::Counted {
        answer::Counted {
            chain: self.key,
            counts: self.counts().collect(),
            windows: Window::ALL.map(|window| {
                let figures = self.shown[window as usize].clone();
                figures.map(|figures| self.row(window, figures))
            }),
        }
    }

    fn row(&self, window: Window, figures: Arc<Figures>) -> Attribution {
        Attribution {
            chain: self.key,
            window,
            figures,
        }
    }

    fn weights(&self, weighed: &[Weighed; 3], cell: usize) -> Weights {
        Weights(std::array::from_fn(|window| {
            weighed[window].of(cell, &self.shape)
        }))
    }

    /// The cells that are not 0 in every window.
    pub(super) fn counts(&self) -> impl Iterator<Item = (State, State, [Weight; 3])> {
        let cells = self.shape.cells.iter().enumerate();
        let weights = cells.map(|(cell, leads)| (leads, self.weights(&self.weighed, cell)));
        weights
            .filter(|(_, weights)| *weights != Weights::default())
            .map(|(&(from, to), weights)| (self.shape.state(from), self.shape.state(to), weights.0))
    }

    /// What changed since this was last asked.
    pub(super) fn step(&mut self) -> Vec<(Transition, Weights)> {
        let mut changes = Vec::new();
        if std::mem::replace(&mut self.is_traced, true) {
            return changes;
        }
        for (cell, &(from, to)) in self.shape.cells.iter().enumerate() {
            let before = self.weights(&self.traced, cell);
            let change = self.weights(&self.weighed, cell).since(&before);
            if change != Weights::default() {
                let transition = Transition {
                    chain: self.key,
                    from: self.shape.state(from),
                    to: self.shape.state(to),
                };
                changes.push((transition, change));
            }
        }
        self.traced.clone_from(&self.weighed);
        changes
    }

    /// The number of a cell.
    pub(super) fn cell(&mut self, from: State, to: State, names: &Names) -> usize {
        let cell = self.shape.cell(from, to, names);
        for weighed in self.weighed.iter_mut().chain(&mut self.traced) {
            weighed.fit(&self.shape);
        }
        cell
    }

    pub(super) fn add_count(&mut self, cell: usize, counts: [i64; 3]) {
        for (window, count) in counts.into_iter().enumerate() {
            self.weighed[window].counts[cell] += count;
            self.is_changed[window] |= count != 0;
        }
        self.is_traced = false;
    }

    pub(super) fn add_value(&mut self, cell: usize, values: [i64; 3]) {
        let (from, to) = self.shape.cells[cell];
        assert_eq!(to, CONVERSION, "only conversions have a value");
        for (window, value) in values.into_iter().enumerate() {
            self.weighed[window].values[from as usize] += i128::from(value);
            self.is_changed[window] |= value != 0;
        }
        self.is_traced = false;
    }

    /// Solves the windows that changed; pushes the rows that go (-1), each with the one that comes (+1) behind it.
    pub(super) fn refresh(&mut self, workspace: &mut Workspace, rows: &mut Vec<(Row, isize)>) {
        let is_changed = std::mem::take(&mut self.is_changed);
        for window in Window::ALL {
            if !is_changed[window as usize] {
                continue;
            }
            let figures = match self.same_as_before(window) {
                Some(solved) => self.shown[solved as usize].clone(),
                None => {
                    let weighed = &self.weighed[window as usize];
                    workspace.figures(&self.shape, weighed).map(Arc::new)
                }
            };
            self.show(window, figures, rows);
        }
    }

    /// A wider window, which is up to date, that holds the same counts.
    fn same_as_before(&self, window: Window) -> Option<Window> {
        let wider = match window {
            Window::All => return None,
            Window::Day => Window::All,
            Window::Hour => Window::Day,
        };
        (self.weighed[window as usize] == self.weighed[wider as usize]).then_some(wider)
    }

    fn show(
        &mut self,
        window: Window,
        figures: Option<Arc<Figures>>,
        rows: &mut Vec<(Row, isize)>,
    ) {
        if self.shown[window as usize] == figures {
            return;
        }
        let before = std::mem::replace(&mut self.shown[window as usize], figures.clone());
        for (figures, diff) in [(before, -1), (figures, 1)] {
            rows.extend(figures.map(|figures| (Row::Attribution(self.row(window, figures)), diff)));
        }
    }
}
