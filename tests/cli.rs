//! The built program from outside: config, help, completions, and how it ends.

use std::fs;
use std::io::Read;
use std::process::{Command, Output, Stdio};

fn tributary(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
    command.args(arguments).env_remove("TRIBUTARY_CONFIG");
    command
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = tributary(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn config_check_names_the_line_of_a_bad_key() {
    let dir = tempfile::tempdir().unwrap();
    let (good, bad) = (dir.path().join("good.toml"), dir.path().join("bad.toml"));
    fs::write(&good, "[sessions]\ngap = '1h'\n").unwrap();
    fs::write(&bad, "[sessions]\ngpa = '1h'\n").unwrap();
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());
    let (code, out, err) = run(&["config", "check", good, bad]);
    assert_eq!((code, out), (2, format!("{good}: ok\n")));
    assert_eq!(
        err,
        format!("{bad}:2: unknown key `gpa` in [sessions]; did you mean `gap`?\n")
    );
}

#[test]
fn config_print_shows_the_origin_of_each_value() {
    let output = tributary(&["config", "print", "--gap", "2h"])
        .env("TRIBUTARY__EPOCHS__EVENTS", "5")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let has = |start: &str, end: &str| {
        text.lines()
            .any(|l| l.starts_with(start) && l.ends_with(end))
    };
    assert!(has("gap = \"2h\" ", " # --gap"), "{text}");
    assert!(has("events = 5 ", " # TRIBUTARY__EPOCHS__EVENTS"), "{text}");
    assert!(has("level = \"info\" ", " # default"), "{text}");
}

#[test]
fn wrong_config_ends_with_code_2() {
    let (code, _, err) = run(&["config", "print", "--config", "no/such.toml"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("no/such.toml: cannot read the config file"),
        "{err}"
    );
    assert_eq!(run(&["replay", "a.csv", "--gap", "30"]).0, 2);
}

#[test]
fn help_lists_commands_and_exit_codes() {
    let (code, out, _) = run(&["--help"]);
    assert_eq!(code, 0);
    for part in [
        "replay",
        "verify",
        "completions",
        "--config",
        "Exit codes:",
        "75  stuck",
    ] {
        assert!(out.contains(part), "{part} in {out}");
    }
}

#[test]
fn completions_are_a_script() {
    let (code, out, _) = run(&["completions", "bash"]);
    assert_eq!(code, 0);
    assert!(out.contains("complete -F _tributary"), "{out}");
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = tributary(&["config", "print"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut err = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

#[test]
fn errors_are_json_where_the_log_is() {
    let (code, _, err) = run(&["replay", "no/such.csv", "--log-format", "json"]);
    assert_ne!(code, 0);
    assert!(
        err.starts_with('{') && err.contains("\"level\":\"ERROR\""),
        "{err}"
    );
}
