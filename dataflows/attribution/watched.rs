//! Watched chains: their counts leave as rows too, for as long as somebody looks at them.
//!
//! In: who begins and ends to watch, and the chains of this worker as they change. Out: rows. What must hold: the
//! counts of a watched chain are those of the epoch its attribution is of.

use std::collections::BTreeMap;

use crate::control::Control;
use crate::row::{Matrix, Row};
use crate::transitions::ChainKey;

use super::chain::Chain;

/// The chains that are watched, how often, and the row of each that stands.
#[derive(Default)]
pub(super) struct Watched {
    chains: BTreeMap<ChainKey, Watch>,
}

#[derive(Default)]
struct Watch {
    watchers: usize,
    shown: Option<Matrix>,
}

impl Watched {
    /// Takes in who watches; `chain` finds the chain if this worker has it.
    pub(super) fn hear<'a>(
        &mut self,
        message: &Control,
        chain: impl FnOnce(&ChainKey) -> Option<&'a Chain>,
        rows: &mut Vec<(Row, isize)>,
    ) {
        match message {
            Control::Watch(key) => {
                let watch = self.chains.entry(*key).or_default();
                watch.watchers += 1;
                if let (1, Some(chain)) = (watch.watchers, chain(key)) {
                    watch.show(chain, rows);
                }
            }
            Control::Unwatch(key) => {
                let watch = self.chains.get_mut(key);
                let watch = watch.expect("only what is watched can be watched no more");
                watch.watchers -= 1;
                if watch.watchers == 0 {
                    rows.extend(watch.shown.take().map(|row| (Row::Transitions(row), -1)));
                    self.chains.remove(key);
                }
            }
            _ => {}
        }
    }

    /// The chain has changed.
    pub(super) fn change(&mut self, chain: &Chain, rows: &mut Vec<(Row, isize)>) {
        if let Some(watch) = self.chains.get_mut(&chain.key()) {
            watch.show(chain, rows);
        }
    }
}

impl Watch {
    fn show(&mut self, chain: &Chain, rows: &mut Vec<(Row, isize)>) {
        let fresh = Matrix {
            chain: chain.key(),
            counts: chain.counts().collect(),
        };
        if self.shown.as_ref() != Some(&fresh) {
            let before = self.shown.replace(fresh.clone());
            rows.extend(before.map(|row| (Row::Transitions(row), -1)));
            rows.push((Row::Transitions(fresh), 1));
        }
    }
}
