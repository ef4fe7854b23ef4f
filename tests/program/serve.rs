//! `run` and `ask` as a user has them: settings that are refused, questions, signals.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{run, tributary};

/// A server that was started, and where it listens; it ends with the test.
struct Served {
    child: Child,
    log: BufReader<ChildStderr>,
    url: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        // Where the test went well it has ended already.
        let _ = self.child.kill();
    }
}

impl Served {
    fn start(flags: &str) -> Served {
        let mut command = tributary(&format!("run --address 127.0.0.1:0 {flags}"));
        command
            .env("TRIBUTARY__RUN__DEVELOPMENT", "true")
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("serving") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended early");
        }
        let at = line.find("http://").unwrap();
        let url = line[at..].trim_end_matches(['"', '\n', '/']).to_owned();
        Served { child, log, url }
    }

    fn ask(&self, line: &str) -> String {
        run(&format!("ask {line} --url {}", self.url)).ok().out
    }

    fn signal(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }

    /// Exit code, the time it took, and what was said.
    fn end(mut self) -> (i32, Duration, String) {
        let began = Instant::now();
        let mut said = String::new();
        self.log.read_to_string(&mut said).unwrap();
        let status = self.child.wait().unwrap();
        (status.code().unwrap(), began.elapsed(), said)
    }
}

#[test]
fn a_simulated_run_is_asked_and_stops_in_order() {
    let served = Served::start("--source simulator --workers 2");
    // The simulator has ten minutes behind it.
    let began = Instant::now();
    while served.ask("history").lines().count() <= 2 {
        assert!(began.elapsed() < Duration::from_secs(20));
    }
    let attribution = served.ask("attribution");
    assert!(attribution.contains("removal effect"), "{attribution}");
    let json: Value = serde_json::from_str(&served.ask("status --format json")).unwrap();
    assert_eq!(json["source"], "simulator, normal");
    assert_eq!(json["development_key"], true);
    let csv = served.ask("dispositions --format csv");
    assert!(csv.starts_with("disposition,records\r\naccepted,"), "{csv}");
    let table = served.ask("history --points 1");
    assert!(table.lines().count() > 2, "{table}");
    served.signal();
    let (code, took, said) = served.end();
    assert_eq!(code, 0, "{said}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(said.contains("stopped"), "{said}");
}

#[test]
fn what_is_refused_is_said_with_a_remedy() {
    let refused = run("run --address 127.0.0.1:0");
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.err.contains("TRIBUTARY__PRIVACY__USER_KEY"),
        "{}",
        refused.err
    );
    let exposed = run("run --address 0.0.0.0:0");
    assert_eq!(exposed.code, Some(2));
    assert!(
        exposed.err.contains("serve.insecure = true"),
        "{}",
        exposed.err
    );
    let nobody = run("ask status --url http://127.0.0.1:1");
    assert_eq!(nobody.code, Some(69));
    assert!(nobody.err.contains("tributary run"), "{}", nobody.err);
}

#[test]
fn an_address_that_is_taken_is_told_at_once() {
    let served = Served::start("");
    let address = served.url.trim_start_matches("http://").to_owned();
    let mut second = tributary(&format!("run --address {address}"));
    let output = second.env("TRIBUTARY__RUN__DEVELOPMENT", "true").output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(74));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("cannot listen at"), "{said}");
    let wrong = run(&format!("ask attribution --window 7d --url {}", served.url));
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("24h"), "{}", wrong.err);
    served.signal();
    assert_eq!(served.end().0, 0);
}
