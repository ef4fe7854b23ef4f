//! A panic of any thread ends the whole program with one clear line: a worker that went on alone would be wrong.

use std::io::Write;
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{process, thread};

use crate::exit::Exit;

/// Set by the first panic; those of other threads follow from it and are not told.
static ENDING: AtomicBool = AtomicBool::new(false);

/// From now on a panic ends the program with code 70. Works with `panic = "abort"`, as the hook runs first.
pub fn install() {
    panic::set_hook(Box::new(|info| {
        while ENDING.swap(true, Ordering::SeqCst) {
            thread::park();
        }
        let exit = match verdict(info.payload_as_str().unwrap_or("no message"), &place(info)) {
            Some(line) => {
                tell(&line);
                Exit::Internal
            }
            None => Exit::Ok,
        };
        process::exit(exit as i32);
    }));
}

/// The line to log; `None` if only the reader of standard output went away.
fn verdict(message: &str, place: &str) -> Option<String> {
    let message = message.replace('\n', " ");
    // What `println!` says; 32 is EPIPE.
    if message.starts_with("failed printing to std") && message.contains("os error 32") {
        return None;
    }
    if let Some(cause) = message.strip_prefix("timely communication error") {
        let cause = cause.trim_start_matches([':', ' ']);
        return Some(format!(
            "lost a peer process: {cause}; results after the last closed epoch are not written; restart all processes"
        ));
    }
    Some(format!(
        "own mistake, please report it: {message} ({place})"
    ))
}

fn place(info: &PanicHookInfo<'_>) -> String {
    let thread = thread::current();
    let name = thread.name().unwrap_or("unnamed");
    match info.location() {
        Some(at) => format!("thread {name}, {}:{}", at.file(), at.line()),
        None => format!("thread {name}"),
    }
}

/// To the log if there is one yet, else plainly to standard error.
fn tell(line: &str) {
    if tracing::enabled!(tracing::Level::ERROR) {
        tracing::error!("{line}");
    } else {
        // Nothing is left to be done if this fails.
        let _ = writeln!(std::io::stderr(), "error: {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::verdict;

    #[test]
    fn says_one_line_that_fits_the_panic() {
        let lost = verdict(
            "timely communication error: reading data: reset",
            "thread x",
        )
        .unwrap();
        assert_eq!(
            lost,
            "lost a peer process: reading data: reset; results after the last closed epoch are not written; restart all processes"
        );
        let own = verdict("assertion failed\nleft: 1", "thread worker 0, a.rs:3").unwrap();
        assert_eq!(
            own,
            "own mistake, please report it: assertion failed left: 1 (thread worker 0, a.rs:3)"
        );
        let closed = "failed printing to stdout: Broken pipe (os error 32)";
        assert_eq!(verdict(closed, "thread main"), None);
    }
}
