//! What an epoch did on a worker, in numbers.

use std::collections::BTreeMap;

use crate::event::Receipt;

use super::journeys::Inserted;

/// Changes of the counters, and what became of the events that somebody waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) accepted: i64,
    pub(crate) duplicate: i64,
    pub(crate) conflicts: i64,
    pub(crate) open_sessions: i64,
    pub(crate) open_journeys: i64,
    /// For each receipt, the events accepted and the duplicates.
    pub(crate) receipts: BTreeMap<Receipt, (u64, u64)>,
}

impl Tally {
    #[inline]
    pub(super) fn count(&mut self, inserted: Inserted, receipt: Receipt) {
        match inserted {
            Inserted::Accepted => self.accepted += 1,
            Inserted::Duplicate => self.duplicate += 1,
            Inserted::Conflict => {
                self.duplicate += 1;
                self.conflicts += 1;
            }
        }
        if receipt.is_some() {
            let (accepted, duplicate) = self.receipts.entry(receipt).or_default();
            let is_accepted = inserted == Inserted::Accepted;
            *if is_accepted { accepted } else { duplicate } += 1;
        }
    }
}
