//! Exports against results of other packages on public data; `tests/golden.rs` says more.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::run;

const COLUMNS: &str =
    "user=user_id,time=ts,channel=channel,campaign=campaign,conversion=conversion,sequence=seq";

const MARKOV: [&str; 8] = [
    "states",
    "p_conversion",
    "expected_value_per_journey",
    "removal_effect",
    "removal_effect_value",
    "attributed_conversions",
    "attributed_value",
    "transition_counts",
];

#[test]
fn sessions_of_thirty_minutes() {
    check("mta_even_gap30m", "--gap 30m");
}

#[test]
fn sessions_without_end() {
    check("mta_even_nogap", "--gap none");
}

#[test]
fn journeys_of_thirty_minutes() {
    check("mta_even_gap30m", "--journeys gap:30m");
    check("mta_even_gap30m", "--gap none --journeys gap:30m");
}

fn check(case: &str, rule: &str) {
    let Some(data) = data() else {
        return;
    };
    let golden = File::open(data.join(format!("golden/{case}.json"))).unwrap();
    let golden: Value = serde_json::from_reader(golden).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out.json");
    let input = data.join("events_mta_even.csv.gz");
    let (input, export) = (input.display(), out.display());
    for workers in [1, 2, 4] {
        run(&format!(
            "replay {input} --columns {COLUMNS} {rule} --allowed-lateness unbounded --workers {workers} --export {export}"
        ))
        .ok();
        let ours: Value = serde_json::from_slice(&fs::read(&out).unwrap()).unwrap();
        fs::remove_file(&out).unwrap();
        for scope in ["default", "*"] {
            let at = format!("{rule}, {workers} workers, {scope}");
            compare(&golden["expected"], &ours["scopes"][scope], &at);
        }
    }
}

fn compare(golden: &Value, ours: &Value, at: &str) {
    for figure in ["total", "converted", "null", "value", "touches"] {
        let [golden, ours] = [golden, ours].map(|all| &all["journeys"][figure]);
        close(golden, ours, &format!("{at}: {figure}"));
    }
    for figure in MARKOV {
        let [golden, ours] = [golden, ours].map(|all| &all["markov"]["1"][figure]);
        close(golden, ours, &format!("{at}: {figure}"));
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

/// Numbers agree to nine digits, rows of counts in any order.
fn close(golden: &Value, ours: &Value, at: &str) {
    match golden {
        Value::Object(fields) => {
            assert_eq!(fields.len(), ours.as_object().unwrap().len(), "{at}");
            for (name, value) in fields {
                close(value, &ours[name], &format!("{at}.{name}"));
            }
        }
        Value::Array(rows) => assert_eq!(counts(rows), counts(ours.as_array().unwrap()), "{at}"),
        Value::Number(number) => {
            let (golden, ours) = (number.as_f64().unwrap(), ours.as_f64());
            let is_close = |ours: f64| (ours - golden).abs() <= 1e-12 + 1e-9 * golden.abs();
            assert!(ours.is_some_and(is_close), "{at}: {ours:?}, not {golden}");
        }
        _ => assert_eq!(golden, ours, "{at}"),
    }
}

fn counts(rows: &[Value]) -> BTreeMap<[String; 2], i64> {
    let count = |row: &Value| {
        let state = [0, 1].map(|at| row[at].as_str().unwrap().to_owned());
        (state, row[2].as_f64().unwrap() as i64)
    };
    rows.iter().map(count).collect()
}
