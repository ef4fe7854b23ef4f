//! The groups of measurements in the order they are made.

use anyhow::Result;

use super::{Bench, Row, flat, increment, latency, memory, serve, solve, stages, throughput};

/// Some rows that are measured together.
pub struct Group {
    pub name: &'static str,
    pub what: &'static str,
    /// Left out unless it is asked for by name.
    pub is_asked_only: bool,
    pub measure: fn(&Bench) -> Result<Vec<Row>>,
}

const fn group(
    name: &'static str,
    what: &'static str,
    measure: fn(&Bench) -> Result<Vec<Row>>,
) -> Group {
    Group {
        name,
        what,
        is_asked_only: false,
        measure,
    }
}

const GROUPS: &[Group] = &[
    group(
        "plain-loop",
        "throughput over a plain loop",
        throughput::over_plain_loop,
    ),
    group("json", "JSON lines to attribution", throughput::json),
    group("file", "a whole process on a file", flat::file),
    group(
        "event-time",
        "the same rate over longer event time",
        flat::event_time,
    ),
    group("growth", "more events of more users", flat::growth),
    group("latency", "due time to frame, JSON lines", latency::lines),
    group(
        "latency-decoded",
        "the same, decoded events",
        latency::decoded,
    ),
    group("latency-chains", "the same, 1,000 chains", latency::chains),
    group("serve", "due time to a WebSocket client", serve::to_client),
    group("memory", "bytes of state", memory::entries),
    Group {
        is_asked_only: true,
        ..group(
            "held-open",
            "30 min at 208,000 events/s held open",
            memory::held_open,
        )
    },
    group("solve", "removal effects of one chain", solve::chain),
    group("stages", "where the time goes", stages::stages),
    group(
        "increment",
        "one more event into a long history",
        increment::increment,
    ),
];

/// The groups that `only` asks for; all usual ones if it is empty.
pub fn groups(only: &[String]) -> Vec<&'static Group> {
    let is_meant = |group: &&Group| match only {
        [] => !group.is_asked_only,
        _ => only.iter().any(|name| group.name == name),
    };
    GROUPS.iter().filter(is_meant).collect()
}

/// The names there are.
pub fn names() -> Vec<&'static str> {
    GROUPS.iter().map(|group| group.name).collect()
}
