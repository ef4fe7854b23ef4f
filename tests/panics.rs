//! How the program ends when a thread panics. The test runs itself again, as the hook ends its process.

use std::process::Command;
use std::{env, thread};

const ROLE: &str = "PANICKING_THREAD_SAYS";

fn end_of_a_process_whose_thread_panics(message: &str) -> (Option<i32>, String) {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "panicking_thread", "--nocapture"])
        .env(ROLE, message)
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// Does nothing but in the processes that the other tests start.
#[test]
fn panicking_thread() {
    let Ok(message) = env::var(ROLE) else {
        return;
    };
    tributary::panics::install();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let message = message.clone();
            thread::spawn(move || panic!("{message}"))
        })
        .collect();
    for thread in threads {
        let _ = thread.join();
    }
}

#[test]
fn a_panic_ends_the_program_with_one_line_and_code_70() {
    let (code, told) = end_of_a_process_whose_thread_panics("sums differ\nleft: 1");
    assert_eq!(code, Some(70));
    let start = "error: own mistake, please report it: sums differ left: 1 (thread unnamed, tests/panics.rs:";
    assert!(
        told.starts_with(start) && told.lines().count() == 1,
        "{told}"
    );
}

#[test]
fn a_lost_peer_is_told_as_such() {
    let (code, told) =
        end_of_a_process_whose_thread_panics("timely communication error: reading data: reset");
    let line = "error: lost a peer process: reading data: reset; results after the last closed epoch are not written; restart all processes\n";
    assert_eq!((code, told.as_str()), (Some(70), line));
}
