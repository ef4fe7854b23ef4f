//! What one would write without a dataflow: all events in memory, one thread, the standard hasher.
//!
//! In: decoded events in any order. Out: how often each advertiser's journeys go from one channel to the next. What
//! must hold: the counts are those of the dataflow, so both do the same work (dedupe and campaigns are left out).

use std::collections::{BTreeMap, HashMap};

use dataflows::event::{Event, Kind, Name, TimeMs, UserId};
use dataflows::transitions::State;

const GAP_MS: i64 = 30 * 60_000;

/// (advertiser, from, to) and how often.
pub(super) type Counts = HashMap<(Name, State, State), u64>;

struct Point {
    time: TimeMs,
    kind: Kind,
    id: u64,
    advertiser: Name,
    channel: Name,
}

/// Groups by user, sorts, walks, counts.
pub(super) fn count(events: &[Option<Event>]) -> Counts {
    let mut users: HashMap<UserId, Vec<Point>> = HashMap::new();
    for event in events.iter().flatten() {
        users.entry(event.user).or_default().push(Point {
            time: event.time,
            kind: event.kind,
            id: event.id,
            advertiser: event.advertiser,
            channel: event.channel,
        });
    }
    let mut counts = Counts::new();
    for points in users.values_mut() {
        points.sort_unstable_by_key(|point| (point.time, point.kind, point.id));
        walk(points, &mut counts);
    }
    counts
}

fn walk(points: &[Point], counts: &mut Counts) {
    let mut count = |advertiser, from, to| *counts.entry((advertiser, from, to)).or_default() += 1;
    // By advertiser, the channel of the newest touch.
    let mut open: BTreeMap<Name, Name> = BTreeMap::new();
    let mut before = None;
    for point in points {
        if before.is_some_and(|before| point.time - before > GAP_MS) {
            for (advertiser, last) in std::mem::take(&mut open) {
                count(advertiser, State::Named(last), State::Null);
            }
        }
        before = Some(point.time);
        match point.kind {
            Kind::Other => {}
            Kind::Impression | Kind::Click => {
                let last = open.insert(point.advertiser, point.channel);
                let from = last.map_or(State::Start, State::Named);
                count(point.advertiser, from, State::Named(point.channel));
            }
            Kind::Conversion => {
                if let Some(last) = open.remove(&point.advertiser) {
                    count(point.advertiser, State::Named(last), State::Conversion);
                }
            }
        }
    }
    for (advertiser, last) in open {
        count(advertiser, State::Named(last), State::Null);
    }
}
