//! What became of the records: totals at every closed epoch.
//!
//! In: tallies from the sources (read, invalid, late) and from the sessions (duplicate, accepted). Out: one row, on
//! worker 0. What must hold: every record read has exactly one disposition (asserted at every closed epoch).

use differential_dataflow::{AsCollection, VecCollection};
use serde::{Deserialize, Serialize};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::generic::Operator;

use crate::epochs::{Epoch, Epochs};
use crate::event::Disposition;
use crate::row::Row;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Counter {
    /// Records read from the sources.
    Read,
    Disposition(Disposition),
    /// Identities of which copies with different content came.
    Conflicts,
    OpenSessions,
    OpenJourneys,
}

/// A change of one counter.
pub type Tallied = (Counter, i64);

/// The counters at one closed epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Dispositions {
    pub read: i64,
    pub accepted: i64,
    pub duplicate: i64,
    pub late: i64,
    pub invalid: i64,
    pub no_consent: i64,
    pub conflicts: i64,
    pub open_sessions: i64,
    pub open_journeys: i64,
}

impl Dispositions {
    fn add(&mut self, (counter, count): Tallied) {
        *match counter {
            Counter::Read => &mut self.read,
            Counter::Disposition(Disposition::Accepted) => &mut self.accepted,
            Counter::Disposition(Disposition::Duplicate) => &mut self.duplicate,
            Counter::Disposition(Disposition::Late) => &mut self.late,
            Counter::Disposition(Disposition::Invalid) => &mut self.invalid,
            Counter::Disposition(Disposition::NoConsent) => &mut self.no_consent,
            Counter::Conflicts => &mut self.conflicts,
            Counter::OpenSessions => &mut self.open_sessions,
            Counter::OpenJourneys => &mut self.open_journeys,
        } += count;
    }

    /// Records that have a disposition.
    pub fn total(&self) -> i64 {
        self.accepted + self.duplicate + self.late + self.invalid + self.no_consent
    }
}

/// Sums `tallies` on worker 0 into one row that changes as they do.
pub(crate) fn dispositions<'s>(
    tallies: StreamVec<'s, Epoch, Tallied>,
) -> VecCollection<'s, Epoch, Row> {
    let to_first = Exchange::new(|_: &Tallied| 0);
    tallies
        .unary_frontier::<CapacityContainerBuilder<Vec<_>>, _, _, _>(
            to_first,
            "Dispositions",
            |_, _| {
                let mut epochs = Epochs::new(1);
                let mut shown: Option<Dispositions> = None;
                move |(tallies, frontier), output| {
                    tallies.for_each(|capability, data| epochs.receive(&capability, data));
                    while let Some((epoch, closed)) = epochs.next_closed(&[frontier]) {
                        let mut now = shown.unwrap_or_default();
                        closed
                            .data
                            .into_iter()
                            .flatten()
                            .for_each(|tallied| now.add(tallied));
                        assert_eq!(
                            now.read,
                            now.total(),
                            "records read and dispositions differ at epoch {epoch}"
                        );
                        let mut session = output.session(&closed.capabilities[0]);
                        session.give_iterator(
                            replaced(shown, now).map(|(row, diff)| (row, epoch, diff)),
                        );
                        shown = Some(now);
                    }
                }
            },
        )
        .as_collection()
}

fn replaced(old: Option<Dispositions>, new: Dispositions) -> impl Iterator<Item = (Row, isize)> {
    let changed = old != Some(new);
    let old = old
        .filter(|_| changed)
        .map(|old| (Row::Dispositions(old), -1));
    old.into_iter()
        .chain(changed.then_some((Row::Dispositions(new), 1)))
}
