//! Settings from all sources: which one wins, and how what is wrong in them is told.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;

use toml::{Table, Value};

use super::*;

fn environment(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(n, v)| (n.into(), v.into())).collect()
}

/// All problems of one file with that text, its path shortened to `f`.
fn problems(text: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, text).unwrap();
    let found = Config::load_file(&path).unwrap_err();
    let short = |p: &Problem| p.to_string().replace(path.to_str().unwrap(), "f");
    found.0.iter().map(short).collect()
}

#[test]
fn file_errors_name_line_and_remedy() {
    for (text, expected) in [
        (
            "[sessions]\n\ngpa = '30m'",
            "f:3: unknown key `gpa` in [sessions]; did you mean `gap`?",
        ),
        (
            "[sessions]\nsession_gap = '30m'",
            "f:2: unknown key `session_gap` in [sessions]; did you mean `gap`?",
        ),
        (
            "[sessions]\nrule = 'session'",
            "f:2: unknown key `rule` in [sessions]; it belongs under [journeys]: `rule`",
        ),
        (
            "[sessions]\ncolour = 1",
            "f:2: unknown key `colour` in [sessions]; its keys are gap",
        ),
        (
            "\n[sesions]\ngap = '1h'",
            "f:3: unknown section `sesions`; did you mean [sessions]?",
        ),
        (
            "[kafka]",
            "f:1: unknown section `kafka`; the sections are epochs, ingest, journeys, lateness, log, privacy, replay, run, serve, sessions, simulator, workers",
        ),
        (
            "gap = '1h'",
            "f:1: `gap` stands outside its section; it belongs under [sessions]",
        ),
        ("sessions = 3", "f:1: [sessions] is a section, not a value"),
        (
            "[sessions]\ngap = 30",
            "f:2: sessions.gap must be text such as \"30m\", not a whole number 30",
        ),
        (
            "[sessions]\ngap = '30'",
            "f:2: sessions.gap: `30` needs a unit: ms, s, m, h or d (or `none`)",
        ),
        (
            "[lateness]\nallowed = '10 minutes'",
            "f:2: lateness.allowed: unknown unit ` minutes`; did you mean `10m`? (or `unbounded`)",
        ),
        (
            "[journeys]\nrule = '7d'",
            "f:2: journeys.rule: unknown rule `7d`; did you mean `gap:7d`?",
        ),
        (
            "[epochs]\nevents = 'many'",
            "f:2: epochs.events must be a whole number such as 100000, not text \"many\"",
        ),
        (
            "[epochs]\nevents = 0",
            "f:2: epochs.events must lie in 1 to 10000000, not 0",
        ),
        (
            "[workers]\nhosts = 'a:1'",
            "f:2: workers.hosts must be a list such as [\"a\", \"b\"], not text \"a:1\"",
        ),
        (
            "[simulator]\nlate_share = 7",
            "f:2: simulator.late_share: `7` is not a number from 0 to 1 or \"scenario\"",
        ),
        (
            "[replay]\ncolumns = { chanel = 'c' }",
            "f:2: replay.columns: unknown field `chanel`; did you mean `channel`?",
        ),
        (
            "[serve]\nstall_time = '0ms'",
            "f:2: serve.stall_time must lie in 10ms to 1h",
        ),
        (
            "[log]\nlevel = 'inf'",
            "f:2: log.level: unknown log level `inf`; did you mean `info`?",
        ),
        (
            "[privacy]\nuser_key = 12345678",
            "f:2: privacy.user_key must be text in quotes",
        ),
        (
            "[workers]\nprocesses = 2\nprocess = 2",
            "f:3: workers.process is 2, but with 2 processes the last is 1",
        ),
        (
            "[workers]\nhosts = [':1']",
            "f:2: workers.hosts: `:1` is no host:port, such as 10.0.0.1:2101",
        ),
        (
            "[workers]\nhosts = ['a:0']",
            "f:2: workers.hosts: `a:0` is no host:port, such as 10.0.0.1:2101",
        ),
        (
            "[workers]\nhosts = ['a:1', 'a:1']",
            "f:2: workers.hosts has 2 entries for 1 processes; name one host:port each",
        ),
    ] {
        assert_eq!(problems(text)[0], expected);
    }
}

#[test]
fn all_problems_are_told_in_the_order_of_lines() {
    let found = problems("[sessions]\ngap = '5'\n[log]\nlevel = 1\n[epochs]\nx = 1");
    let lines: Vec<&str> = found.iter().map(|p| &p[..4]).collect();
    assert_eq!(lines, ["f:2:", "f:4:", "f:6:"]);
}

#[test]
fn broken_files_name_the_place() {
    let syntax = &problems("[sessions]\ngap = \n")[0];
    assert!(syntax.starts_with("f:2: no valid TOML: "), "{syntax}");
    let duplicate = &problems("[log]\nlevel='info'\nlevel='info'")[0];
    assert!(duplicate.starts_with("f:3: no valid TOML: "), "{duplicate}");
    let missing = Config::load_file(Path::new("no/such.toml")).unwrap_err();
    let text = missing.to_string();
    assert!(
        text.starts_with("no/such.toml: cannot read the config file: "),
        "{text}"
    );
    assert!(text.ends_with("name another with --config"), "{text}");
}

#[test]
fn errors_of_variables_and_flags_name_them() {
    for (name, value, expected) in [
        (
            "TRIBUTARY__SESSIONS__GPA",
            "1h",
            "unknown key `gpa` in [sessions]; did you mean TRIBUTARY__SESSIONS__GAP?",
        ),
        (
            "TRIBUTARY__SESION__GAP",
            "1h",
            "unknown section `sesion`; did you mean TRIBUTARY__SESSIONS__GAP?",
        ),
        (
            "TRIBUTARY__GAP",
            "1h",
            "no section and key in the name: write TRIBUTARY__SECTION__KEY",
        ),
        (
            "TRIBUTARY__EPOCHS__EVENTS",
            "lots",
            "epochs.events must be a whole number such as 100000, not text \"lots\"",
        ),
        (
            "TRIBUTARY__REPLAY__COLUMNS",
            "user",
            "`user` is no mapping: write field=column, such as user=user_id",
        ),
    ] {
        let sources = Sources {
            environment: environment(&[(name, value)]),
            ..Sources::default()
        };
        let error = Config::load(&sources).unwrap_err().to_string();
        assert_eq!(error, format!("{name}: {expected}"));
    }
    let flag = Flag {
        name: "--workers",
        section: "workers",
        key: "threads",
        text: "0".to_owned(),
    };
    let sources = Sources {
        flags: vec![flag],
        ..Sources::default()
    };
    let error = Config::load(&sources).unwrap_err().to_string();
    assert_eq!(
        error,
        "--workers: workers.threads must lie in 1 to 1024, not 0"
    );
}

#[test]
fn no_error_holds_a_key() {
    let secret = "5e".repeat(31) + "5x";
    let file = problems(&format!("[privacy]\nuser_key = '{secret}'"));
    let broken = problems(&format!("[privacy]\nuser_key = {secret}"));
    let sources = Sources {
        environment: environment(&[("TRIBUTARY__PRIVACY__USER_KEY", &secret)]),
        ..Sources::default()
    };
    let variable = Config::load(&sources).unwrap_err().to_string();
    for text in [&file[0], &broken[0], &variable] {
        assert!(!text.contains("5e5e"), "{text}");
    }
}

/// A file, variables and flags that set the same and different keys.
fn layered(dir: &Path) -> Loaded {
    let path = dir.join("f.toml");
    let text = "[sessions]\ngap = '1h'\n[lateness]\nallowed = '1m'\nwatermark_support = 5\n[epochs]\nevents = 7\n";
    fs::write(&path, text).unwrap();
    let key = "a1".repeat(32);
    Config::load(&Sources {
        file: Some(path),
        environment: environment(&[
            ("TRIBUTARY__LATENESS__ALLOWED", "2m"),
            ("TRIBUTARY__LATENESS__WATERMARK_SUPPORT", "6"),
            ("TRIBUTARY__REPLAY__COLUMNS", "user=cookie,time=a \"b\""),
            ("TRIBUTARY__WORKERS__HOSTS", "[::1]:1, b:2"),
            ("TRIBUTARY__WORKERS__PROCESSES", "2"),
            ("TRIBUTARY__PRIVACY__USER_KEY", &key),
            ("TRIBUTARY_CONFIG", "ignored"),
        ]),
        flags: vec![Flag {
            name: "--watermark-support",
            section: "lateness",
            key: "watermark_support",
            text: "9".to_owned(),
        }],
    })
    .unwrap()
}

#[test]
fn the_stronger_source_wins_and_is_the_origin() {
    let dir = tempfile::tempdir().unwrap();
    let loaded = layered(dir.path());
    let settings = loaded.config.settings();
    assert_eq!(settings.session_gap_ms, 3_600_000);
    assert_eq!(settings.allowed_lateness_ms, Some(120_000));
    assert_eq!(settings.watermark_support, 9);
    assert_eq!(loaded.config.epochs.events, 7);
    assert_eq!(loaded.config.workers.hosts, ["[::1]:1", "b:2"]);
    let origin = |section, key| loaded.origin(section, key).to_string();
    assert!(origin("sessions", "gap").ends_with("f.toml:2"));
    assert_eq!(
        origin("lateness", "allowed"),
        "TRIBUTARY__LATENESS__ALLOWED"
    );
    assert_eq!(
        origin("lateness", "watermark_support"),
        "--watermark-support"
    );
    assert_eq!(origin("log", "level"), "default");
}

#[test]
fn what_is_printed_loads_as_the_same_config_without_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let mut loaded = layered(dir.path());
    let printed = loaded.printed();
    assert!(!printed.contains("a1a1"));
    assert!(
        printed.contains("# TRIBUTARY__PRIVACY__USER_KEY; set, never printed"),
        "{printed}"
    );
    let again = dir.path().join("again.toml");
    fs::write(&again, &printed).unwrap();
    loaded.config.privacy = Privacy::default();
    assert_eq!(Config::load_file(&again).unwrap().config, loaded.config);
}

#[test]
fn defaults_are_those_of_the_dataflows() {
    assert_eq!(Config::default().settings(), Settings::default());
}

fn keys(table: &Table) -> BTreeSet<String> {
    let section = |(name, keys): (&String, &Value)| -> Vec<String> {
        let keys = keys.as_table().unwrap().keys();
        keys.map(|key| format!("{name}.{key}")).collect()
    };
    table.iter().flat_map(section).collect()
}

#[test]
fn the_shipped_files_load_and_hold_every_key_and_no_other() {
    for name in ["development", "production"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("config/{name}.toml"));
        Config::load_file(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let shipped = keys(&toml::from_str(&text).unwrap());
        assert_eq!(shipped, keys(&print::table(&Config::default())), "{name}");
    }
}

#[test]
fn every_whole_number_has_a_range() {
    let ranges: BTreeSet<String> = merge::RANGES.iter().map(|(k, _)| k.to_string()).collect();
    let mut numbers = print::table(&Config::default());
    for (_, section) in numbers.iter_mut() {
        let keys = section.as_table_mut().unwrap();
        *keys = keys
            .clone()
            .into_iter()
            .filter(|(_, v)| v.is_integer())
            .collect();
    }
    assert_eq!(keys(&numbers), ranges);
}
