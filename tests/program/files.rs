//! What files may be like: parts, pipes, compressed, torn, with bad records, unordered, missing, without a column.

use std::fs::{self, File};
use std::io::Write;
use std::process::Stdio;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use super::{run, simulated, tributary};

const GOOD: &str = r#"{"event_id":"e1","event_time":1760054400000,"user_id":"u","event_type":"ad_click","channel":"search"}"#;

#[test]
fn parts_pipes_and_gzip_give_the_same_transitions() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("{}/{name}", dir.path().display());
    let whole = simulated(dir.path(), "whole.jsonl", 20_000);
    let text = fs::read_to_string(&whole).unwrap();
    let middle = text.len() / 2 + text[text.len() / 2..].find('\n').unwrap() + 1;
    let (first, second) = (at("first.jsonl"), at("second.jsonl"));
    fs::write(&first, &text[..middle]).unwrap();
    fs::write(&second, &text[middle..]).unwrap();
    let packed = at("packed.jsonl.gz");
    let mut gzip = GzEncoder::new(File::create(&packed).unwrap(), Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap();
    let csv = at("out.csv");
    let transitions = |files: &str| {
        let input = File::open(&whole).unwrap();
        let line = format!("replay {files} --transitions {csv}");
        let output = tributary(&line).stdin(input).output().unwrap();
        assert!(output.status.success(), "{files}: {output:?}");
        let bytes = fs::read(&csv).unwrap();
        fs::remove_file(&csv).unwrap();
        bytes
    };
    let expected = transitions(&whole);
    assert!(expected.iter().filter(|&&byte| byte == b'\n').count() > 300);
    for files in [
        format!("{first} {second}"),
        format!("{second} {first} --workers 2"),
        "-".to_owned(),
        packed.clone(),
    ] {
        assert!(transitions(&files) == expected, "{files} differ");
    }
    // A pipe proper, which has no length and comes in pieces.
    let mut child = tributary(&format!("replay - --transitions {csv}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    for piece in text.as_bytes().chunks(100_003) {
        pipe.write_all(piece).unwrap();
    }
    drop(pipe);
    assert!(child.wait().unwrap().success());
    assert!(fs::read(&csv).unwrap() == expected, "the pipe differs");
}

#[test]
fn a_torn_gzip_counts_as_far_as_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let whole = simulated(dir.path(), "whole.jsonl", 5_000);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&fs::read(&whole).unwrap()).unwrap();
    let bytes = gzip.finish().unwrap();
    let torn = format!("{}/torn.jsonl.gz", dir.path().display());
    fs::write(&torn, &bytes[..bytes.len() / 2]).unwrap();
    let run = run(&format!("replay {torn}")).ok();
    assert!(run.err.contains(&format!("{torn} is torn")), "{}", run.err);
    let read = records(&run.out, "read");
    let all = fs::read_to_string(&whole).unwrap().lines().count() as u64;
    assert!((all / 10..all).contains(&read), "{read} of {all}");
}

/// The number after `name` in the first line of the summary.
fn records(out: &str, name: &str) -> u64 {
    let line = out.lines().next().unwrap_or_default();
    let after = line.split(&format!("{name} ")).nth(1);
    let number = after.and_then(|after| after.split(' ').next()?.parse().ok());
    number.unwrap_or_else(|| panic!("no number after `{name}` in {line:?}"))
}

#[test]
fn dead_letters_hold_the_very_lines() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("{}/{name}", dir.path().display());
    let (plain, odd, letters) = (at("plain.jsonl"), at("odd.jsonl"), at("letters.jsonl"));
    let second = GOOD.replace("e1", "e2");
    fs::write(&plain, format!("{GOOD}\n\n{second}\n")).unwrap();
    let bad: [(&[u8], &str); 5] = [
        (b"{\"event_id\":", "syntax"),
        (b"no json at all", "syntax"),
        (
            br#"{"event_type":"nope","event_time":1760054400000}"#,
            "unknown_type",
        ),
        (br#"{"event_type":"ad_click"}"#, "missing_time"),
        (b"{\"event_type\":\"ad_\xff\xfe\"}", "encoding"),
    ];
    let mut text = Vec::new();
    for (n, (line, _)) in bad.iter().enumerate() {
        text.extend(*line);
        text.extend(b"\n\n");
        text.extend(GOOD.replace("e1", &format!("f{n}")).as_bytes());
        text.extend(b"\n");
    }
    fs::write(&odd, text).unwrap();
    let run = run(&format!("replay {plain} {odd} --dead-letter {letters}")).ok();
    let letters = fs::read_to_string(&letters).unwrap();
    assert_eq!(letters.lines().count(), bad.len(), "{letters}");
    for (n, (letter, (line, reason))) in letters.lines().zip(bad).enumerate() {
        let letter: Value = serde_json::from_str(letter).unwrap();
        assert_eq!(letter["reason"], *reason, "{letter}");
        assert_eq!(letter["source"], odd.as_str(), "{letter}");
        assert_eq!(letter["partition"], 1, "{letter}");
        // Blank lines are no records: a bad and a good one take turns.
        assert_eq!(letter["record"], 2 * n + 1, "{letter}");
        let bytes = letter["bytes"].as_str().unwrap();
        assert_eq!(BASE64_STANDARD.decode(bytes).unwrap(), line, "{letter}");
    }
    let dispositions = ["accepted", "duplicate", "late", "invalid", "no consent"];
    let counts = dispositions.map(|name| records(&run.out, name));
    assert_eq!(counts, [7, 0, 0, 5, 0], "{}", run.out);
    assert_eq!(records(&run.out, "read"), counts.iter().sum::<u64>());
    assert!(run.out.contains("invalid: syntax 2"), "{}", run.out);
}

#[test]
fn an_unordered_file_is_told_of_its_late_records() {
    let dir = tempfile::tempdir().unwrap();
    let file = format!("{}/unordered.csv", dir.path().display());
    let mut csv = "user,time,channel\n".to_owned();
    for n in 0..1_000u64 {
        // Steps of 7919 s around a day and more: most fall far behind the latest.
        let time = 1_760_054_400_000 + n * 7_919_000 % 100_000_000;
        csv += &format!("u{n},{time},search\n");
    }
    fs::write(&file, csv).unwrap();
    let columns = "--columns user=user,time=time,channel=channel";
    let told = run(&format!("replay {file} {columns}")).ok();
    let note = told.out.lines().nth(1).unwrap_or_default();
    let share: f64 = note.trim().split(' ').next().unwrap().parse().unwrap();
    let late = records(&told.out, "late") as f64;
    assert!(late > 10.0 && (share - late / 10.0).abs() < 0.1, "{note}");
    assert!(note.contains("are late") && note.contains("--allowed-lateness"));
    let all = run(&format!(
        "replay {file} {columns} --allowed-lateness unbounded"
    ))
    .ok();
    assert_eq!(records(&all.out, "late"), 0, "{}", all.out);
    assert!(!all.out.contains("--allowed-lateness"), "{}", all.out);
}

#[test]
fn what_is_wrong_is_named_and_decides_the_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("{}/{name}", dir.path().display());
    let (config, csv, none) = (at("wrong.toml"), at("a.csv"), at("none.csv"));
    fs::write(&config, "[lateness]\nalowed = '1h'\n").unwrap();
    fs::write(&csv, "user_id,event_time,channel\nu,1760054400000,search\n").unwrap();
    let cases = [
        (
            format!("replay {csv} --config {config}"),
            2,
            vec!["wrong.toml:2", "`alowed`", "`allowed`"],
        ),
        (format!("replay {none}"), 66, vec!["none.csv"]),
        (
            format!("replay {csv} --columns user=cookie"),
            65,
            vec!["a.csv", "`cookie`", "user_id"],
        ),
    ];
    for (line, code, parts) in cases {
        let run = run(&line);
        assert_eq!(run.code, Some(code), "{line}: {run:#?}");
        assert!(run.out.is_empty(), "{}", run.out);
        for part in parts {
            assert!(run.err.contains(part), "{line}: no {part} in {}", run.err);
        }
    }
}

#[test]
fn an_output_never_overwrites_an_input_or_another_output() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("{}/{name}", dir.path().display());
    let (file, out) = (at("a.jsonl"), at("out"));
    fs::write(&file, GOOD).unwrap();
    for line in [
        format!("replay {file} --dead-letter {file}"),
        format!("replay {file} --export {file}"),
        format!("replay {file} --export {out} --transitions {out}"),
        format!("simulate --events 10 --out {out} {out}"),
        format!("simulate --events 10 --out {out} --truth {out}"),
    ] {
        let run = run(&line);
        assert_eq!(run.code, Some(2), "{line}: {run:#?}");
        assert!(run.err.contains("would overwrite"), "{line}: {run:#?}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), GOOD);
    assert!(!fs::exists(&out).unwrap());
}

/// What a user did wrong is no mistake of the program's own.
#[test]
fn wrong_wishes_are_told_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("{}/{name}", dir.path().display());
    let (file, scenario) = (at("a.jsonl"), at("s.toml"));
    fs::write(&file, GOOD).unwrap();
    fs::write(&scenario, "wrong = 1\n").unwrap();
    for (line, code) in [
        (format!("replay {file} --columns user=a,time=a"), 2),
        ("replay - -".to_owned(), 2),
        ("simulate --rate 1e12".to_owned(), 2),
        (format!("simulate --scenario {scenario}"), 2),
        ("simulate --scenario norml".to_owned(), 66),
        (format!("verify {file} --against {file}"), 65),
    ] {
        let run = run(&line);
        assert_eq!(run.code, Some(code), "{line}: {run:#?}");
    }
}
