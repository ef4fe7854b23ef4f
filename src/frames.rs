//! The newest value of every small result, as of one closed epoch.
//!
//! In: changes of rows, one closed epoch after the other. Out: a consistent view for whoever reads: exports,
//! digests, and the screen. What must hold: a reader never sees part of an epoch.

use std::collections::{BTreeMap, HashMap};

use dataflows::attribution::Attribution;
use dataflows::dispositions::Dispositions;
use dataflows::epochs::Epoch;
use dataflows::event::Name;
use dataflows::row::{Clock, Load, Matrix, Row};
use dataflows::transitions::{ChainKey, Window};

/// All rows of one closed epoch.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    /// The last epoch that changed anything.
    pub as_of_epoch: Epoch,
    pub names: HashMap<Name, String>,
    pub dispositions: Dispositions,
    pub attributions: BTreeMap<(ChainKey, Window), Attribution>,
    /// The counts of the chains that are watched.
    pub transitions: BTreeMap<ChainKey, Matrix>,
    pub clock: Option<Clock>,
    pub loads: BTreeMap<usize, Load>,
}

impl Frames {
    /// Applies the changes of one epoch: what goes first, then what comes.
    pub fn close(&mut self, epoch: Epoch, mut changes: Vec<(Row, isize)>) {
        changes.sort_by_key(|&(_, diff)| diff);
        for (row, diff) in changes {
            self.as_of_epoch = epoch;
            match row {
                Row::Name(name, text) => {
                    self.names.insert(name, text);
                }
                Row::Dispositions(dispositions) if diff > 0 => self.dispositions = dispositions,
                Row::Dispositions(_) => {}
                Row::Attribution(row) if diff > 0 => {
                    self.attributions.insert((row.chain, row.window), row);
                }
                Row::Attribution(row) => {
                    self.attributions.remove(&(row.chain, row.window));
                }
                Row::Transitions(row) if diff > 0 => {
                    self.transitions.insert(row.chain, row);
                }
                Row::Transitions(row) => {
                    self.transitions.remove(&row.chain);
                }
                Row::Clock(clock) if diff > 0 => self.clock = Some(clock),
                Row::Load(load) if diff > 0 => {
                    self.loads.insert(load.worker, load);
                }
                Row::Clock(_) | Row::Load(_) => {}
            }
        }
    }

    /// The text of a name that has appeared in a row.
    pub fn text(&self, name: Name) -> &str {
        self.names
            .get(&name)
            .expect("a name comes no later than the row that uses it")
    }
}
