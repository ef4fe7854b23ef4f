//! The built program run as a user runs it: files in, results and exit codes out.
//!
//! `TRIBUTARY_LONG=1` makes the simulated inputs twenty times as long.

#[path = "program/cluster.rs"]
mod cluster;
#[path = "program/files.rs"]
mod files;
#[path = "program/golden.rs"]
mod golden;
#[path = "program/processes.rs"]
mod processes;
#[path = "program/serve.rs"]
mod serve;
#[path = "program/truth.rs"]
mod truth;

use std::path::Path;
use std::process::{Command, Output};

/// What a run ended with.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// Both streams, if it ended well.
    pub(crate) fn ok(self) -> Run {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Run {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

/// The program with arguments as in a shell, but split at white space only.
pub(crate) fn tributary(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
    command
        .args(line.split_whitespace())
        .env_remove("TRIBUTARY_CONFIG");
    command
}

pub(crate) fn run(line: &str) -> Run {
    tributary(line).output().unwrap().into()
}

/// So many events, or twenty times as many.
pub(crate) fn size(events: u64) -> u64 {
    let is_long = std::env::var("TRIBUTARY_LONG").is_ok_and(|value| value == "1");
    if is_long { 20 * events } else { events }
}

/// A simulated file without late records.
pub(crate) fn simulated(dir: &Path, name: &str, events: u64) -> String {
    let file = format!("{}/{name}", dir.display());
    let events = size(events);
    run(&format!(
        "simulate --events {events} --late-share 0 --out {file}"
    ))
    .ok();
    file
}
