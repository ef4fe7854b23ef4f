//! A live run through its doors: posted records, questions, watched chains, the last frame at the stop.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use dataflows::answer::Body;
use dataflows::control::Subject;
use dataflows::event::{Kind, Name, UserId};
use dataflows::settings::Settings;
use dataflows::transitions::{ChainKey, Dimension, Scope, State, Window};
use tokio::runtime::Runtime;
use tributary::cluster::Cluster;
use tributary::ingest::admit::{self, Admitter};
use tributary::ingest::block::{Block, Payload};
use tributary::ingest::http::{Became, Progress};
use tributary::ingest::intake::{EpochPolicy, NotPosted};
use tributary::ingest::simulator::{self, Live, Scenario, Simulator};
use tributary::ingest::source::{self, Decoded};
use tributary::ingest::watermark::Top;
use tributary::meter::wall_ms;
use tributary::questions::AskError;
use tributary::run::{self, Options, Running, Stop};

const T0: i64 = 1_763_600_000_000;
const KEY: [u8; 32] = [7; 32];
const LIMIT: Duration = Duration::from_secs(20);

fn options(cluster: Cluster) -> Options {
    Options {
        epochs: EpochPolicy {
            records: 10_000,
            interval: Some(Duration::from_millis(2)),
            in_flight: 20,
        },
        is_live: true,
        cluster,
        ..Options::flat_out(Settings::default(), KEY, 1, 0)
    }
}

/// A source that says nothing and is at its end at once.
fn silence() -> Box<dyn source::Source> {
    Box::new(Decoded::new(&[], Vec::new(), [], true))
}

fn alone(workers: usize) -> Running {
    run::start(silence(), &options(Cluster::single(workers))).expect("it starts")
}

fn line(id: &str, minute: i64, user: &str, kind: &str, channel: &str) -> String {
    format!(
        r#"{{"event_id":"{id}","event_time":{},"user_id":"{user}","advertiser":"acme","channel":"{channel}","event_type":"{kind}"}}"#,
        T0 + minute * 60_000
    ) + "\n"
}

fn acme() -> ChainKey {
    ChainKey {
        scope: Scope::Advertiser(Name::of("acme")),
        dimension: Dimension::Channel,
    }
}

async fn post(running: &Running, lines: &str) -> Became {
    let posted = running
        .doors
        .door
        .post(lines.into())
        .expect("there is room");
    match posted.within(LIMIT).await {
        Progress::Closed(became) => became,
        other => panic!("the epoch did not close: {other:?}"),
    }
}

#[test]
fn posted_records_are_counted_one_by_one() {
    for workers in [1, 2] {
        let running = alone(workers);
        Runtime::new().unwrap().block_on(async {
            let lines = [
                line("1", 0, "ann", "click", "search"),
                line("2", 1, "ann", "conversion", "search"),
                line("1", 0, "ann", "click", "search"),
                "no record\n".to_owned(),
            ]
            .concat();
            let became = post(&running, &lines).await;
            let expected = Became {
                read: 4,
                accepted: 2,
                duplicate: 1,
                invalid: 1,
                ..became
            };
            assert_eq!(became, expected);
            let again = post(&running, &line("2", 1, "ann", "conversion", "search")).await;
            assert_eq!((again.read, again.duplicate), (1, 1));
            assert!(again.as_of_epoch > became.as_of_epoch);
        });
        stop(running);
    }
}

#[test]
fn late_records_are_told_apart() {
    let running = alone(2);
    Runtime::new().unwrap().block_on(async {
        let newer: String = (0..3)
            .map(|i| line(&format!("n{i}"), 60, "bob", "click", "tv"))
            .collect();
        assert_eq!(post(&running, &newer).await.accepted, 3);
        let late = post(&running, &line("l", 49, "bob", "click", "tv")).await;
        assert_eq!((late.read, late.late), (1, 1));
        let not_late = post(&running, &line("m", 50, "bob", "click", "tv")).await;
        assert_eq!((not_late.read, not_late.accepted), (1, 1));
    });
    stop(running);
}

#[test]
fn a_user_is_answered_with_sessions_and_journeys() {
    let running = alone(2);
    Runtime::new().unwrap().block_on(async {
        let lines = [
            line("1", 0, "ann", "click", "search"),
            line("2", 1, "ann", "impression", "tv"),
            line("3", 2, "ann", "conversion", "tv"),
            line("4", 3, "ann", "click", "mail"),
            line("5", 40, "ann", "ad_request", ""),
            line("6", 41, "eve", "click", "mail"),
            line("7", 41, "eve", "click", "mail"),
            line("8", 41, "eve", "click", "mail"),
        ]
        .concat();
        post(&running, &lines).await;
        let ask = |raw: &str| {
            running
                .doors
                .questions
                .ask(Subject::User(UserId::new(&KEY, raw.as_bytes())), None)
        };
        let answered = ask("ann").await.unwrap();
        let [answer] = &answered.answers[..] else {
            panic!("one worker holds a user: {answered:?}");
        };
        assert_eq!(answer.as_of_epoch, answered.as_of_epoch);
        let Body::User(user) = &answer.body else {
            panic!("{answer:?}");
        };
        let sessions: Vec<_> = user
            .sessions
            .iter()
            .map(|s| (s.first_ms - T0, s.last_ms - T0, s.activities, s.is_open))
            .collect();
        let minute = 60_000;
        assert_eq!(
            sessions,
            [
                (0, 3 * minute, 4, false),
                (40 * minute, 40 * minute, 1, true)
            ]
        );
        let journeys: Vec<_> = user
            .journeys
            .iter()
            .map(|journey| {
                let points = journey
                    .points
                    .iter()
                    .map(|p| (p.kind, p.is_touch, p.channel));
                (points.collect::<Vec<_>>(), journey.is_open)
            })
            .collect();
        let (search, tv, mail) = (Name::of("search"), Name::of("tv"), Name::of("mail"));
        assert_eq!(
            journeys,
            [
                (
                    vec![
                        (Kind::Click, true, search),
                        (Kind::Impression, true, tv),
                        (Kind::Conversion, false, tv)
                    ],
                    false
                ),
                (vec![(Kind::Click, true, mail)], false)
            ]
        );
        assert_eq!(ask("nobody").await.unwrap().answers, []);
    });
    stop(running);
}

#[test]
fn a_watched_chain_is_in_the_frames_as_long_as_it_is_watched() {
    let running = alone(2);
    let counts = || {
        let frames = running.doors.frames.lock().unwrap();
        let row = frames.transitions(acme());
        row.map(|row| {
            let mut counts: Vec<_> = row
                .counts
                .iter()
                .map(|(from, to, weights)| (*from, *to, weights[Window::All as usize].count))
                .collect();
            counts.sort();
            counts
        })
    };
    Runtime::new().unwrap().block_on(async {
        post(&running, &line("1", 0, "ann", "click", "search")).await;
        assert_eq!(counts(), None);
        let watch = running.doors.questions.watch(acme());
        let second = running.doors.questions.watch(acme());
        // A question told after the watch is answered after it.
        let answered = running.doors.questions.ask(Subject::Chain(acme()), None);
        let answered = answered.await.unwrap();
        let search = State::Named(Name::of("search"));
        let one = vec![(State::Start, search, 1), (search, State::Null, 1)];
        assert_eq!(counts(), Some(one));
        let Body::Chain(chain) = &answered.answers[0].body else {
            panic!("{answered:?}");
        };
        assert_eq!(chain.counts.len(), 2);
        assert_eq!(chain.windows[0].as_ref().unwrap().journeys, 1);
        drop(watch);
        post(&running, &line("2", 1, "ann", "conversion", "search")).await;
        let two = vec![(State::Start, search, 1), (search, State::Conversion, 1)];
        assert_eq!(counts(), Some(two));
        drop(second);
        let asked = running.doors.questions.ask(Subject::Chain(acme()), None);
        assert_eq!(asked.await.unwrap().answers.len(), 1);
        assert_eq!(counts(), None);
    });
    stop(running);
}

fn click(id: usize, time: i64) -> String {
    format!(r#"{{"event_id":"{id}","event_time":{time},"user_id":"u{id}","event_type":"click"}}"#)
        + "\n"
}

/// Three are enough to move a watermark; other processes' partitions would follow it.
#[test]
fn clocks_that_are_ahead_make_nobody_late_in_any_process() {
    let hosts = free_hosts();
    let both = pair(|process| (silence(), options(cluster(&hosts, process))));
    let stops = StopAll(both.iter().map(Running::stopper).collect());
    Runtime::new().unwrap().block_on(async {
        const YEAR_2099_MS: i64 = 4_080_000_000_000;
        let ahead: String = (0..5).map(|id| click(id, YEAR_2099_MS)).collect();
        assert_eq!(post(&both[0], &ahead).await.accepted, 5);
        // The heartbeats of both have told of it.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        for (id, running) in both.iter().enumerate() {
            let became = post(running, &click(100 + id, wall_ms())).await;
            assert_eq!((became.accepted, became.late), (1, 0), "process {id}");
        }
    });
    drop(stops);
    for running in both {
        running.join().expect("it ends well");
    }
}

/// A probe that posts an empty body every second is no reason for the windows to stand still.
#[test]
fn posts_without_an_event_do_not_hold_time_back() {
    let simulator = Simulator::new(
        Scenario::load("flat").unwrap(),
        &simulator::Options {
            start_ms: Some(T0),
            ..simulator::Options::default()
        },
    );
    let source = Live::new(simulator.unwrap(), 0, T0, 1.0);
    let running = run::start(Box::new(source), &options(Cluster::single(1))).expect("it starts");
    let began = Instant::now();
    Runtime::new().unwrap().block_on(async {
        let now_ms = || running.doors.frames.lock().unwrap().clock?.now_ms;
        while now_ms().is_none_or(|now_ms| now_ms < T0 + 500) {
            assert!(began.elapsed() < LIMIT, "time stands still");
            post(&running, "no record\n").await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    stop(running);
}

/// Arrival is of the log, like the records: however it is cut and in whatever order the pieces are decoded.
#[test]
fn lateness_of_what_arrives_follows_from_the_log_alone() {
    const LATENESS_MS: i64 = 100;
    // (arrived, event times)
    let log: [(i64, &[i64]); 4] = [
        (1_000, &[900, 5_000, 5_000, 5_000, 899]),
        (1_010, &[1_010, 910, 909]),
        (1_200, &[9_000, 9_000, 9_000, 1_099, 1_100]),
        (1_200, &[1_099, 1_100]),
    ];
    let late = |cut: usize| {
        let blocks = log.iter().flat_map(|&(arrived, times)| {
            times.chunks(cut).map(move |times| {
                let lines: String = times.iter().map(|time| click(0, T0 + time)).collect();
                Block {
                    arrived: Some(T0 + arrived),
                    ..Block::new(0, Payload::Json(lines.into_bytes()))
                }
            })
        });
        let mut admitter = Admitter::new(KEY, 3, 1 << 20);
        let decoded = blocks.map(|block| {
            let mut decoded = admit::Decoded::default();
            admitter.decode(&block, &mut decoded);
            decoded
        });
        let decoded: Vec<admit::Decoded> = decoded.collect();
        let mut top = Top::default();
        let late = decoded.into_iter().map(|mut block| {
            let late = admitter.judge(&mut block, 0, &top, 0, Some(LATENESS_MS));
            top.merge(&block.top, 3);
            late
        });
        late.sum::<u64>()
    };
    // By hand: 899 below the watermark of 1,000; 1,099 below that of 1,200, twice.
    let of_whole = late(100);
    assert!((1..5).all(|cut| late(cut) == of_whole));
    assert_eq!(of_whole, 3);
}

#[test]
fn epochs_out_of_reach_are_refused() {
    let running = alone(1);
    Runtime::new().unwrap().block_on(async {
        let questions = &running.doors.questions;
        let epoch = post(&running, &line("1", 0, "ann", "click", "search"))
            .await
            .as_of_epoch;
        let closed = questions.ask(Subject::Chains, Some(epoch)).await;
        assert!(matches!(closed, Err(AskError::Closed { .. })), "{closed:?}");
        let far = questions
            .ask(Subject::Chains, Some(epoch + 1_000_000))
            .await;
        assert!(matches!(far, Err(AskError::TooFar { .. })), "{far:?}");
    });
    stop(running);
}

#[test]
fn two_processes_answer_alike_as_of_one_epoch() {
    let hosts = free_hosts();
    let both = pair(|process| {
        let scenario = Scenario::load("flat").unwrap();
        let options_of_it = simulator::Options {
            rate: Some(5_000.0),
            start_ms: Some(T0),
            seed: process as u64,
            ..simulator::Options::default()
        };
        let simulator = Simulator::new(scenario, &options_of_it).unwrap();
        let source = Live::new(simulator, process as u32, T0, 1.0);
        (Box::new(source), options(cluster(&hosts, process)))
    });
    let stops = StopAll(both.iter().map(Running::stopper).collect());
    Runtime::new().unwrap().block_on(async {
        let everyone = ChainKey {
            scope: Scope::Everyone,
            dimension: Dimension::Channel,
        };
        let mut asked_for = 0;
        while asked_for == 0 {
            let present = both[0].doors.questions.ask(Subject::Chain(everyone), None);
            let present = present.await.unwrap();
            if !present.answers.is_empty() {
                asked_for = present.as_of_epoch + 1_500;
            }
        }
        let ask = |running: &Running| {
            let questions = running.doors.questions.clone();
            async move {
                questions
                    .ask(Subject::Chain(everyone), Some(asked_for))
                    .await
            }
        };
        let (one, two) = tokio::join!(ask(&both[0]), ask(&both[1]));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_eq!((one.as_of_epoch, two.as_of_epoch), (asked_for, asked_for));
        assert_eq!(one.answers.len(), 1);
        assert_eq!(one.answers[0].body, two.answers[0].body);
    });
    let frames = both.map(|running| {
        let frames = running.doors.frames.clone();
        (running, frames)
    });
    drop(stops);
    let frames = frames.map(|(running, frames)| {
        running.join().expect("it ends well");
        frames
    });
    let [one, two] = frames.map(|frames| frames.lock().unwrap().clone());
    assert_eq!(one.dispositions, two.dispositions);
    assert!(one.attributions().eq(two.attributions()));
    assert!(one.dispositions.read > 0 && one.dispositions.read == one.dispositions.total());
}

/// One process of a cluster ends only with the others, also where a test fails.
struct StopAll(Vec<Stop>);

impl Drop for StopAll {
    fn drop(&mut self) {
        self.0.iter().for_each(Stop::stop);
    }
}

fn cluster(hosts: &[String], process: usize) -> Cluster {
    Cluster {
        threads: 1,
        hosts: hosts.to_vec(),
        process,
    }
}

/// Both processes of a cluster, in this one.
fn pair(of: impl Fn(usize) -> (Box<dyn source::Source>, Options)) -> [Running; 2] {
    let starting = [0, 1].map(|process| {
        let (source, options) = of(process);
        std::thread::spawn(move || run::start(source, &options).expect("it starts"))
    });
    starting.map(|starting| starting.join().unwrap())
}

/// Two addresses on loopback that nobody listens at.
fn free_hosts() -> Vec<String> {
    let listeners = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners
        .map(|it| it.local_addr().unwrap().to_string())
        .to_vec()
}

/// Stops it; whatever was taken in is in the last frame, and nothing is taken in any more.
fn stop(running: Running) {
    let doors = running.doors.clone();
    running.stopper().stop();
    assert_eq!(
        doors.door.post(b"{}".to_vec()).err(),
        Some(NotPosted::Stopped)
    );
    let results = running.join().expect("it ends well").expect("worker 0");
    let counted = results.frames.dispositions;
    assert_eq!(counted.read, counted.total());
    let asked = Runtime::new()
        .unwrap()
        .block_on(doors.questions.ask(Subject::Chains, None));
    assert_eq!(asked, Err(AskError::Stopped));
}
