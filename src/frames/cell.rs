//! One row: its key, its value, when it last changed, and its JSON once somebody has asked for it.
//!
//! What must hold: a cell that a reader holds never changes; its row gets another. So readers need no lock.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use dataflows::attribution::Attribution;
use dataflows::dispositions::Dispositions;
use dataflows::event::TimeMs;
use dataflows::row::Matrix;
use dataflows::transitions::{ChainKey, State, Window};
use dataflows::weight::Weight;

use super::history::Point;
use super::json;
use super::labels::{Labels, chain_text};
use super::select::Mark;

/// What a row is called. The order keeps the rows of a topic together, and of a chain within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Engine,
    Dispositions,
    Scopes,
    Attribution(ChainKey, Window),
    Transitions(ChainKey, Window),
    History(ChainKey, Window, TimeMs),
}

impl Key {
    /// The key as clients see it.
    pub fn text(self, labels: &Labels) -> Arc<str> {
        match self {
            Key::Engine => "engine".into(),
            Key::Dispositions => "dispositions".into(),
            Key::Scopes => "scopes".into(),
            Key::Attribution(chain, window) => {
                format!("attribution/{}", chain_text(labels, chain, window)).into()
            }
            Key::Transitions(chain, window) => {
                format!("transitions/{}", chain_text(labels, chain, window)).into()
            }
            Key::History(chain, window, minute_ms) => {
                format!("history/{}/{minute_ms}", chain_text(labels, chain, window)).into()
            }
        }
    }
}

/// What a row says.
#[derive(Clone, Debug)]
pub enum Value {
    /// JSON of the server's own making.
    Engine(Bytes),
    Dispositions(Dispositions),
    /// The advertisers, sorted.
    Scopes(Vec<Arc<str>>),
    Attribution(Attribution),
    Transitions(Arc<Matrix>, Window),
    Point(Arc<Point>),
}

/// A row as it was from one change to the next.
#[derive(Debug)]
pub struct Cell {
    pub key: Arc<str>,
    pub value: Value,
    json: OnceLock<Bytes>,
}

impl Cell {
    pub(super) fn new(key: Arc<str>, value: Value) -> Cell {
        Cell {
            key,
            value,
            json: OnceLock::new(),
        }
    }

    /// `"key":value`, made once.
    pub fn json(&self, labels: &Labels) -> &Bytes {
        self.json
            .get_or_init(|| json::member(&self.key, &self.value, labels))
    }
}

/// A cell and when it came.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) mark: Mark,
    pub(super) cell: Arc<Cell>,
}

impl Entry {
    pub(super) fn new(key: Arc<str>, value: Value, mark: Mark) -> Entry {
        Entry {
            mark,
            cell: Arc::new(Cell::new(key, value)),
        }
    }

    /// Another cell in place of this one; in its memory if no reader holds it.
    pub(super) fn renew(&mut self, value: Value, mark: Mark) {
        self.mark = mark;
        match Arc::get_mut(&mut self.cell) {
            Some(unread) => (unread.value, unread.json) = (value, OnceLock::new()),
            None => self.cell = Arc::new(Cell::new(self.cell.key.clone(), value)),
        }
    }
}

/// The transitions of a matrix that a window counts.
pub fn counted(matrix: &Matrix, window: Window) -> impl Iterator<Item = (State, State, Weight)> {
    let weight = move |&(from, to, weights): &(State, State, [Weight; 3])| {
        (from, to, weights[window as usize])
    };
    matrix
        .counts
        .iter()
        .map(weight)
        .filter(|&(_, _, weight)| weight != Weight::default())
}

pub(super) fn is_counted(matrix: &Matrix, window: Window) -> bool {
    counted(matrix, window).next().is_some()
}

pub(super) fn is_alike(a: &Matrix, b: &Matrix, window: Window) -> bool {
    counted(a, window).eq(counted(b, window))
}
