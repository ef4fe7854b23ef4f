//! Dispositions: which records are invalid, late or copies, which are accepted, and what the clock says.

use std::cmp::Reverse;
use std::collections::HashMap;

use dataflows::event::{Event, Name, TimeMs};
use dataflows::settings::Settings;

use super::{Log, text};

/// What became of the records.
pub(super) struct Intake {
    pub(super) accepted: Vec<Event>,
    pub(super) duplicate: u64,
    pub(super) late: u64,
    pub(super) invalid: u64,
    /// Identities of which copies with different content came in.
    pub(super) conflicts: u64,
    /// Event time that has been reached; `None` while a live partition has too few records to tell.
    pub(super) clock: Option<TimeMs>,
}

pub(super) fn take_in(
    partitions: &[Log],
    names: &HashMap<Name, String>,
    settings: &Settings,
    ended: bool,
) -> Intake {
    let (mut in_time, mut late, mut invalid) = (Vec::new(), 0, 0);
    let mut watermarks = Vec::new();
    for records in partitions {
        let mut watermark = Watermark::new(settings.watermark_support);
        for record in records {
            let Some(event) = record else {
                invalid += 1;
                continue;
            };
            watermark.observe(event.time);
            if is_late(event.time, &watermark, settings.allowed_lateness_ms) {
                late += 1;
            } else {
                in_time.push(*event);
            }
        }
        watermarks.push(watermark);
    }
    let copies = in_time.len();
    let (accepted, conflicts) = one_of_each(in_time, names);
    Intake {
        duplicate: (copies - accepted.len()) as u64,
        accepted,
        late,
        invalid,
        conflicts,
        clock: clock(&watermarks, ended),
    }
}

fn is_late(time: TimeMs, watermark: &Watermark, allowed_lateness_ms: Option<i64>) -> bool {
    match (watermark.value(), allowed_lateness_ms) {
        (Some(watermark), Some(allowed)) => time < watermark.saturating_sub(allowed),
        _ => false,
    }
}

/// The largest event times of one partition so far, as many as the watermark needs, the largest first.
struct Watermark {
    support: usize,
    largest: Vec<TimeMs>,
}

impl Watermark {
    fn new(support: usize) -> Watermark {
        assert!(support >= 1, "the support of a watermark is at least 1");
        Watermark {
            support,
            largest: Vec::new(),
        }
    }

    fn observe(&mut self, time: TimeMs) {
        self.largest.push(time);
        self.largest.sort_by_key(|&time| Reverse(time));
        self.largest.truncate(self.support);
    }

    /// The `support`-th largest event time.
    fn value(&self) -> Option<TimeMs> {
        self.largest.get(self.support - 1).copied()
    }

    /// The watermark of a partition that has ended: with fewer than `support` records the smallest event time.
    fn final_value(&self) -> Option<TimeMs> {
        self.largest.last().copied()
    }
}

/// The slowest partition's watermark while they live; once all have ended, the fastest's.
fn clock(watermarks: &[Watermark], ended: bool) -> Option<TimeMs> {
    if ended {
        return watermarks.iter().filter_map(Watermark::final_value).max();
    }
    let values: Option<Vec<TimeMs>> = watermarks.iter().map(Watermark::value).collect();
    values?.into_iter().min()
}

/// One event of each identity, and how many identities had copies with different content. Which copy wins depends on
/// the copies only, never on the order they came in.
fn one_of_each(mut events: Vec<Event>, names: &HashMap<Name, String>) -> (Vec<Event>, u64) {
    events.sort_by_key(identity);
    let (mut winners, mut conflicts) = (Vec::new(), 0);
    for copies in events.chunk_by(|a, b| identity(a) == identity(b)) {
        let mut winner = copies[0];
        for &copy in &copies[1..] {
            if rank(&copy, names) < rank(&winner, names) {
                winner = copy;
            }
        }
        if copies.iter().any(|copy| !same_content(copy, &copies[0])) {
            conflicts += 1;
        }
        winners.push(winner);
    }
    (winners, conflicts)
}

fn identity(event: &Event) -> impl Ord + use<> {
    (event.user, event.time, event.id)
}

/// Of the copies of one identity the least wins.
fn rank<'a>(event: &Event, names: &'a HashMap<Name, String>) -> impl Ord + use<'a> {
    (
        event.kind,
        event.touches,
        text(names, event.advertiser),
        text(names, event.campaign),
        text(names, event.channel),
        event.value,
        event.sequence,
    )
}

/// The sequence is no content: the same event may come in again under another number.
fn same_content(a: &Event, b: &Event) -> bool {
    (a.kind, a.touches, a.value) == (b.kind, b.touches, b.value)
        && (a.advertiser, a.campaign, a.channel) == (b.advertiser, b.campaign, b.channel)
}
