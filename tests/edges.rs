//! The corners of the definition, each through the whole dataflow, with counts worked out by hand.
//!
//! Every case is a table of records and the transitions that have to come of them. It runs with every cut into two
//! epochs, the partitions one record after the other as listed, in order and in reverse, on 1 and 2 workers.

use std::collections::BTreeSet;
use std::sync::Arc;

use dataflows::event::TimeMs;
use dataflows::settings::Settings;
use dataflows::transitions::{Dimension, Window};
use serde_json::{Value, json};
use tributary::cluster::Cluster;
use tributary::ingest::block::{Block, Payload};
use tributary::ingest::csv::CsvDecoder;
use tributary::ingest::intake::EpochPolicy;
use tributary::ingest::source::Source;
use tributary::report::{Chain, ChainKey, Count, Report, State};
use tributary::run::{self, Options};
use xxhash_rust::xxh3::xxh3_64;

const MINUTE: i64 = 60_000;
/// 2025-02-01T00:00:00Z, a whole minute.
const BASE: TimeMs = 1_738_368_000_000;

/// advertiser, from, to, count.
type Row<'a> = (&'a str, &'a str, &'a str, i64);

/// One case: the records of all partitions in the order of arrival.
struct Case {
    settings: Settings,
    lines: Vec<(u32, Vec<u8>)>,
    csv: Option<Arc<CsvDecoder>>,
}

/// A case of records in short: `partition user minute kind channel advertiser`, then `key=value` for other fields. A
/// minute may have milliseconds added (`30+1`); `-` leaves a field out.
fn case(table: &[&str]) -> Case {
    of_lines(table.iter().map(|text| record(text)).collect())
}

fn of_lines(lines: Vec<(u32, Value)>) -> Case {
    let lines = lines.into_iter();
    Case {
        settings: Settings {
            watermark_support: 1,
            ..Settings::default()
        },
        lines: lines
            .map(|(partition, line)| (partition, line.to_string().into_bytes()))
            .collect(),
        csv: None,
    }
}

fn record(text: &str) -> (u32, Value) {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [
        partition,
        user,
        minute,
        kind,
        channel,
        advertiser,
        others @ ..,
    ] = &words[..]
    else {
        panic!("too few words: {text}");
    };
    let mut line = json!({ "event_type": kind, "event_time": time(minute) });
    // An id of its own, so that only cases about copies have any.
    line["event_id"] = json!(format!("id of {text}"));
    for (key, value) in [
        ("user_id", user),
        ("channel", channel),
        ("advertiser", advertiser),
    ] {
        if *value != "-" {
            line[key] = json!(value);
        }
    }
    for other in others {
        let (key, value) = other.split_once('=').expect("key=value");
        line[key] = match value {
            "-" => Value::Null,
            _ => json!(value),
        };
    }
    (partition.parse().expect("a partition"), line)
}

fn time(minute: &str) -> TimeMs {
    let (minutes, milliseconds) = minute.split_once('+').unwrap_or((minute, "0"));
    let number = |text: &str| text.parse::<i64>().expect("a number");
    BASE + number(minutes) * MINUTE + number(milliseconds)
}

impl Case {
    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Case {
        change(&mut self.settings);
        self
    }

    /// Runs every schedule; all have to leave the same report, which comes back.
    fn report(&self) -> Report {
        let mut first: Option<Report> = None;
        for order in self.orders() {
            for cut in 0..=order.len() {
                for workers in [1, 2] {
                    let report = self.run(&order, cut, workers);
                    let first = first.get_or_insert_with(|| report.clone());
                    assert_eq!(
                        report.differences(first),
                        Vec::<String>::new(),
                        "{order:?} cut at {cut}, {workers} workers"
                    );
                }
            }
        }
        first.expect("there is a schedule")
    }

    /// As listed; partition by partition; the last partition first.
    fn orders(&self) -> BTreeSet<Vec<usize>> {
        let listed: Vec<usize> = (0..self.lines.len()).collect();
        let (mut forward, mut reverse) = (listed.clone(), listed.clone());
        forward.sort_by_key(|&at| self.lines[at].0);
        reverse.sort_by_key(|&at| std::cmp::Reverse(self.lines[at].0));
        BTreeSet::from([listed, forward, reverse])
    }

    fn run(&self, order: &[usize], cut: usize, workers: usize) -> Report {
        let blocks = order.iter().enumerate().map(|(place, &at)| {
            let (partition, line) = self.lines[at].clone();
            Block {
                thread: Some(place % workers),
                ends_epoch: place + 1 == cut,
                ..self.block(partition, line, false)
            }
        });
        let mut blocks: Vec<Block> = blocks.collect();
        let partitions: BTreeSet<u32> = self.lines.iter().map(|(p, _)| *p).collect();
        blocks.extend(partitions.iter().map(|&p| self.block(p, Vec::new(), true)));
        let source = Blocks(partitions.into_iter().collect(), blocks.into_iter());
        let results = run::run(Box::new(source), &options(self.settings, workers));
        results.expect("the run ends").expect("worker 0").report()
    }

    fn block(&self, partition: u32, bytes: Vec<u8>, ends_partition: bool) -> Block {
        let payload = match &self.csv {
            Some(decoder) => Payload::Csv(bytes, decoder.clone()),
            None => Payload::Json(bytes),
        };
        Block {
            ends_partition,
            ..Block::new(partition, payload)
        }
    }

    /// Expects these transitions of all time between channels and no others, and everything accepted.
    fn gives(self, expected: &[Row]) {
        let records = self.lines.len() as u64;
        let report = self.report();
        assert_eq!(dispositions(&report), [records, 0, 0, 0, 0]);
        assert_eq!(rows(&report, Window::All), sorted(expected));
    }
}

struct Blocks(Vec<u32>, std::vec::IntoIter<Block>);

impl Source for Blocks {
    fn partitions(&self) -> Vec<u32> {
        self.0.clone()
    }

    fn next(&mut self, _: Vec<u8>) -> anyhow::Result<Option<Block>> {
        Ok(self.1.next())
    }
}

fn options(settings: Settings, workers: usize) -> Options {
    Options {
        settings,
        key: [1; 32],
        cluster: Cluster::single(workers),
        epochs: EpochPolicy {
            records: u64::MAX,
            interval: None,
            in_flight: 20,
        },
        on_frame: None,
        on_block: None,
        record_bytes_max: 16 << 20,
        on_rejected: None,
        is_live: false,
        inputs: String::new(),
        names: Arc::default(),
    }
}

/// accepted, duplicate, late, invalid, conflicts.
fn dispositions(report: &Report) -> [u64; 5] {
    [
        report.accepted,
        report.duplicate,
        report.late,
        report.invalid,
        report.conflicts,
    ]
}

fn chain<'a>(report: &'a Report, advertiser: &str, window: Window) -> &'a Chain {
    let key = ChainKey {
        advertiser: Some(advertiser.to_owned()),
        dimension: Dimension::Channel,
        window,
    };
    &report.chains[&key]
}

type OwnedRow = (String, String, String, i64);

fn sorted(rows: &[Row]) -> Vec<OwnedRow> {
    let own = |&(a, from, to, count): &Row| (a.into(), from.into(), to.into(), count);
    let mut rows: Vec<OwnedRow> = rows.iter().map(own).collect();
    rows.sort();
    rows
}

/// The transitions between channels of every advertiser.
fn rows(report: &Report, window: Window) -> Vec<OwnedRow> {
    let mut rows = Vec::new();
    for (key, chain) in &report.chains {
        let Some(advertiser) = &key.advertiser else {
            continue;
        };
        if (key.dimension, key.window) == (Dimension::Channel, window) {
            let counts = chain.counts.iter();
            rows.extend(counts.map(|((from, to), Count { count, .. })| {
                (advertiser.clone(), state(from), state(to), *count)
            }));
        }
    }
    rows.sort();
    rows
}

fn state(state: &State) -> String {
    match state {
        State::Start => "START".to_owned(),
        State::Named(name) => name.clone(),
        State::Conversion => "CONVERSION".to_owned(),
        State::Null => "NULL".to_owned(),
    }
}

#[test]
fn of_one_moment_the_sequence_decides_first() {
    case(&[
        "0 a 0 conversion -     acme sequence=-1",
        "1 a 0 click      Email acme sequence=2",
        "2 a 0 impression TV    acme sequence=3",
        "1 a 0 click      Radio acme sequence=1",
    ])
    .gives(&[
        ("acme", "START", "CONVERSION", 1),
        ("acme", "START", "Radio", 1),
        ("acme", "Radio", "Email", 1),
        ("acme", "Email", "TV", 1),
        ("acme", "TV", "NULL", 1),
    ]);
}

#[test]
fn of_one_moment_and_sequence_the_kind_decides_next() {
    case(&[
        "0 a 0 conversion -     acme",
        "1 a 0 click      Email acme",
        "2 a 0 impression TV    acme",
        "3 a 0 video_play -     acme",
    ])
    .gives(&[
        ("acme", "START", "TV", 1),
        ("acme", "TV", "Email", 1),
        ("acme", "Email", "CONVERSION", 1),
    ]);
}

#[test]
fn of_one_moment_sequence_and_kind_the_hash_of_the_id_decides() {
    let mut ids = ["x", "y", "z"];
    ids.sort_by_key(|id| xxh3_64(id.as_bytes()));
    let [first, second, third] = ids;
    case(&[
        &format!("0 a 0 click Radio acme event_id={second}"),
        &format!("1 a 0 click Email acme event_id={third}"),
        &format!("2 a 0 click TV    acme event_id={first}"),
    ])
    .gives(&[
        ("acme", "START", "TV", 1),
        ("acme", "TV", "Radio", 1),
        ("acme", "Radio", "Email", 1),
        ("acme", "Email", "NULL", 1),
    ]);
}

#[test]
fn a_gap_of_exactly_thirty_minutes_is_inside_a_session() {
    case(&["0 a 0 click Email acme", "1 a 30 click TV acme"]).gives(&[
        ("acme", "START", "Email", 1),
        ("acme", "Email", "TV", 1),
        ("acme", "TV", "NULL", 1),
    ]);
}

#[test]
fn a_gap_of_one_millisecond_more_splits_it() {
    case(&["0 a 0 click Email acme", "1 a 30+1 click TV acme"]).gives(&[
        ("acme", "START", "Email", 1),
        ("acme", "Email", "NULL", 1),
        ("acme", "START", "TV", 1),
        ("acme", "TV", "NULL", 1),
    ]);
}

#[test]
fn interleaved_advertisers_have_journeys_of_their_own() {
    case(&[
        "0 a 0  click      Email acme",
        "1 a 5  click      Radio bolt",
        "0 a 10 impression TV    acme",
        "1 a 15 conversion -     bolt",
        "2 a 20 conversion -     acme",
        "2 a 25 click      Email bolt",
    ])
    .gives(&[
        ("acme", "START", "Email", 1),
        ("acme", "Email", "TV", 1),
        ("acme", "TV", "CONVERSION", 1),
        ("bolt", "START", "Radio", 1),
        ("bolt", "Radio", "CONVERSION", 1),
        ("bolt", "START", "Email", 1),
        ("bolt", "Email", "NULL", 1),
    ]);
}

/// Two sessions of one user with four advertisers: two on both sides, one of them converted on the left; one on each.
const TWO_SESSIONS: [&str; 7] = [
    "0 a 0  click      Email acme",
    "1 a 1  click      Radio bolt",
    "0 a 2  conversion -     bolt",
    "1 a 3  click      TV    cove",
    "2 a 50 click      Radio acme",
    "3 a 51 click      TV    bolt",
    "2 a 52 conversion -     dune",
];

#[test]
fn without_an_activity_between_them_two_sessions_stay_two() {
    case(&TWO_SESSIONS).gives(&[
        ("acme", "START", "Email", 1),
        ("acme", "Email", "NULL", 1),
        ("acme", "START", "Radio", 1),
        ("acme", "Radio", "NULL", 1),
        ("bolt", "START", "Radio", 1),
        ("bolt", "Radio", "CONVERSION", 1),
        ("bolt", "START", "TV", 1),
        ("bolt", "TV", "NULL", 1),
        ("cove", "START", "TV", 1),
        ("cove", "TV", "NULL", 1),
        ("dune", "START", "CONVERSION", 1),
    ]);
}

#[test]
fn an_activity_joins_two_sessions_for_every_advertiser_at_once() {
    let mut joined = TWO_SESSIONS.to_vec();
    joined.push("4 a 26 video_play - -");
    case(&joined).gives(&[
        ("acme", "START", "Email", 1),
        ("acme", "Email", "Radio", 1),
        ("acme", "Radio", "NULL", 1),
        ("bolt", "START", "Radio", 1),
        ("bolt", "Radio", "CONVERSION", 1),
        ("bolt", "START", "TV", 1),
        ("bolt", "TV", "NULL", 1),
        ("cove", "START", "TV", 1),
        ("cove", "TV", "NULL", 1),
        ("dune", "START", "CONVERSION", 1),
    ]);
}

#[test]
fn a_late_first_touch_takes_its_journey_out_of_the_hour() {
    // The clock ends at minute 100, so that the hour begins with minute 41.
    let journey = [
        "0 z 100 video_play - -",
        "1 a 45 click Email acme",
        "1 a 50 conversion - acme",
    ];
    let before = case(&journey).report();
    let in_hour = [
        ("acme", "START", "Email", 1),
        ("acme", "Email", "CONVERSION", 1),
    ];
    assert_eq!(rows(&before, Window::Hour), sorted(&in_hour));

    let still = case(&[&journey[..], &["2 a 41 click TV acme"]].concat()).report();
    let longer = [
        ("acme", "START", "TV", 1),
        ("acme", "TV", "Email", 1),
        ("acme", "Email", "CONVERSION", 1),
    ];
    assert_eq!(rows(&still, Window::Hour), sorted(&longer));

    let after = case(&[&journey[..], &["2 a 40 click TV acme"]].concat()).report();
    assert_eq!(rows(&after, Window::Hour), []);
    assert_eq!(rows(&after, Window::Day), sorted(&longer));
    assert_eq!(rows(&after, Window::All), sorted(&longer));
}

#[test]
fn a_late_conversion_brings_the_rest_of_its_journey_into_the_hour() {
    let journey = [
        "0 z 100 video_play - -",
        "1 a 30 click Email acme",
        "1 a 45 click TV acme",
    ];
    let before = case(&journey).report();
    assert_eq!(rows(&before, Window::Hour), []);

    let after = case(&[&journey[..], &["2 a 35 conversion - acme"]].concat()).report();
    let in_hour = [("acme", "START", "TV", 1), ("acme", "TV", "NULL", 1)];
    assert_eq!(rows(&after, Window::Hour), sorted(&in_hour));
    let all = [
        ("acme", "START", "Email", 1),
        ("acme", "Email", "CONVERSION", 1),
        ("acme", "START", "TV", 1),
        ("acme", "TV", "NULL", 1),
    ];
    assert_eq!(rows(&after, Window::All), sorted(&all));
}

#[test]
fn conversions_without_touch_are_nobodys_credit() {
    let report = case(&[
        "0 a 0 conversion -     acme revenue=5",
        "0 b 1 click      Email acme",
        "1 b 2 conversion -     acme revenue=7",
        "1 b 3 conversion -     acme revenue=11",
    ])
    .report();
    let expected = [
        ("acme", "START", "CONVERSION", 2),
        ("acme", "START", "Email", 1),
        ("acme", "Email", "CONVERSION", 1),
    ];
    assert_eq!(rows(&report, Window::All), sorted(&expected));
    let chain = chain(&report, "acme", Window::All);
    let untouched = chain.counts[&(State::Start, State::Conversion)];
    assert_eq!((untouched.count, untouched.value_micros), (2, 16_000_000));
    let [email] = &chain.credits[..] else {
        panic!("one state has credit: {:?}", chain.credits);
    };
    assert_eq!(chain.p_conversion, Some(1.0));
    assert_eq!(email.attributed_conversions, Some(1.0));
    assert_eq!(email.attributed_value, Some(7.0));
    // Of three converting journeys one goes through Email.
    let effect = email.removal_effect.expect("there are conversions");
    assert!((effect - 1.0 / 3.0).abs() < 1e-12, "{effect}");
}

#[test]
fn copies_count_once_in_one_partition_and_in_two() {
    let report = case(&[
        "0 a 0 click Email acme event_id=1",
        "0 a 0 click Email acme event_id=1",
        "1 a 0 click Email acme event_id=1",
        "1 a 1 click Email acme event_id=1",
        "1 b 0 click Email acme event_id=1",
    ])
    .report();
    assert_eq!(dispositions(&report), [3, 2, 0, 0, 0]);
    let expected = [
        ("acme", "START", "Email", 2),
        ("acme", "Email", "Email", 1),
        ("acme", "Email", "NULL", 2),
    ];
    assert_eq!(rows(&report, Window::All), sorted(&expected));
}

#[test]
fn of_copies_with_other_content_the_least_wins() {
    // What is compared first stands first.
    let winners: [(&str, [&str; 2]); 6] = [
        ("kind", ["impression TV acme", "click Radio abel"]),
        ("advertiser", ["click TV abel", "click Radio acme"]),
        (
            "campaign",
            [
                "click TV acme campaign=autumn",
                "click Radio acme campaign=spring",
            ],
        ),
        ("channel", ["click Radio acme", "click TV acme"]),
        (
            "value",
            ["conversion - acme revenue=1", "conversion - acme revenue=2"],
        ),
        (
            "no campaign",
            ["click TV acme", "click Radio acme campaign=spring"],
        ),
    ];
    for (what, [least, other]) in winners {
        let line = |partition: u32, rest: &str| format!("{partition} a 0 {rest} event_id=1");
        let alone = case(&[&line(0, least)]).report();
        let copies = [
            line(0, other),
            line(1, least),
            line(2, other),
            line(0, least),
        ];
        let copies: Vec<&str> = copies.iter().map(String::as_str).collect();
        let report = case(&copies).report();
        assert_eq!(dispositions(&report), [1, 3, 0, 0, 1], "{what}");
        assert!(!report.chains.is_empty());
        assert_eq!(report.chains, alone.chains, "{what}");
    }
}

#[test]
fn a_copy_that_wins_changes_what_lies_around_it() {
    let report = case(&[
        "0 a 0 click      Email acme",
        "1 a 5 conversion -     acme event_id=1",
        "2 a 5 video_play -     acme event_id=1",
        "0 a 9 click      TV    acme",
    ])
    .report();
    assert_eq!(dispositions(&report), [3, 1, 0, 0, 1]);
    let expected = [
        ("acme", "START", "Email", 1),
        ("acme", "Email", "TV", 1),
        ("acme", "TV", "NULL", 1),
    ];
    assert_eq!(rows(&report, Window::All), sorted(&expected));
}

#[test]
fn a_record_at_the_bound_is_in_time_and_one_before_it_is_late() {
    let report = case(&[
        "0 a 20 click Email acme",
        "0 b 10 click Radio acme",
        "0 c 9+59999 click TV acme",
        "1 d 0 click TV bolt",
    ])
    .report();
    assert_eq!(dispositions(&report), [3, 0, 1, 0, 0]);
    let expected = [
        ("acme", "START", "Email", 1),
        ("acme", "Email", "NULL", 1),
        ("acme", "START", "Radio", 1),
        ("acme", "Radio", "NULL", 1),
        ("bolt", "START", "TV", 1),
        ("bolt", "TV", "NULL", 1),
    ];
    assert_eq!(rows(&report, Window::All), sorted(&expected));
}

#[test]
fn with_a_support_of_three_the_third_largest_time_sets_the_bound() {
    let report = case(&[
        "0 a 20 click Email acme",
        "0 b 9999 click Email acme",
        "0 c 0 click Radio acme",
        "0 d 21 click Email acme",
        "0 e 10 click Radio acme",
        "0 f 9+59999 click TV acme",
    ])
    .with(|settings| settings.watermark_support = 3)
    .report();
    assert_eq!(dispositions(&report), [5, 0, 1, 0, 0]);
    let expected = [
        ("acme", "START", "Email", 3),
        ("acme", "Email", "NULL", 3),
        ("acme", "START", "Radio", 2),
        ("acme", "Radio", "NULL", 2),
    ];
    assert_eq!(rows(&report, Window::All), sorted(&expected));
}

#[test]
fn a_record_without_user_is_accepted_once_and_makes_no_journey() {
    let report = case(&[
        "0 - 0 click Email acme event_id=1",
        "1 - 0 click Email acme event_id=1",
        "1 - 1 click Email acme event_id=1",
        "0 - 0 click Email acme event_id=2",
        "0 - 2 conversion - acme event_id=-",
        "1 - 2 conversion - acme event_id=-",
    ])
    .report();
    assert_eq!(dispositions(&report), [5, 1, 0, 0, 0]);
    assert_eq!(rows(&report, Window::All), []);
}

#[test]
fn a_user_cannot_pose_as_the_event_of_another_without_user() {
    let alone = json!({ "event_type": "video_play", "event_time": time("25"), "event_id": "1" });
    let mut lines = vec![(0, alone)];
    for (minute, channel) in [("0", "Email"), ("50", "TV")] {
        let user = "\0event\x001";
        let line = json!({ "event_type": "click", "event_time": time(minute), "user_id": user, "channel": channel });
        lines.push((1, line));
    }
    of_lines(lines).gives(&[
        ("default", "START", "Email", 1),
        ("default", "Email", "NULL", 1),
        ("default", "START", "TV", 1),
        ("default", "TV", "NULL", 1),
    ]);
}

#[test]
fn what_a_record_does_not_name_has_a_name_all_the_same() {
    case(&[
        "0 a 0 click      -     -",
        "1 a 1 click      Email acme",
        "0 a 2 conversion -     - advertiser=",
        "1 a 3 click      -     - channel= anonymous_id=b",
        "1 - 4 click      Email - anonymous_id=b user_id=",
    ])
    .gives(&[
        ("acme", "START", "Email", 1),
        ("acme", "Email", "NULL", 1),
        ("default", "START", "(unknown)", 2),
        ("default", "(unknown)", "CONVERSION", 1),
        ("default", "(unknown)", "NULL", 1),
        ("default", "START", "Email", 1),
        ("default", "Email", "NULL", 1),
    ]);
}

#[test]
fn records_without_id_are_copies_of_nothing() {
    case(&[
        "0 a 0 click Email acme event_id=-",
        "0 a 0 click Email acme event_id=-",
        "1 a 0 click Email acme event_id=-",
    ])
    .gives(&[
        ("acme", "START", "Email", 1),
        ("acme", "Email", "Email", 2),
        ("acme", "Email", "NULL", 1),
    ]);
}

#[test]
fn a_row_may_be_a_touch_and_its_conversion() {
    let rows_of = |text: &[&str]| -> Vec<(u32, Vec<u8>)> {
        let rows = text.iter().enumerate();
        rows.map(|(place, row)| ((place % 2) as u32, row.as_bytes().to_vec()))
            .collect()
    };
    let header = b"cookie,time,interaction,conversion,conversion_value,channel";
    let decoder = CsvDecoder::new(header, None).expect("a header of known names");
    let mut case = case(&[]);
    case.csv = Some(Arc::new(decoder));
    case.lines = rows_of(&[
        "a,2025-02-01 00:00:00,impression,0,0,Email",
        "a,2025-02-01 00:01:00,impression,1,6.5,\"TV, \"\"big\"\"\"",
        "a,2025-02-01 00:02:00,conversion,1,3,Email",
        "b,2025-02-01 00:00:00,click,0,,Email",
    ]);
    let report = case.report();
    assert_eq!(dispositions(&report), [4, 0, 0, 0, 0]);
    let big = "TV, \"big\"";
    let expected = [
        ("default", "START", "Email", 3),
        ("default", "Email", big, 1),
        ("default", big, "CONVERSION", 1),
        ("default", "Email", "CONVERSION", 1),
        ("default", "Email", "NULL", 1),
    ];
    assert_eq!(rows(&report, Window::All), sorted(&expected));
    let chain = chain(&report, "default", Window::All);
    let value = |from: &str| {
        let key = (State::Named(from.to_owned()), State::Conversion);
        chain.counts[&key].value_micros
    };
    assert_eq!((value(big), value("Email")), (6_500_000, 3_000_000));
}

/// A name that is hard to write, in the transitions CSV and in JSON.
const NAMES: [[&str; 3]; 11] = [
    ["a,b", "\"a,b\"", "a,b"],
    ["say \"hi\"", "\"say \"\"hi\"\"\"", "say \"hi\""],
    ["Über-Öl ß", "Über-Öl ß", "Über-Öl ß"],
    ["(start)", "(start)", "\\(start)"],
    ["start", "\\start", "start"],
    ["\\start", "\\\\start", "\\start"],
    ["\\(null)", "\\(null)", "\\\\(null)"],
    ["conversion", "\\conversion", "conversion"],
    ["*", "*", "*"],
    ["(unknown)", "(unknown)", "(unknown)"],
    ["two\nlines", "\"two\nlines\"", "two\nlines"],
];

#[test]
fn any_text_is_a_name() {
    let line = |name: &str, kind: &str, minute: &str| json!({ "event_type": kind, "event_time": time(minute), "user_id": "a", "advertiser": name, "channel": name });
    for [name, csv, in_json] in NAMES {
        let case = of_lines(vec![
            (0, line(name, "click", "0")),
            (1, line(name, "conversion", "1")),
        ]);
        let report = case.report();
        let named = State::Named(name.to_owned());
        let counts = &chain(&report, name, Window::All).counts;
        let steps: Vec<_> = counts.keys().cloned().collect();
        let expected = [
            (State::Start, named.clone()),
            (named.clone(), State::Conversion),
        ];
        assert_eq!(steps, expected, "{name:?}");
        assert_exports(&report, name, csv, in_json);
    }
}

/// The name as a channel in the CSV, and in JSON both as a channel and as an advertiser.
fn assert_exports(report: &Report, name: &str, csv: &str, in_json: &str) {
    let mut text = Vec::new();
    report.transitions_csv(&mut text).expect("memory is enough");
    let text = String::from_utf8(text).expect("text");
    assert!(text.contains(&format!(",start,{csv},1\n")), "{text}");
    assert!(text.contains(&format!(",{csv},conversion,1\n")), "{text}");

    let json = report.export_json(Dimension::Channel, Window::All);
    let scope = if name == "*" { "\\*" } else { name };
    for scope in [scope, "*"] {
        let steps = &json["scopes"][scope]["markov"]["1"]["transition_counts"];
        let expected = json!([["(start)", in_json, 1], [in_json, "(conversion)", 1]]);
        assert_eq!(*steps, expected, "{name:?} in {scope:?}");
    }
}
