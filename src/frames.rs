//! The newest value of every small result, as of one closed epoch, and what has changed since any earlier one.
//!
//! In: changes of rows, one closed epoch after the other. Out: a consistent view for whoever reads: exports, digests,
//! and the screen, which gets all rows first and then those that changed. What must hold: a reader never sees part of
//! an epoch; all changes applied to an older view give the newer one; nothing is queued for a reader that is slow.

mod cell;
mod history;
pub mod json;
mod labels;
mod select;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use dataflows::attribution::Attribution;
use dataflows::dispositions::Dispositions;
use dataflows::epochs::Epoch;
use dataflows::row::{Clock, Load, Matrix, Row};
use dataflows::transitions::{ChainKey, Scope, Window};

pub use cell::{Cell, Key, Value, counted};
pub use history::Point;
pub use labels::{Labels, chain_of, dimension_name, escaped, scope_text, window_name};
pub use select::{Mark, Selected, Selection, Since, Topic};

use cell::Entry;
use history::History;

/// Numbers every change; several changes may belong to one epoch.
pub type Revision = u64;

/// Removed keys that are remembered. A reader that is further behind gets everything anew.
const REMOVED_MAX: usize = 4_096;

/// All rows of one closed epoch.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    /// The last epoch that was closed.
    pub as_of_epoch: Epoch,
    pub dispositions: Dispositions,
    /// Event time as far as the log has told it.
    pub clock: Option<Clock>,
    /// How busy each worker of the cluster was, by its number.
    pub loads: BTreeMap<usize, Load>,
    labels: Labels,
    advertisers: BTreeSet<Arc<str>>,
    rows: BTreeMap<Key, Entry>,
    /// Nobody will ask how the chains stood before.
    is_without_history: bool,
    history: History,
    removed: VecDeque<Removed>,
    /// Removals up to this change have been forgotten.
    forgotten: Mark,
    revision: Revision,
}

/// A key that went.
#[derive(Clone, Debug)]
struct Removed {
    mark: Mark,
    key: Key,
}

impl Frames {
    /// For a run that nobody watches: rows, and no minutes behind them.
    pub fn without_history() -> Frames {
        Frames {
            is_without_history: true,
            ..Frames::default()
        }
    }

    /// Applies the changes of one epoch, which come in any order.
    pub fn close(&mut self, epoch: Epoch, changes: Vec<(Row, isize)>) {
        self.as_of_epoch = epoch;
        self.revision += 1;
        self.learn_names(&changes);
        self.tick(&changes);
        let mut going = Vec::new();
        let mut staying = BTreeSet::new();
        let known = self.advertisers.len();
        for (row, diff) in changes {
            match (row, diff > 0) {
                (Row::Dispositions(now), true) => self.count(now),
                (Row::Attribution(row), true) => {
                    // Mostly it comes right behind the one it replaces.
                    let key = Key::Attribution(row.chain, row.window);
                    going.pop_if(|gone| *gone == key);
                    self.credit(key, row);
                }
                (Row::Attribution(row), false) => {
                    going.push(Key::Attribution(row.chain, row.window));
                }
                (Row::Transitions(matrix), true) => {
                    self.transit(&Arc::new(matrix), &mut going, &mut staying);
                }
                (Row::Transitions(matrix), false) => {
                    going.extend(Window::ALL.map(|window| Key::Transitions(matrix.chain, window)));
                }
                (Row::Clock(clock), true) => self.clock = Some(clock),
                (Row::Load(load), true) => {
                    self.loads.insert(load.worker, load);
                }
                (Row::Name(..) | Row::Dispositions(_) | Row::Clock(_) | Row::Load(_), _) => {}
            }
        }
        if self.advertisers.len() > known {
            let all = self.advertisers.iter().cloned().collect();
            self.put(Key::Scopes, Value::Scopes(all));
        }
        going.retain(|key| !staying.contains(key) && !self.is_renewed(key));
        going.into_iter().for_each(|key| self.remove(key));
    }

    /// Names may come behind rows of other workers that use them.
    fn learn_names(&self, changes: &[(Row, isize)]) {
        for (row, _) in changes {
            if let Row::Name(name, text) = row {
                self.labels.insert(*name, text);
            }
        }
    }

    /// Whether the row came with this change.
    fn is_renewed(&self, key: &Key) -> bool {
        self.rows
            .get(key)
            .is_some_and(|entry| entry.mark.revision == self.revision)
    }

    /// Takes in how the engine does: measured, so of no epoch but told with the last one.
    pub fn tell_engine(&mut self, json: Bytes) {
        self.revision += 1;
        self.put(Key::Engine, Value::Engine(json));
    }

    /// What all the names in rows stand for.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// What is read out of a chain; `None` while it has no journey in the window.
    pub fn attribution(&self, chain: ChainKey, window: Window) -> Option<&Attribution> {
        match &self.rows.get(&Key::Attribution(chain, window))?.cell.value {
            Value::Attribution(row) => Some(row),
            _ => None,
        }
    }

    /// What is read out of all chains, by chain and window.
    pub fn attributions(&self) -> impl Iterator<Item = &Attribution> {
        self.rows
            .values()
            .filter_map(|entry| match &entry.cell.value {
                Value::Attribution(row) => Some(row),
                _ => None,
            })
    }

    /// The counts of a chain, if it is watched.
    pub fn transitions(&self, chain: ChainKey) -> Option<&Matrix> {
        let keys = Key::Transitions(chain, Window::All)..=Key::Transitions(chain, Window::Hour);
        self.rows
            .range(keys)
            .find_map(|(_, entry)| match &entry.cell.value {
                Value::Transitions(matrix, _) => Some(matrix.as_ref()),
                _ => None,
            })
    }

    /// Whether anything was ever known of the scope.
    pub fn knows(&self, scope: Scope) -> bool {
        match scope {
            Scope::Everyone => true,
            Scope::Advertiser(name) => self
                .labels
                .get(name)
                .is_some_and(|text| self.advertisers.contains(&text)),
        }
    }

    /// All advertisers that have a chain, sorted.
    pub fn advertisers(&self) -> impl Iterator<Item = &Arc<str>> {
        self.advertisers.iter()
    }

    /// Chains that have at least one journey, windows counted apart.
    pub fn chains(&self) -> usize {
        self.attributions().count()
    }

    /// The points of one chain, oldest first.
    pub fn points(&self, chain: ChainKey, window: Window) -> Vec<Arc<Point>> {
        let open = self.open_point(chain, window).map(Arc::new);
        let sealed = self.history.points(chain, window);
        sealed.map(|(point, _)| point).chain(open).collect()
    }

    /// If event time enters another minute with these changes, the chains as they stand are the end of the last one.
    fn tick(&mut self, changes: &[(Row, isize)]) {
        let clock = changes.iter().rev().find_map(|(row, diff)| match row {
            // The furthest of all partitions: one that says nothing yet must not merge many minutes into one.
            Row::Clock(clock) if *diff > 0 => Some(clock.latest_ms),
            _ => None,
        });
        let Some(now_ms) = clock else { return };
        if self.is_without_history || !self.history.leaves(now_ms) {
            return;
        }
        let mark = self.mark();
        let chains = self
            .rows
            .values()
            .filter_map(|entry| match &entry.cell.value {
                Value::Attribution(row) => Some((row, entry.mark.revision)),
                _ => None,
            });
        let accepted = self.dispositions.accepted;
        self.history.enter(now_ms, accepted, chains, mark);
    }

    fn count(&mut self, now: Dispositions) {
        self.dispositions = now;
        self.put(Key::Dispositions, Value::Dispositions(now));
    }

    fn credit(&mut self, key: Key, row: Attribution) {
        if let Scope::Advertiser(name) = row.chain.scope {
            let text = self.labels.text(name);
            self.advertisers.insert(text);
        }
        self.put(key, Value::Attribution(row));
    }

    fn transit(&mut self, matrix: &Arc<Matrix>, going: &mut Vec<Key>, staying: &mut BTreeSet<Key>) {
        for window in Window::ALL {
            let key = Key::Transitions(matrix.chain, window);
            if !cell::is_counted(matrix, window) {
                going.push(key);
                continue;
            }
            staying.insert(key);
            let is_same = |entry: &Entry| match &entry.cell.value {
                Value::Transitions(old, _) => cell::is_alike(old, matrix, window),
                _ => false,
            };
            if !self.rows.get(&key).is_some_and(is_same) {
                self.put(key, Value::Transitions(matrix.clone(), window));
            }
        }
    }

    fn put(&mut self, key: Key, value: Value) {
        let mark = self.mark();
        let labels = &self.labels;
        match self.rows.get_mut(&key) {
            Some(entry) => entry.renew(value, mark),
            None => {
                let entry = Entry::new(key.text(labels), value, mark);
                self.rows.insert(key, entry);
            }
        }
    }

    fn remove(&mut self, key: Key) {
        if self.rows.remove(&key).is_none() {
            return;
        }
        self.bury(key);
        if let (Key::Attribution(chain, window), Some(minute)) = (key, self.history.minute_ms()) {
            self.bury(Key::History(chain, window, minute));
        }
    }

    fn bury(&mut self, key: Key) {
        let mark = self.mark();
        self.removed.push_back(Removed { mark, key });
        if self.removed.len() > REMOVED_MAX
            && let Some(oldest) = self.removed.pop_front()
        {
            self.forgotten = oldest.mark;
        }
    }

    /// This moment.
    pub fn mark(&self) -> Mark {
        Mark {
            revision: self.revision,
            epoch: self.as_of_epoch,
        }
    }
}

#[cfg(test)]
mod tests;
