//! A panic of any thread ends the whole program with one clear line: a worker that went on alone would be wrong.

use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{process, thread};

use crate::exit::Exit;
use crate::logging;

/// Set by the first panic; those of other threads follow from it and are not told.
static ENDING: AtomicBool = AtomicBool::new(false);

/// From now on a panic ends the program with code 70. Works with `panic = "abort"`, as the hook runs first.
pub fn install() {
    panic::set_hook(Box::new(|info| {
        while ENDING.swap(true, Ordering::SeqCst) {
            thread::park();
        }
        let (exit, line) = verdict(message(info), &place(info));
        if let Some(line) = line {
            logging::fatal(&line);
        }
        process::exit(exit as i32);
    }));
}

/// The code to end with and the line to log; none if only the reader of standard output went away.
fn verdict(message: &str, place: &str) -> (Exit, Option<String>) {
    let message = message.replace('\n', " ");
    // What `println!` says; 32 is EPIPE.
    if message.starts_with("failed printing to std") && message.contains("os error 32") {
        return (Exit::Ok, None);
    }
    if let Some(cause) = message.strip_prefix("timely communication error") {
        let cause = cause.trim_start_matches([':', ' ']);
        let line = format!(
            "lost a peer process: {cause}; results after the last closed epoch are not written; restart all processes"
        );
        return (Exit::Internal, Some(line));
    }
    let line = format!("own mistake, please report it: {message} ({place})");
    (Exit::Internal, Some(line))
}

fn message<'a>(info: &'a PanicHookInfo<'_>) -> &'a str {
    let payload = info.payload();
    let owned = payload.downcast_ref::<String>().map(String::as_str);
    let text = owned.or(payload.downcast_ref::<&str>().copied());
    text.unwrap_or("no message")
}

fn place(info: &PanicHookInfo<'_>) -> String {
    let thread = thread::current();
    let name = thread.name().unwrap_or("unnamed");
    match info.location() {
        Some(at) => format!("thread {name}, {}:{}", at.file(), at.line()),
        None => format!("thread {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_one_line_that_fits_the_panic() {
        let told = |(exit, line): (Exit, Option<String>)| {
            assert_eq!(exit, Exit::Internal);
            line.unwrap()
        };
        let lost = verdict(
            "timely communication error: reading data: reset",
            "thread x",
        );
        assert_eq!(
            told(lost),
            "lost a peer process: reading data: reset; results after the last closed epoch are not written; restart all processes"
        );
        let own = verdict("assertion failed\nleft: 1", "thread worker 0, a.rs:3");
        assert_eq!(
            told(own),
            "own mistake, please report it: assertion failed left: 1 (thread worker 0, a.rs:3)"
        );
        let closed = "failed printing to stdout: Broken pipe (os error 32)";
        assert_eq!(verdict(closed, "thread main"), (Exit::Ok, None));
    }
}
