//! Two processes that serve together: they answer alike, and one whose peer hangs ends.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use super::processes::free_hosts;
use super::serve::{Served, Starting};

/// Both processes of a cluster that serves.
fn pair(flags: &str) -> [Served; 2] {
    let hosts = free_hosts().join(",");
    let starting = [0, 1].map(|process| {
        let cluster = format!("--workers 1 --processes 2 --process {process} --hosts {hosts}");
        Starting::new(&format!("{cluster} {flags}"))
    });
    starting.map(Starting::serving)
}

/// What both say to the same question at the same time.
fn ask_both(both: &[Served; 2], path: &str) -> [(u16, String); 2] {
    std::thread::scope(|scope| {
        let asking = both
            .each_ref()
            .map(|served| scope.spawn(|| served.get(path)));
        asking.map(|asking| asking.join().unwrap())
    })
}

/// An answer less what is each process's own.
fn shared((status, body): &(u16, String)) -> Value {
    assert_eq!(*status, 200, "{body}");
    let mut answer: Value = serde_json::from_str(body).unwrap();
    let fields = answer.as_object_mut().unwrap();
    fields.retain(|name, _| !["generation", "staleness_ms"].contains(&name.as_str()));
    answer
}

#[test]
fn either_process_gives_the_same_answer_of_the_same_epoch() {
    // From the first moment on, while ten minutes of events are caught up with, and then live.
    let both = pair("--source simulator --rate 3000 --speed 1");
    let (began, mut compared, mut journeys) = (Instant::now(), 0, 0);
    while compared < 9 || journeys < 100_000 {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{compared} answers, {journeys} journeys"
        );
        let status: Value = serde_json::from_str(&both[1].get("/api/v1/status").1).unwrap();
        let at = status["as_of_epoch"].as_u64().unwrap() + 100;
        for path in ["attribution", "transitions", "fundamental"] {
            let answers = ask_both(&both, &format!("/api/v1/{path}?at_epoch={at}"));
            // On a busy machine the epoch may have closed before it was asked for.
            if answers.iter().any(|(status, _)| *status == 409) {
                continue;
            }
            let [one, other] = answers.each_ref().map(shared);
            assert_eq!(one["as_of_epoch"], at);
            assert_eq!(one, other, "{path}");
            compared += 1;
            journeys = journeys.max(one["journeys"].as_u64().unwrap_or(0));
        }
    }
    both.iter().for_each(|served| served.signal(Signal::TERM));
    both.map(Served::end)
        .iter()
        .for_each(|(code, _, said)| assert_eq!(*code, 0, "{said}"));
}

/// Its workers wait for the peer's, so to wait for them at the end is to hang as well.
#[test]
fn a_process_whose_peer_hangs_is_not_ready_and_then_ends_with_75() {
    let [served, hanging] = pair("--source none");
    let ready = || served.get("/readyz");
    let began = Instant::now();
    while ready().0 != 200 {
        assert!(began.elapsed() < Duration::from_secs(20), "it is not ready");
    }
    hanging.signal(Signal::STOP);
    let refused = loop {
        let (status, body) = ready();
        if status != 200 {
            break (status, body);
        }
    };
    assert_eq!(refused.0, 503);
    assert!(
        refused.1.contains("no epoch has closed for 2 s"),
        "{}",
        refused.1
    );
    let (code, took, said) = served.end();
    assert_eq!(code, 75, "{said}");
    assert!(
        said.contains("no epoch has closed for 10 s; restart all processes"),
        "{said}"
    );
    assert!(took < Duration::from_secs(20), "{took:?}");
}
