//! Hostile lines among good ones, through the whole program: each bad one is handed out with its reason exactly once,
//! each good one is accepted, every record has one disposition.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use dataflows::settings::Settings;
use tributary::cluster::Cluster;
use tributary::ingest::block::{Block, Payload};
use tributary::ingest::intake::EpochPolicy;
use tributary::ingest::json::JsonDecoder;
use tributary::ingest::record::Reason;
use tributary::ingest::source::Source;
use tributary::results::Results;
use tributary::run::{self, Options};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// 2025-02-01T00:00:00Z.
const BASE: i64 = 1_738_368_000_000;
const PARTITIONS: u64 = 2;
const LINES_PER_BLOCK: usize = 500;
const MIB: usize = 1 << 20;
/// So many good lines, and as many hostile ones.
const SCALE: u64 = 100_000;

/// A line and what has to become of it.
struct Line {
    bytes: Vec<u8>,
    refused: Option<Reason>,
}

/// Partition and number of a rejected record, and why it was.
type Rejections = BTreeMap<(u32, u64), Vec<Reason>>;

#[test]
fn hostile_lines_are_refused_one_by_one_and_good_ones_accepted() {
    let logs = logs();
    for workers in [1, 2] {
        let (results, rejected) = run(&logs, workers);
        let expected = expected(&logs);
        assert!(expected.len() as u64 > SCALE / 3, "{}", expected.len());
        let counted = results.frames.dispositions;
        assert_eq!(counted.read as u64, 2 * SCALE);
        assert_eq!(counted.invalid, expected.len() as i64);
        assert_eq!(counted.accepted, 2 * SCALE as i64 - expected.len() as i64);
        assert_eq!(counted.read, counted.total());
        assert!(
            rejected == expected,
            "{}",
            first_difference(&rejected, &expected)
        );
        let reasons = rejected.values().flatten().collect::<Vec<_>>();
        for reason in REASONS {
            assert!(reasons.contains(&&reason), "no line was {}", reason.name());
        }
    }
}

/// What a line of JSON can be refused for.
const REASONS: [Reason; 10] = [
    Reason::Encoding,
    Reason::Syntax,
    Reason::Depth,
    Reason::MissingType,
    Reason::UnknownType,
    Reason::MissingTime,
    Reason::BadTime,
    Reason::TimeRange,
    Reason::BadText,
    Reason::BadNumber,
];

fn first_difference(shown: &Rejections, expected: &Rejections) -> String {
    let different = |key: &&(u32, u64)| shown.get(*key) != expected.get(*key);
    let key = shown.keys().chain(expected.keys()).find(different);
    key.map_or(String::new(), |key| {
        format!("{key:?}: {:?}, not {:?}", shown.get(key), expected.get(key))
    })
}

fn expected(logs: &[Vec<Line>]) -> Rejections {
    let mut expected = Rejections::new();
    for (partition, log) in logs.iter().enumerate() {
        for (number, line) in log.iter().enumerate() {
            if let Some(reason) = line.refused {
                expected.insert((partition as u32, number as u64), vec![reason]);
            }
        }
    }
    expected
}

/// Good lines and hostile ones, mixed.
fn logs() -> Vec<Vec<Line>> {
    let mut decoder = JsonDecoder::new();
    let mut logs: Vec<Vec<Line>> = (0..PARTITIONS).map(|_| Vec::new()).collect();
    for number in 0..SCALE {
        let log = &mut logs[(number % PARTITIONS) as usize];
        log.push(Line {
            bytes: good(number),
            refused: None,
        });
        log.push(hostile(number, &mut decoder));
    }
    logs
}

fn good(number: u64) -> Vec<u8> {
    let (time, user) = (BASE + number as i64 * 10, drawn(number, 1_000));
    let kind = ["click", "impression", "conversion", "video_play"][drawn(number + 1, 4) as usize];
    let channel = ["Email", "TV", "Radio"][drawn(number + 2, 3) as usize];
    format!(r#"{{"event_type":"{kind}","event_time":{time},"event_id":"{number}","user_id":"u{user}","channel":"{channel}","revenue":1.5}}"#)
        .into_bytes()
}

/// A number that looks drawn.
fn drawn(number: u64, limit: u64) -> u64 {
    xxh3_64_with_seed(&number.to_le_bytes(), 7) % limit
}

/// A line with this beside type, time and an id of its own.
fn with(number: u64, fields: &str) -> Vec<u8> {
    let time = BASE + number as i64 * 10;
    format!(r#"{{"event_type":"click","event_time":{time},"event_id":"h{number}",{fields}}}"#)
        .into_bytes()
}

fn at(number: u64, time: &str) -> Vec<u8> {
    format!(r#"{{"event_type":"click","event_id":"h{number}","event_time":{time}}}"#).into_bytes()
}

fn hostile(number: u64, decoder: &mut JsonDecoder) -> Line {
    use Reason::*;
    let (bytes, refused) = match drawn(number + SCALE, 32) {
        0 => (
            with(number, "\"user_id\":\"~\"").replaced(b'~', 0xFF),
            Some(Encoding),
        ),
        1 if number.is_multiple_of(16) => (with(number, &nested(10_000)), Some(Depth)),
        1 => (with(number, &nested(32)), Some(Depth)),
        2 => (with(number, "\"revenue\":NaN"), Some(Syntax)),
        3 => (with(number, "\"revenue\":1e308"), Some(BadNumber)),
        4 => (with(number, "\"position\":1e308"), Some(BadNumber)),
        5 => (
            with(number, "\"sequence\":9223372036854775808"),
            Some(BadNumber),
        ),
        6 => (at(number, "9223372036854775807"), Some(TimeRange)),
        7 => (at(number, "-9223372036854775808"), Some(TimeRange)),
        8 => (with(number, r#""user_id":"\ud800""#), Some(Syntax)),
        9 => (
            with(number, "\"channel\":\"~\"").replaced(b'~', 0),
            Some(Syntax),
        ),
        10 => (with(number, "\"channel\":\"open}"), Some(Syntax)),
        11 => (b"[1,2,3]".to_vec(), Some(Syntax)),
        12 => (at(number, "\"2100-01-01T00:00:00Z\""), Some(TimeRange)),
        13 => (at(number, "\"1999-12-31T23:59:59.999Z\""), Some(TimeRange)),
        14 => (at(number, "\"soon\""), Some(BadTime)),
        15 => (at(number, "[]"), Some(BadTime)),
        16 => (at(number, "null"), Some(MissingTime)),
        17 => (with(number, "\"type\":\"clack\""), Some(UnknownType)),
        18 => (with(number, "\"type\":null"), Some(MissingType)),
        19 => (with(number, "\"user_id\":{}"), Some(BadText)),
        20 => (with(number, "\"channel\":1.5"), Some(BadText)),
        21 => return long(number),
        // Odd, but there is nothing wrong with these.
        22 => (at(number, "\"2099-12-31T23:59:59.999Z\""), None),
        23 => (
            with(
                number,
                r#""user_id":"\u0000event\u0000h1","sequence":-9223372036854775808"#,
            ),
            None,
        ),
        24..=26 => (
            with(
                number,
                &format!(
                    "\"user_id\":\"v{number}\",\"advertiser\":\"many\",\"channel\":\"c{}\"",
                    drawn(number, SCALE / 5)
                ),
            ),
            None,
        ),
        27..=28 => (
            at(
                number,
                &format!("{BASE},\"user_id\":\"busy\",\"channel\":\"TV\""),
            ),
            None,
        ),
        _ => return mutated(number, decoder),
    };
    Line { bytes, refused }
}

trait Replaced {
    fn replaced(self, from: u8, to: u8) -> Self;
}

impl Replaced for Vec<u8> {
    fn replaced(mut self, from: u8, to: u8) -> Self {
        self.iter_mut()
            .filter(|byte| **byte == from)
            .for_each(|byte| *byte = to);
        self
    }
}

/// So many levels below the line's own.
fn nested(depth: usize) -> String {
    format!("\"attributes\":{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// Up to a MiB: an unknown field, which is no fault, or a string without end.
fn long(number: u64) -> Line {
    let most = if number.is_multiple_of(SCALE / 50) {
        MIB
    } else {
        4_096
    };
    let text = "x".repeat(most - 200);
    if drawn(number + 5, 2) == 0 {
        let bytes = with(number, &format!("\"padding\":\"{text}\""));
        return Line {
            bytes,
            refused: None,
        };
    }
    let bytes = with(number, &format!("\"padding\":\"{text}"));
    Line {
        bytes,
        refused: Some(Reason::Syntax),
    }
}

/// A good line with a byte changed, dropped or doubled; the decoder alone says what it is.
fn mutated(number: u64, decoder: &mut JsonDecoder) -> Line {
    let mut bytes = with(
        number,
        "\"user_id\":\"m\",\"channel\":\"TV\",\"revenue\":2.25",
    );
    let place = drawn(number + 3, bytes.len() as u64) as usize;
    match drawn(number + 4, 3) {
        0 => bytes[place] = b"\"{}[]:,\\0e-x \x01\xC3"[drawn(number + 6, 15) as usize],
        1 => drop(bytes.remove(place)),
        _ => bytes.insert(place, bytes[place]),
    }
    let refused = decoder.decode(bytes.trim_ascii()).err();
    Line { bytes, refused }
}

fn run(logs: &[Vec<Line>], workers: usize) -> (Results, Rejections) {
    let rejected = Arc::new(Mutex::new(Rejections::new()));
    let sink = rejected.clone();
    let options = Options {
        settings: Settings {
            // Three records of 2099 would make all others late.
            allowed_lateness_ms: None,
            ..Settings::default()
        },
        key: [1; 32],
        cluster: Cluster::single(workers),
        epochs: EpochPolicy {
            records: 2_000,
            interval: None,
            in_flight: 5,
        },
        on_frame: None,
        on_block: None,
        is_live: false,
        record_bytes_max: 16 << 20,
        on_rejected: Some(Arc::new(move |partition, before, records| {
            let mut sink = sink.lock().expect("nobody panics");
            for it in records {
                let reasons = sink.entry((partition, before + it.record)).or_default();
                reasons.push(it.reason);
            }
        })),
        inputs: String::new(),
        names: Arc::default(),
    };
    let results = run::run(Box::new(Blocks::new(logs)), &options).expect("the run ends");
    let rejected = std::mem::take(&mut *rejected.lock().expect("nobody panics"));
    (results.expect("worker 0 is here"), rejected)
}

/// Blocks of JSON lines, the partitions in turn.
struct Blocks(std::vec::IntoIter<Block>);

impl Blocks {
    fn new(logs: &[Vec<Line>]) -> Blocks {
        let mut blocks = Vec::new();
        for (partition, log) in logs.iter().enumerate() {
            let chunks = log.chunks(LINES_PER_BLOCK);
            let last = chunks.len() - 1;
            blocks.extend(chunks.enumerate().map(|(place, lines)| {
                let lines: Vec<&[u8]> = lines.iter().map(|line| &line.bytes[..]).collect();
                let block = Block {
                    ends_partition: place == last,
                    ..Block::new(partition as u32, Payload::Json(lines.join(&b'\n')))
                };
                (place, block)
            }));
        }
        blocks.sort_by_key(|(place, _)| *place);
        let blocks: Vec<Block> = blocks.into_iter().map(|(_, block)| block).collect();
        Blocks(blocks.into_iter())
    }
}

impl Source for Blocks {
    fn partitions(&self) -> Vec<u32> {
        (0..PARTITIONS as u32).collect()
    }

    fn next(&mut self, _: Vec<u8>) -> anyhow::Result<Option<Block>> {
        Ok(self.0.next())
    }
}
