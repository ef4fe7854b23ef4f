//! The oracle against results of other packages on public data (closed form, checked with marketing-attribution-models).
//!
//! The data is no part of the repository: the folder `shared/data` beside it, or below `TRIBUTARY_SHARED`.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use dataflows::event::{Event, Kind, Name, Receipt, UserId};
use dataflows::settings::{NO_GAP_MS, Settings};
use dataflows::transitions::{Dimension, Window};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;
use tributary::oracle;
use xxhash_rust::xxh3::xxh3_64;

#[test]
fn sessions_of_thirty_minutes() {
    check("mta_even_gap30m", 30 * 60_000);
}

#[test]
fn sessions_without_end() {
    check("mta_even_nogap", NO_GAP_MS);
}

fn check(case: &str, session_gap_ms: i64) {
    let Some(data) = data() else {
        return;
    };
    let (log, names) = read_events(&data.join("events_mta_even.csv.gz"));
    let settings = Settings {
        session_gap_ms,
        allowed_lateness_ms: None,
        ..Settings::default()
    };
    let report = oracle::report(&[log], &names, &settings, true);
    let export = report.export_json(Dimension::Channel, Window::All);
    let golden = data.join(format!("golden/{case}.json"));
    let golden: Value = serde_json::from_reader(File::open(golden).unwrap()).unwrap();
    for scope in ["default", "*"] {
        let ours = &export["scopes"][scope];
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{case}.json"));
        std::fs::write(file, ours.to_string()).unwrap();
        compare(&golden["expected"], ours);
    }
}

fn data() -> Option<PathBuf> {
    let beside = || {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../shared")
            .into()
    };
    let shared: PathBuf = std::env::var_os("TRIBUTARY_SHARED")
        .unwrap_or_else(beside)
        .into();
    let data = shared.join("data");
    if !data.is_dir() {
        eprintln!(
            "SKIPPED: {} is absent; TRIBUTARY_SHARED names its folder",
            data.display()
        );
        return None;
    }
    Some(data)
}

/// Every row is a touch, and a conversion of value 1 as well if it says so.
fn read_events(path: &Path) -> (oracle::Log, HashMap<Name, String>) {
    let file = File::open(path).unwrap();
    let mut rows = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
    let (mut log, mut names) = (Vec::new(), HashMap::new());
    let mut name = |text: &str| {
        names.insert(Name::of(text), text.to_owned());
        Name::of(text)
    };
    for row in rows.records() {
        let row = row.unwrap();
        let [sequence, user, time, channel, campaign, conversion] =
            [0, 1, 2, 3, 4, 5].map(|field| &row[field]);
        let converts = conversion == "1";
        let time: DateTime = time.parse().unwrap();
        log.push(Some(Event {
            user: UserId::new(&[7; 32], user.as_bytes()),
            time: TimeZone::UTC.to_timestamp(time).unwrap().as_millisecond(),
            id: xxh3_64(format!("0:{sequence}").as_bytes()),
            sequence: sequence.parse().unwrap(),
            advertiser: name("default"),
            campaign: name(campaign),
            channel: name(channel),
            value: if converts { 1_000_000 } else { 0 },
            kind: if converts {
                Kind::Conversion
            } else {
                Kind::Impression
            },
            touches: converts,
            userless: false,
            receipt: Receipt::NONE,
        }));
    }
    (log, names)
}

fn compare(golden: &Value, ours: &Value) {
    for figure in ["total", "converted", "null", "value", "touches"] {
        close(
            &golden["journeys"][figure],
            &ours["journeys"][figure],
            figure,
        );
    }
    let (golden, ours) = (&golden["markov"]["1"], &ours["markov"]["1"]);
    for figure in ["states", "p_conversion", "expected_value_per_journey"] {
        close(&golden[figure], &ours[figure], figure);
    }
    for figure in [
        "removal_effect",
        "removal_effect_value",
        "attributed_conversions",
        "attributed_value",
    ] {
        let channels = golden[figure].as_object().unwrap();
        assert_eq!(channels.len(), ours[figure].as_object().unwrap().len());
        for (channel, value) in channels {
            close(
                value,
                &ours[figure][channel],
                &format!("{figure} of {channel}"),
            );
        }
    }
    let steps = |counts: &Value| -> HashMap<(String, String), i64> {
        let rows = counts.as_array().unwrap().iter();
        rows.map(|row| {
            let [from, to] = [0, 1].map(|field| row[field].as_str().unwrap().to_owned());
            ((from, to), row[2].as_f64().unwrap() as i64)
        })
        .collect()
    };
    assert_eq!(
        steps(&golden["transition_counts"]),
        steps(&ours["transition_counts"])
    );
}

fn close(golden: &Value, ours: &Value, figure: &str) {
    let [golden, ours] = [golden, ours].map(|value| value.as_f64().unwrap());
    let tolerance = 1e-12 + 1e-9 * golden.abs();
    assert!(
        (golden - ours).abs() <= tolerance,
        "{figure}: {ours}, not {golden}"
    );
}
