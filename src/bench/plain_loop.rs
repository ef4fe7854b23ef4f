//! What one would write without a dataflow: all events in memory, one thread, the standard hasher.
//!
//! In: records as a parser hands them over, their text borrowed. Out: how often each advertiser's journeys go from one
//! channel to the next. It numbers users and names by their text, reads the number out of each event's id, puts all events
//! into one list, sorts it as a whole, walks it once and counts: all of a batch program but its parsing. It does less: no
//! duplicates, no campaigns, no windows, no pseudonyms. What must hold: the counts are those of the dataflow, which orders
//! the events of one user and one moment otherwise; of those there are too few to show.

use std::collections::{BTreeMap, HashMap};

use dataflows::event::Kind;

use super::records::Record;
use crate::report::State;

const GAP_MS: i64 = 30 * 60_000;

/// (advertiser, from, to, how often), in order.
pub(super) type Counted = Vec<(String, State, State, u64)>;

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

/// The number that follows the letter of an id.
fn id_number(id: &str) -> u64 {
    id[1..].parse().expect("an id of the mix")
}

/// Numbers, sorts, walks, counts.
pub(super) fn count(records: &[Record]) -> Counted {
    let (mut users, mut names) = (Numbers::default(), Numbers::default());
    let mut events: Vec<Event> = Vec::new();
    for record in records {
        events.push((
            users.of(record.user),
            record.time,
            id_number(record.event_id),
            names.of(record.advertiser),
            names.of(record.channel),
            record.kind,
        ));
    }
    events.sort_unstable();
    let special = ["", "\0", "\0\0"].map(|text| names.of(text));
    let counts = walk(&events, special);
    let state = |number| match special.iter().position(|&other| other == number) {
        Some(0) => State::Start,
        Some(1) => State::Conversion,
        Some(_) => State::Null,
        None => State::Named(names.texts[number as usize].clone()),
    };
    let advertiser = |number: u32| names.texts[number as usize].clone();
    let mut counted: Counted = counts
        .into_iter()
        .map(|((of, from, to), count)| (advertiser(of), state(from), state(to), count))
        .collect();
    counted.sort();
    counted
}

fn walk(events: &[Event], special: [u32; 3]) -> HashMap<(u32, u32, u32), u64> {
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
