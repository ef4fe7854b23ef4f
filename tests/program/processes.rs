//! `verify` in one process and two, and what a process does whose peer dies.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Run, run, simulated, tributary};

#[test]
fn simulated_files_pass() {
    let dir = tempfile::tempdir().unwrap();
    let file = simulated(dir.path(), "a.jsonl", 5_000);
    for (flags, runs) in [
        ("--shuffle 3 --workers 1,2 --batch 1,1000", 3),
        ("--processes 2 --batch 1000 --shuffle 1", 1),
    ] {
        let run = run(&format!("verify {file} {flags}")).ok();
        let lines = run.out.lines().filter(|line| line.starts_with("run "));
        let equal = lines.filter(|line| line.contains("equal")).count();
        assert!(equal >= runs, "{}", run.out);
        assert!(!run.out.contains("DIFFER"), "{}", run.out);
    }
}

#[test]
fn counts_of_another_program_are_held_against_ours() {
    let dir = tempfile::tempdir().unwrap();
    let file = simulated(dir.path(), "a.jsonl", 3_000);
    let counts = format!("{}/counts.csv", dir.path().display());
    run(&format!("replay {file} --transitions {counts}")).ok();
    let line = format!("verify {file} --shuffle 1 --workers 1 --batch 1000 --against {counts}");
    let right = run(&line).ok();
    assert!(right.out.contains("rows equal, 0 DIFFER"), "{}", right.out);
    let mut rows: Vec<String> = fs::read_to_string(&counts)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    let (key, count) = rows[7].rsplit_once(',').unwrap();
    let (key, count) = (key.to_owned(), count.parse::<u64>().unwrap());
    rows[7] = format!("{key},{}", count + 1);
    fs::write(&counts, rows.join("\n")).unwrap();
    let wrong = run(&line);
    assert_eq!(wrong.code, Some(1), "{wrong:#?}");
    let told = format!("{key}: {count} here, {} in the file", count + 1);
    assert!(wrong.out.contains(&told), "no {told} in {}", wrong.out);
    assert!(wrong.out.contains("rows equal, 1 DIFFER"), "{}", wrong.out);
}

#[test]
fn a_process_whose_peer_dies_ends_too() {
    let dir = tempfile::tempdir().unwrap();
    // A minute at the speed of event time.
    let files = [0, 1].map(|n| simulated(dir.path(), &format!("{n}.jsonl"), 60_000));
    for killed in [0, 1] {
        let hosts = free_hosts();
        let export = |process: usize| dir.path().join(format!("{killed}{process}.json"));
        let start = |process: usize| {
            tributary(&format!(
                "replay {} --speed 1 --processes 2 --process {process} --hosts {} --workers 1 --export {}",
                files.join(" "),
                hosts.join(","),
                export(process).display()
            ))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
        };
        let mut children = [0, 1].map(start).map(Some);
        // Time to meet and to take in a few epochs.
        sleep(Duration::from_secs(3));
        let mut victim = children[killed].take().unwrap();
        let mut other = children[1 - killed].take().unwrap();
        let under_way = [&mut victim, &mut other].map(|child| child.try_wait().unwrap().is_none());
        victim.kill().unwrap();
        victim.wait().unwrap();
        let ended = ends_within(&mut other, Duration::from_secs(5));
        let run = Run::from(other.wait_with_output().unwrap());
        assert_eq!(under_way, [true, true], "too early: {run:#?}");
        assert!(ended, "still there 5 s later: {run:#?}");
        assert_eq!(run.code, Some(70), "{run:#?}");
        let lost = run
            .err
            .lines()
            .filter(|l| l.contains("lost a peer process"));
        assert!(lost.count() > 0, "{run:#?}");
        assert!(!run.err.contains("panicked at"), "{run:#?}");
        assert!([0, 1].iter().all(|&process| !export(process).exists()));
    }
}

/// Two addresses of loopback; both are held until both are known, so that they differ.
pub(crate) fn free_hosts() -> [String; 2] {
    let listeners = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().to_string())
}

/// Whether it does; else it is killed.
fn ends_within(child: &mut Child, limit: Duration) -> bool {
    let start = Instant::now();
    while start.elapsed() < limit {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    false
}
