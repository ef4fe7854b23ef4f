//! The oracle: what every number has to be, in plain loops over the whole log.
//!
//! In: the records of every partition in log order (`None` is an invalid one). Out: the [`Report`] that a run has to
//! show once it has taken in the same records, whatever their interleaving. What must hold: nothing here is shared with
//! the dataflow but the event, the settings and the type of the report; it is written to be read, not to be fast.

mod chain;
mod intake;
mod journeys;
mod solution;

use std::collections::HashMap;

use dataflows::event::{Event, Name, TimeMs};
use dataflows::settings::Settings;

use crate::report::Report;

/// The records of one partition in log order; `None` is a record that was invalid.
pub type Log = Vec<Option<Event>>;

/// The report over `partitions`, which are a prefix of a live log or, if `ended`, all there will ever be.
///
/// # Panics
/// If `names` lacks the text of a name in an event.
pub fn report(
    partitions: &[Log],
    names: &HashMap<Name, String>,
    settings: &Settings,
    ended: bool,
) -> Report {
    let intake = intake::take_in(partitions, names, settings, ended);
    let mut users = users(&intake.accepted);
    for events in &mut users {
        events.sort_by_key(|event| (event.time, event.sequence, event.kind, event.id));
    }
    let walks: Vec<_> = users
        .iter()
        .map(|events| journeys::walk(events, settings, intake.clock))
        .collect();
    let edges = walks.iter().flat_map(|walk| &walk.edges);
    Report {
        as_of_epoch: 0,
        accepted: intake.accepted.len() as u64,
        duplicate: intake.duplicate,
        late: intake.late,
        invalid: intake.invalid,
        no_consent: 0,
        conflicts: intake.conflicts,
        open_sessions: walks.iter().filter(|walk| walk.session_open).count() as u64,
        open_journeys: walks.iter().map(|walk| walk.open_journeys).sum(),
        chains: chain::chains(edges, names, intake.clock),
    }
}

/// The accepted events of each user; those without a user are in no session and no journey.
fn users(accepted: &[Event]) -> Vec<Vec<Event>> {
    let mut events: Vec<Event> = accepted
        .iter()
        .filter(|event| !event.userless)
        .copied()
        .collect();
    events.sort_by_key(|event| event.user);
    events
        .chunk_by(|a, b| a.user == b.user)
        .map(<[Event]>::to_vec)
        .collect()
}

/// Whether something last seen at `last` may still go on: not more than `gap_ms` behind the clock, if there is a clock.
fn is_open(last: TimeMs, gap_ms: i64, clock: Option<TimeMs>) -> bool {
    clock.is_none_or(|clock| clock - last <= gap_ms)
}

/// The text of a name.
fn text(names: &HashMap<Name, String>, name: Name) -> &str {
    names
        .get(&name)
        .expect("the text of every name travels with the events")
}
