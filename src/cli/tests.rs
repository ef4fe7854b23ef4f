//! Arguments to settings: which flag overrides what, and which arguments are refused.

use clap::CommandFactory;

use super::*;
use crate::config::{Config, Duration, Origin, Sources};

fn parse(line: &str) -> Cli {
    Cli::try_parse_from(line.split_whitespace()).unwrap()
}

fn refused(line: &str) -> String {
    Cli::try_parse_from(line.split_whitespace())
        .unwrap_err()
        .to_string()
}

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn replay_flags_become_settings_of_their_keys() {
    let cli = parse(
        "tributary replay a.csv - --gap 2h --journeys gap:7d --allowed-lateness unbounded --watermark-support 1 \
         --columns user=cookie,time=ts --speed 60 --epoch-events 2000 --workers 2 --processes 2 --process 1 \
         --hosts a:1,b:2 --log-format json --log-level debug --window 1h --dimension campaign",
    );
    let Command::Replay(replay) = &cli.command else {
        panic!("not replay");
    };
    assert_eq!(replay.input.files.len(), 2);
    assert_eq!(
        (replay.window, replay.dimension),
        (Window::Hour, Dimension::Campaign)
    );
    let sources = Sources {
        environment: Vec::new(),
        ..cli.sources()
    };
    let loaded = Config::load(&sources).unwrap();
    let config = &loaded.config;
    assert_eq!(
        config.sessions.gap,
        SessionGap::After(Duration::of_minutes(120))
    );
    assert_eq!(config.settings().allowed_lateness_ms, None);
    assert_eq!(config.replay.columns.to_string(), "user=cookie,time=ts");
    assert_eq!((config.workers.threads, config.workers.process), (2, 1));
    assert_eq!(config.workers.addresses(), ["a:1", "b:2"]);
    assert_eq!(config.epochs.events, 2000);
    assert_eq!(loaded.origin("log", "level"), &Origin::Flag("--log-level"));
}

#[test]
fn simulate_flags_become_settings_of_their_keys() {
    let cli = parse(
        "tributary simulate --scenario a.toml --events 10 --seed 3 --rate 2.5 --speed max --out x y --truth t \
         --out-of-order-share 0.1 --duplicate-share 0 --late-share 1",
    );
    let sources = Sources {
        environment: Vec::new(),
        ..cli.sources()
    };
    let simulator = Config::load(&sources).unwrap().config.simulator;
    assert_eq!((simulator.events, simulator.seed), (10, 3));
    assert_eq!(simulator.events_per_second.number(), Some(2.5));
    assert_eq!(simulator.late_share.number(), Some(1.0));
    assert_eq!(sources.flags.len(), 8);
}

#[test]
fn verify_takes_lists() {
    let cli = parse("tributary verify a.jsonl --workers 1,3 --batch 7 --gap none");
    let Command::Verify(verify) = cli.command else {
        panic!("not verify");
    };
    assert_eq!(verify.workers, [1, 3]);
    assert_eq!(verify.rules.gap, Some(SessionGap::Never));
    assert_eq!(verify.shuffle, 20);
}

#[test]
fn refusals_name_the_flag_and_what_to_write() {
    for (line, parts) in [
        ("tributary replay a --gap 30", ["--gap", "needs a unit"]),
        (
            "tributary replay a --journeys 7d",
            ["--journeys", "did you mean `gap:7d`?"],
        ),
        (
            "tributary replay a --columns chanel=c",
            ["--columns", "did you mean `channel`?"],
        ),
        ("tributary replay", ["<FILE>", "required"]),
        (
            "tributary simulate --late-share 2",
            ["--late-share", "from 0 to 1"],
        ),
        ("tributary verify a --workers 1,0", ["--workers", "0"]),
        ("tributary verify a --workers 1025", ["--workers", "1025"]),
        ("tributary verify a --processes 9", ["--processes", "1..=8"]),
    ] {
        let error = refused(line);
        assert!(
            parts.iter().all(|part| error.contains(part)),
            "{line}: {error}"
        );
    }
}

#[test]
fn every_flag_that_is_a_setting_names_itself_rightly() {
    let command = Cli::command();
    let known = |name: &str| {
        let long = name.trim_start_matches('-');
        let has = |c: &clap::Command| c.get_arguments().any(|a| a.get_long() == Some(long));
        has(&command) || command.get_subcommands().any(has)
    };
    let cli = parse(
        "tributary replay a --gap 1h --journeys session --allowed-lateness 1s --watermark-support 1 --columns id=x \
         --speed 1 --epoch-events 1 --workers 1 --processes 1 --process 0 --hosts a:1 --log-format text --log-level warn",
    );
    let flags = cli.sources().flags;
    assert_eq!(flags.len(), 13);
    assert!(flags.iter().all(|flag| known(flag.name)));
}
