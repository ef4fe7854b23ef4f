//! `verify` in one process and two, and what a process does whose peer dies.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

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

/// What two processes end with that are each started with the same line and flags of their own.
fn both(line: &str, flags: [&str; 2]) -> [Run; 2] {
    let hosts = free_hosts().join(",");
    let start = |process: usize| {
        let flags = flags[process];
        let line = format!("{line} {flags} --processes 2 --process {process} --hosts {hosts}");
        let mut command = tributary(&line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    [0, 1]
        .map(start)
        .map(|child| Run::from(child.wait_with_output().unwrap()))
}

#[test]
fn processes_that_were_not_started_alike_give_no_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b] = ["a", "b"].map(|name| simulated(dir.path(), name, 2_000));
    let export = format!("{}/out.json", dir.path().display());
    let line = format!("replay --export {export}");
    for run in both(&line, [&format!("{a} {b} --workers 1"); 2]) {
        // The links are no business of those who read the summary.
        assert!(!run.ok().out.contains("connect"));
    }
    fs::remove_file(&export).unwrap();
    for flags in [
        [format!("{a} {b}"), format!("{a} {b} --gap 60s")],
        [format!("{a} {b}"), format!("{b} {a}")],
        [format!("{a} {b}"), format!("{a} {b} --columns user=who")],
        [
            format!("{a} {b} --workers 1"),
            format!("{a} {b} --workers 3"),
        ],
    ] {
        let ended = both(&line, [&flags[0], &flags[1]]);
        let is_told =
            |run: &Run| run.code == Some(2) && run.err.contains("was not started like this one");
        assert!(ended.iter().all(is_told), "{ended:#?}");
        assert!(!fs::exists(&export).unwrap());
    }
}

#[test]
fn each_process_keeps_the_dead_letters_of_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("{}/{name}", dir.path().display());
    for (name, lines) in [("a", 300), ("b", 200)] {
        fs::write(at(name), "no json\n".repeat(lines)).unwrap();
    }
    let (a, b, letters) = (at("a"), at("b"), at("letters"));
    let line = format!("replay --format json {a} {b} --dead-letter {letters}");
    for run in both(&line, [""; 2]) {
        run.ok();
    }
    for (process, lines) in [300, 200].into_iter().enumerate() {
        let kept = fs::read_to_string(format!("{letters}.{process}")).unwrap();
        assert_eq!(kept.lines().count(), lines);
    }
}

/// Peers of a `verify` whose output nobody takes have nobody to meet.
#[test]
fn a_verify_that_ends_early_leaves_no_process_behind() {
    let dir = tempfile::tempdir().unwrap();
    let file = simulated(dir.path(), "left-behind.jsonl", 5_000);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = tributary(&format!("verify {file} --processes 2 --shuffle 3"));
    let status = command.stdout(full).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(74));
    let has_file = |process: &fs::DirEntry| {
        let command = fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&file)
    };
    let left = || {
        fs::read_dir("/proc")
            .unwrap()
            .map(Result::unwrap)
            .filter(has_file)
            .count()
    };
    // The kernel ends them, in its own time.
    let start = Instant::now();
    while left() > 0 && start.elapsed() < Duration::from_secs(10) {
        sleep(Duration::from_millis(50));
    }
    assert_eq!(left(), 0);
}

#[test]
fn a_verify_whose_peer_dies_ends_too() {
    let dir = tempfile::tempdir().unwrap();
    let file = simulated(dir.path(), "a.jsonl", 5_000);
    let mut command = tributary(&format!("verify {file} --processes 2 --shuffle 50"));
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut parent = command.spawn().unwrap();
    let children = format!("/proc/{0}/task/{0}/children", parent.id());
    // At once: they have not met yet.
    let peer = loop {
        let children = fs::read_to_string(&children).unwrap();
        if let Some(peer) = children.split_whitespace().next() {
            break Pid::from_raw(peer.parse().unwrap()).unwrap();
        }
        sleep(Duration::from_millis(1));
    };
    kill_process(peer, Signal::KILL).unwrap();
    let ended = ends_within(&mut parent, Duration::from_secs(10));
    let run = Run::from(parent.wait_with_output().unwrap());
    assert!(ended, "still there 10 s later: {run:#?}");
    assert_eq!(run.code, Some(70), "{run:#?}");
}

#[test]
fn what_can_be_read_once_is_not_verified_by_several() {
    let run = run("verify - --processes 2");
    assert_eq!(run.code, Some(2), "{run:#?}");
    assert!(run.err.contains("name files"), "{run:#?}");
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
