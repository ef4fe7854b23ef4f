//! The promise itself: at every closed epoch the rows equal the oracle's report over the records taken in so far.

mod histories;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use dataflows::attribution::{Attribution, Credit};
use dataflows::event::{Event, Name};
use dataflows::row::Float;
use dataflows::settings::Settings;
use dataflows::transitions::Scope;
use histories::History;
use tributary::cluster::Cluster;
use tributary::frames::Frames;
use tributary::ingest::intake::EpochPolicy;
use tributary::ingest::source::{Decoded, Step};
use tributary::oracle::{self, Log};
use tributary::report::{self, Chain, ChainKey, Report, State};
use tributary::run::{self, Options};

/// Histories whose every epoch is compared, for each number of workers.
const HISTORIES: u64 = 100;

#[test]
fn with_one_record_an_epoch() {
    every_frame_equals_the_oracle(|_| 1);
}

#[test]
fn with_a_few_records_an_epoch() {
    every_frame_equals_the_oracle(|place| 1 + place * 5 % 7);
}

/// `batch_of` says how many records the n-th epoch takes in at most.
fn every_frame_equals_the_oracle(batch_of: fn(usize) -> usize) {
    let mut epochs = 0;
    for seed in 0..HISTORIES {
        let settings = histories::settings(seed);
        let history = histories::history(seed, &settings);
        let steps = interleaved(&history, batch_of);
        for workers in [1, 2] {
            let frames = frames(&history, &settings, &steps, workers);
            let what = format!("seed {seed}, {workers} workers, {settings:?}");
            epochs += check(&history, &settings, &steps, &frames, &what);
        }
    }
    assert!(epochs > 1_000, "only {epochs} epochs were compared");
}

/// Steps of one epoch each that take the partitions in turn.
fn interleaved(history: &History, batch_of: fn(usize) -> usize) -> Vec<Step> {
    let mut taken = vec![0; history.partitions.len()];
    let mut steps: Vec<Step> = Vec::new();
    for turn in 0.. {
        if taken.iter().sum::<usize>() as u64 == history.records() {
            break;
        }
        let partition = turn % taken.len();
        let start = taken[partition];
        let end = (start + batch_of(steps.len())).min(history.partitions[partition].len());
        if end > start {
            taken[partition] = end;
            steps.push(Step {
                partition,
                records: start..end,
                ends_epoch: true,
                thread: None,
            });
        }
    }
    steps
}

/// The frames of all closed epochs, in order.
fn frames(history: &History, settings: &Settings, steps: &[Step], workers: usize) -> Vec<Frames> {
    let logs = history.partitions.iter();
    let logs: Vec<Arc<[Option<Event>]>> = logs.map(|log| log.as_slice().into()).collect();
    let frames = Arc::new(Mutex::new(Vec::new()));
    let sink = frames.clone();
    let names = history.names.iter();
    let options = Options {
        settings: *settings,
        key: [0; 32],
        cluster: Cluster::single(workers),
        // More than a step has, and few enough that several epochs end together.
        epochs: EpochPolicy {
            records: 1_000,
            interval: None,
            in_flight: 5,
        },
        on_frame: Some(Arc::new(move |frame: &Frames| {
            sink.lock().expect("nobody panics").push(frame.clone());
        })),
        on_block: None,
        record_bytes_max: 16 << 20,
        on_rejected: None,
        is_live: false,
        inputs: String::new(),
        names: Arc::new(names.map(|(&name, text)| (name, text.clone())).collect()),
    };
    let source = Decoded::new(&logs, (0..logs.len()).collect(), steps.to_vec(), true);
    run::run(Box::new(source), &options).expect("the run ends");
    std::mem::take(&mut *frames.lock().expect("nobody panics"))
}

/// Compares every frame and returns how many there were.
fn check(
    history: &History,
    settings: &Settings,
    steps: &[Step],
    frames: &[Frames],
    what: &str,
) -> usize {
    let mut prefix: Vec<Log> = vec![Log::new(); history.partitions.len()];
    // Epoch 0 tells names and partitions only; then every batch is an epoch that at least reads its records.
    let (announced, frames) = frames.split_first().expect("names have rows");
    assert_eq!(
        (announced.as_of_epoch, announced.attributions().count()),
        (0, 0)
    );
    assert!(frames.len() >= steps.len(), "{what}: an epoch has no frame");
    for (place, frame) in frames.iter().enumerate() {
        let ended = place >= steps.len();
        if let Some(step) = steps.get(place) {
            assert_eq!(frame.as_of_epoch, place as u64 + 1, "{what}");
            let records = &history.partitions[step.partition][step.records.clone()];
            prefix[step.partition].extend_from_slice(records);
        }
        let read: usize = prefix.iter().map(Vec::len).sum();
        assert_eq!(frame.dispositions.read, read as i64, "{what}");
        let expected = oracle::report(&prefix, &history.names, settings, ended);
        let what = format!("{what}, epoch {} after {read} records", frame.as_of_epoch);
        compare(frame, &expected, &what);
    }
    // What is open is exact where a question made it so: at the very end.
    let last = frames.last().expect("a frame").dispositions;
    let whole = oracle::report(&prefix, &history.names, settings, true);
    let open = [last.open_sessions, last.open_journeys].map(|open| open as u64);
    assert_eq!(open, [whole.open_sessions, whole.open_journeys], "{what}");
    frames.len()
}

fn compare(frame: &Frames, expected: &Report, what: &str) {
    let shown = frame.dispositions;
    let counters = [
        (shown.accepted, expected.accepted),
        (shown.duplicate, expected.duplicate),
        (shown.late, expected.late),
        (shown.invalid, expected.invalid),
        (shown.no_consent, expected.no_consent),
        (shown.conflicts, expected.conflicts),
    ];
    for (shown, expected) in counters {
        assert_eq!(shown as u64, expected, "{what}: {counters:?}");
    }
    let shown: BTreeMap<ChainKey, Figures> = frame
        .attributions()
        .map(|row| (key(frame, row), of_row(frame, row)))
        .collect();
    let chains = expected.chains.iter();
    let expected: BTreeMap<ChainKey, Figures> = chains
        .map(|(key, chain)| (key.clone(), of_chain(chain)))
        .collect();
    assert_eq!(shown, expected, "{what}");
}

/// What a row shows of a chain; floats by their bits.
#[derive(Debug, PartialEq)]
struct Figures {
    journeys: i64,
    touches: i64,
    conversions: i64,
    untouched: i64,
    untouched_value: i128,
    value: i128,
    p_conversion: Option<u64>,
    expected_value_per_journey: Option<u64>,
    credits: Vec<(String, [Option<u64>; 4])>,
}

fn key(frame: &Frames, row: &Attribution) -> ChainKey {
    let text = |name: Name| frame.labels().text(name).to_string();
    ChainKey {
        advertiser: match row.chain.scope {
            Scope::Everyone => None,
            Scope::Advertiser(name) => Some(text(name)),
        },
        dimension: row.chain.dimension,
        window: row.window,
    }
}

fn of_row(frame: &Frames, row: &Attribution) -> Figures {
    let bits = |float: Option<Float>| float.map(|float| f64::from(float).to_bits());
    let credit = |credit: &Credit| {
        let figures = [
            credit.removal_effect,
            credit.removal_effect_value,
            credit.attributed_conversions,
            credit.attributed_value,
        ];
        (
            frame.labels().text(credit.state).to_string(),
            figures.map(bits),
        )
    };
    Figures {
        journeys: row.journeys,
        touches: row.touches,
        conversions: row.conversions,
        untouched: row.untouched,
        untouched_value: row.untouched_value,
        value: row.value,
        p_conversion: bits(row.p_conversion),
        expected_value_per_journey: bits(row.expected_value_per_journey),
        credits: row.credits.iter().map(credit).collect(),
    }
}

fn of_chain(chain: &Chain) -> Figures {
    let bits = |float: Option<f64>| float.map(f64::to_bits);
    let sum = |keep: fn(&State, &State) -> bool| {
        let counts = chain.counts.iter();
        let kept = counts.filter(|((from, to), _)| keep(from, to));
        kept.fold((0, 0), |(count, value), (_, it)| {
            (count + it.count, value + it.value_micros)
        })
    };
    let (conversions, value) = sum(|_, to| *to == State::Conversion);
    let (untouched, untouched_value) =
        sum(|from, to| (from, to) == (&State::Start, &State::Conversion));
    let credit = |credit: &report::Credit| {
        let figures = [
            credit.removal_effect,
            credit.removal_effect_value,
            credit.attributed_conversions,
            credit.attributed_value,
        ];
        (credit.state.clone(), figures.map(bits))
    };
    Figures {
        journeys: sum(|from, _| *from == State::Start).0,
        touches: sum(|_, to| matches!(to, State::Named(_))).0,
        conversions,
        untouched,
        untouched_value,
        value,
        p_conversion: bits(chain.p_conversion),
        expected_value_per_journey: bits(chain.expected_value_per_journey),
        credits: chain.credits.iter().map(credit).collect(),
    }
}
