//! What one would write without a dataflow: a batch program of one thread with the standard hasher.
//!
//! In: a file of JSON lines. Out: how often each advertiser's journeys go from one channel to the next. It parses each line,
//! numbers users and names by their text as it goes, puts all events into one list, sorts it as a whole, walks it once and
//! counts. It does less than the dataflow: no duplicates, no campaigns, no windows, no pseudonyms. What must hold: the
//! counts are those of the dataflow, which orders the events of one user and one moment otherwise; of those there are too
//! few to show.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use dataflows::event::Kind;
use serde::Deserialize;

use crate::report::State;

const GAP_MS: i64 = 30 * 60_000;

/// (advertiser, from, to, how often), in order.
pub(super) type Counted = Vec<(String, State, State, u64)>;

/// What it takes of a line.
#[derive(Deserialize)]
struct Line<'a> {
    event_id: &'a str,
    event_time: i64,
    user_id: &'a str,
    advertiser: &'a str,
    channel: &'a str,
    event_type: &'a str,
}

impl Line<'_> {
    fn kind(&self) -> Kind {
        match self.event_type {
            "impression" => Kind::Impression,
            "click" => Kind::Click,
            "conversion" => Kind::Conversion,
            _ => Kind::Other,
        }
    }

    /// The number that follows the letter of the id.
    fn id_number(&self) -> u64 {
        self.event_id[1..].parse().expect("an id of the mix")
    }
}

/// Parses all lines of a file.
///
/// # Errors
/// When the file cannot be read, or a line is none of the mix.
fn each_line(file: &Path, mut take: impl FnMut(Line)) -> Result<()> {
    let attempt = || format!("reading {}", file.display());
    let opened = File::open(file).with_context(attempt)?;
    let mut reader = BufReader::with_capacity(1 << 20, opened);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).with_context(attempt)? > 0 {
        take(serde_json::from_slice(&bytes).with_context(attempt)?);
        bytes.clear();
    }
    Ok(())
}

/// Parses the lines, and nothing else.
///
/// # Errors
/// As [`count`].
pub(super) fn parse(file: &Path) -> Result<()> {
    each_line(file, |line| {
        std::hint::black_box(line);
    })
}

/// Numbers for texts in order of first sight.
#[derive(Default)]
struct Numbers {
    numbers: HashMap<String, u32>,
    texts: Vec<String>,
}

impl Numbers {
    fn of(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.texts.len() as u32;
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }
}

/// User, time, number of the id, advertiser, channel, kind: the order of the fields is that of the walk.
type Event = (u32, i64, u64, u32, u32, Kind);

/// Parses and numbers the `count` lines of a file, sorts, walks, counts. The list has its room from the start: this
/// program's allocator would move it as it grows, where the system's needs not.
///
/// # Errors
/// When the file cannot be read, or a line is none of the mix.
pub(super) fn count(file: &Path, count: u64) -> Result<Counted> {
    let (mut users, mut names) = (Numbers::default(), Numbers::default());
    let mut events: Vec<Event> = Vec::with_capacity(count as usize);
    each_line(file, |line| {
        events.push((
            users.of(line.user_id),
            line.event_time,
            line.id_number(),
            names.of(line.advertiser),
            names.of(line.channel),
            line.kind(),
        ));
    })?;
    events.sort_unstable();
    let special = ["", "\0", "\0\0"].map(|text| names.of(text));
    Ok(named(walk(&events, special), special, &names))
}

/// By advertiser, from and to: how often, all by number.
type Counts = HashMap<(u32, u32, u32), u64>;

fn walk(events: &[Event], special: [u32; 3]) -> Counts {
    let [start, conversion, null] = special;
    let mut counts = HashMap::new();
    let mut count = |advertiser, from, to| *counts.entry((advertiser, from, to)).or_default() += 1;
    // By advertiser, the channel of the newest touch of the session.
    let mut open: BTreeMap<u32, u32> = BTreeMap::new();
    let mut before = None;
    for &(user, time, _, advertiser, channel, kind) in events {
        if before.is_none_or(|(other, earlier)| other != user || time - earlier > GAP_MS) {
            for (advertiser, last) in std::mem::take(&mut open) {
                count(advertiser, last, null);
            }
        }
        before = Some((user, time));
        match kind {
            Kind::Other => {}
            Kind::Impression | Kind::Click => {
                let last = open.insert(advertiser, channel).unwrap_or(start);
                count(advertiser, last, channel);
            }
            Kind::Conversion => {
                if let Some(last) = open.remove(&advertiser) {
                    count(advertiser, last, conversion);
                }
            }
        }
    }
    for (advertiser, last) in open {
        count(advertiser, last, null);
    }
    counts
}

fn named(counts: Counts, special: [u32; 3], names: &Numbers) -> Counted {
    let text = |number: u32| names.texts[number as usize].clone();
    let state = |number| match special.iter().position(|&other| other == number) {
        Some(0) => State::Start,
        Some(1) => State::Conversion,
        Some(_) => State::Null,
        None => State::Named(text(number)),
    };
    let mut counted: Counted = counts
        .into_iter()
        .map(|((of, from, to), count)| (text(of), state(from), state(to), count))
        .collect();
    counted.sort();
    counted
}
