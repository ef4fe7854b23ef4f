//! `run` and `ask` as a user has them: settings that are refused, questions, signals.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{run, tributary};

/// A server on its way; it ends with the test.
pub(crate) struct Starting {
    child: Child,
    log: BufReader<ChildStderr>,
}

/// A server that was started, and where it listens.
pub(crate) struct Served {
    starting: Starting,
    url: String,
}

impl Drop for Starting {
    fn drop(&mut self) {
        // Where the test went well it has ended already.
        let _ = self.child.kill();
    }
}

impl Starting {
    pub(crate) fn new(flags: &str) -> Starting {
        let mut command = tributary(&format!("run --address 127.0.0.1:0 {flags}"));
        command
            .env("TRIBUTARY__RUN__DEVELOPMENT", "true")
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Starting { child, log }
    }

    pub(crate) fn serving(mut self) -> Served {
        let mut line = String::new();
        while !line.contains("serving") {
            line.clear();
            assert!(self.log.read_line(&mut line).unwrap() > 0, "it ended early");
        }
        let at = line.find("http://").unwrap();
        let url = line[at..].trim_end_matches(['"', '\n', '/']).to_owned();
        let starting = self;
        Served { starting, url }
    }
}

impl Served {
    fn start(flags: &str) -> Served {
        Starting::new(flags).serving()
    }

    /// Status and body of a GET.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .new_agent();
        let mut answer = agent.get(format!("{}{path}", self.url)).call().unwrap();
        let body = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), body)
    }

    fn ask(&self, line: &str) -> String {
        run(&format!("ask {line} --url {}", self.url)).ok().out
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.starting.child), signal).unwrap();
    }

    /// Exit code, the time it took, and what was said.
    pub(crate) fn end(self) -> (i32, Duration, String) {
        let Starting { child, log } = &mut { self.starting };
        let began = Instant::now();
        let mut said = String::new();
        log.read_to_string(&mut said).unwrap();
        let status = child.wait().unwrap();
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
    served.signal(Signal::TERM);
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
    let bare = run(&format!("ask status --url {address}"));
    assert_eq!(bare.code, Some(2));
    assert!(bare.err.contains("http://127.0.0.1:8000"), "{}", bare.err);
    // Its minutes are of no one epoch.
    let history = run(&format!("ask history --at-epoch 7 --url {}", served.url));
    assert!(
        history.err.contains("unexpected argument"),
        "{}",
        history.err
    );
    served.signal(Signal::TERM);
    assert_eq!(served.end().0, 0);
}
