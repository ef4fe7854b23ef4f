//! One user: activity to sessions, points to journeys, journeys to edges.

use std::collections::BTreeMap;

use dataflows::event::{Event, Kind, Micros, Minute, Name, TimeMs, minute_of};
use dataflows::settings::{JourneyRule, Settings};

use super::is_open;

/// Where an edge starts or ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Start,
    Touch { channel: Name, campaign: Name },
    Conversion,
    Null,
}

/// One step of one journey.
pub(super) struct Edge {
    pub(super) advertiser: Name,
    /// Of the journey's first point.
    pub(super) minute: Minute,
    pub(super) from: Place,
    pub(super) to: Place,
    /// Of the conversion it leads to, else 0.
    pub(super) value: Micros,
}

/// What one user adds to the report.
pub(super) struct Walk {
    pub(super) edges: Vec<Edge>,
    pub(super) session_open: bool,
    pub(super) open_journeys: u64,
}

/// A touch or a conversion of one user and advertiser; a converting touch is two, the touch first.
#[derive(Clone, Copy)]
struct Point {
    event: Event,
    session: usize,
    is_touch: bool,
}

/// Walks the events of one user, which are in order.
pub(super) fn walk(events: &[Event], settings: &Settings, clock: Option<TimeMs>) -> Walk {
    let sessions = sessions(events, settings.session_gap_ms);
    let last_session = *sessions.last().expect("a user has events");
    let last_time = events.last().expect("a user has events").time;
    let session_open = is_open(last_time, settings.session_gap_ms, clock);
    let (mut edges, mut open_journeys) = (Vec::new(), 0);
    for points in points(events, &sessions).values() {
        for journey in points.chunk_by(|p, n| !breaks(p, n, settings.journeys)) {
            edges.extend(edges_of(journey));
        }
        let last = points.last().expect("an advertiser is listed by a point");
        let goes_on = match settings.journeys {
            JourneyRule::Session => last.session == last_session && session_open,
            JourneyRule::GapMs(gap) => is_open(last.event.time, gap, clock),
        };
        open_journeys += u64::from(last.is_touch && goes_on);
    }
    Walk {
        edges,
        session_open,
        open_journeys,
    }
}

/// The number of each event's session; a gap strictly longer than `gap_ms` splits.
fn sessions(events: &[Event], gap_ms: i64) -> Vec<usize> {
    let mut sessions = vec![0];
    for pair in events.windows(2) {
        let split = pair[1].time - pair[0].time > gap_ms;
        sessions.push(sessions[sessions.len() - 1] + usize::from(split));
    }
    sessions
}

/// The points of each advertiser, in order.
fn points(events: &[Event], sessions: &[usize]) -> BTreeMap<Name, Vec<Point>> {
    let mut points: BTreeMap<Name, Vec<Point>> = BTreeMap::new();
    for (&event, &session) in events.iter().zip(sessions) {
        let converts = event.kind == Kind::Conversion;
        let touches = match event.kind {
            Kind::Impression | Kind::Click => true,
            Kind::Conversion => event.touches,
            Kind::Other => false,
        };
        for (present, is_touch) in [(touches, true), (converts, false)] {
            if present {
                points.entry(event.advertiser).or_default().push(Point {
                    event,
                    session,
                    is_touch,
                });
            }
        }
    }
    points
}

/// Whether a journey ends between two neighbouring points.
fn breaks(p: &Point, n: &Point, rule: JourneyRule) -> bool {
    let by_rule = match rule {
        JourneyRule::Session => p.session != n.session,
        JourneyRule::GapMs(gap) => n.event.time - p.event.time > gap,
    };
    !p.is_touch || by_rule
}

/// The edges of one journey. One that has not converted ends in null: for good, or until it goes on.
fn edges_of(journey: &[Point]) -> Vec<Edge> {
    let first = journey[0].event;
    let mut edges = Vec::new();
    let mut from = Place::Start;
    let mut step = |to: Place, value: Micros| {
        edges.push(Edge {
            advertiser: first.advertiser,
            minute: minute_of(first.time),
            from,
            to,
            value,
        });
        from = to;
    };
    for point in journey {
        if point.is_touch {
            let Event {
                channel, campaign, ..
            } = point.event;
            step(Place::Touch { channel, campaign }, 0);
        } else {
            step(Place::Conversion, point.event.value);
        }
    }
    if journey[journey.len() - 1].is_touch {
        step(Place::Null, 0);
    }
    edges
}
