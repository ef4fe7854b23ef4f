//! The server on a real engine: what is posted, what is answered at an epoch, and the end under load.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use dataflows::event::Name;
use dataflows::settings::Settings;
use dataflows::transitions::{Dimension, Window};
use serde_json::{Value, json};
use tributary::frames::{dimension_name, window_name};
use tributary::ingest::admit::{Admitter, Decoded};
use tributary::ingest::block::{Block, Payload};
use tributary::ingest::intake::EpochPolicy;
use tributary::ingest::simulator::{self, Live, Scenario, Simulator};
use tributary::ingest::source::{Nothing, Source};
use tributary::ingest::watermark::Top;
use tributary::oracle;
use tributary::report::{Chain, ChainKey, Report, State};
use tributary::run::{self, Options, Running};
use tributary::serve::{self, Facts, Limits, Server};

use super::live::Client;
use super::made_up::Http;

const KEY: [u8; 32] = [7; 32];
const EVENTS: usize = 20_000;

fn start(source: Box<dyn Source>) -> (Running, Server, Http) {
    let options = Options {
        epochs: EpochPolicy {
            records: 5_000,
            interval: Some(Duration::from_millis(5)),
            in_flight: 20,
        },
        record_bytes_max: 1 << 20,
        is_live: true,
        ..Options::flat_out(Settings::default(), KEY, 2, 0)
    };
    let running = run::start(source, &options).unwrap();
    let facts = Facts {
        generation: 1,
        source: "a test".to_owned(),
        settings: Settings::default(),
        key: KEY,
        is_development_key: true,
        process: 0,
        processes: 1,
        threads: 2,
        is_insecure: false,
    };
    let listener = serve::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let doors = running.doors.clone();
    let server = serve::start(listener, Limits::default(), doors, facts).unwrap();
    let http = Http(server.address());
    (running, server, http)
}

fn simulator(events: Option<u64>) -> Simulator {
    let options = simulator::Options {
        events,
        duplicate_share: Some(0.05),
        ..simulator::Options::default()
    };
    Simulator::new(Scenario::load("normal").unwrap(), &options).unwrap()
}

fn lines() -> Vec<u8> {
    let mut lines = Vec::new();
    simulator(Some(EVENTS as u64)).fill(&mut lines, EVENTS);
    lines
}

/// What plain loops make of the lines, as one log.
fn expected(lines: &[u8]) -> Report {
    let settings = Settings::default();
    let mut admitter = Admitter::new(KEY, settings.watermark_support, 1 << 20);
    let mut decoded = Decoded::default();
    let block = Block::new(0, Payload::Json(lines.to_vec()));
    admitter.decode(&block, &mut decoded);
    admitter.judge(&mut decoded, 0, &Top::default(), 0, None);
    let names: HashMap<Name, String> = decoded.names.drain(..).collect();
    oracle::report(&[decoded.into_log()], &names, &settings, false)
}

/// Posts all lines in parts, one after the other.
fn post(server: &Http, lines: &[u8]) {
    let lines: Vec<&[u8]> = lines.split_inclusive(|&byte| byte == b'\n').collect();
    for part in lines.chunks(1_500) {
        let body = String::from_utf8(part.concat()).unwrap();
        let (status, answer) = server.post("/api/v1/events", &body);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        match status {
            200 => assert_eq!(answer["read"], part.len() as u64, "{answer}"),
            _ => assert_eq!(status, 202, "{answer}"),
        }
    }
}

fn wait_for(server: &Http, read: usize) {
    let began = Instant::now();
    while server.get_json("/api/v1/dispositions")["read"] != read as u64 {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "not all was read"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A number as it comes out of JSON text.
fn through_json(number: impl serde::Serialize) -> Value {
    serde_json::from_str(&json!(number).to_string()).unwrap()
}

fn query(key: &ChainKey) -> String {
    let scope = key.advertiser.clone().unwrap_or("*".to_owned());
    let scope = scope.replace(' ', "%20");
    let (dimension, window) = (dimension_name(key.dimension), window_name(key.window));
    format!("scope={scope}&dimension={dimension}&window={window}")
}

fn state(state: &State) -> &str {
    match state {
        State::Start => "(start)",
        State::Named(name) => name,
        State::Conversion => "(conversion)",
        State::Null => "(null)",
    }
}

fn assert_chain(server: &Http, key: &ChainKey, chain: &Chain) {
    let query = query(key);
    let answer = server.get_json(&format!("/api/v1/attribution?{query}"));
    let credits = answer["credits"].as_array().unwrap();
    assert_eq!(credits.len(), chain.credits.len(), "{query}");
    for (shown, credit) in credits.iter().zip(&chain.credits) {
        assert_eq!(shown["state"], credit.state);
        assert_eq!(shown["removal_effect"], through_json(credit.removal_effect));
        let conversions = through_json(credit.attributed_conversions);
        assert_eq!(shown["attributed_conversions"], conversions, "{query}");
    }
    assert_eq!(answer["p_conversion"], through_json(chain.p_conversion));
    let answer = server.get_json(&format!("/api/v1/transitions?{query}"));
    let mut shown: Vec<(String, String, i64)> =
        serde_json::from_value(answer["counts"].clone()).unwrap();
    let counts = chain.counts.iter();
    let mut counts: Vec<_> = counts
        .map(|((from, to), count)| (state(from).to_owned(), state(to).to_owned(), count.count))
        .collect();
    shown.sort();
    counts.sort();
    assert_eq!(shown, counts, "{query}");
}

#[test]
fn what_is_posted_is_answered_as_plain_loops_have_it() {
    let (running, server, http) = start(Box::new(Nothing));
    let lines = lines();
    post(&http, &lines);
    wait_for(&http, EVENTS);
    let expected = expected(&lines);
    let shown = http.get_json("/api/v1/dispositions");
    assert_eq!(shown["accepted"], expected.accepted);
    assert_eq!(shown["duplicate"], expected.duplicate);
    // The windows follow the clock, which the heartbeat moves on; the chains of all time do not.
    let of_all_time = |(key, _): &(&ChainKey, &Chain)| key.window == Window::All;
    let chains: Vec<_> = expected.chains.iter().filter(of_all_time).collect();
    assert!(chains.len() > 10, "{} chains", chains.len());
    chains
        .iter()
        .for_each(|(key, chain)| assert_chain(&http, key, chain));
    let everyone = ChainKey {
        advertiser: None,
        dimension: Dimension::Channel,
        window: Window::All,
    };
    assert_fundamental(&http, &expected.chains[&everyone]);
    assert!(server.stop(Duration::from_secs(3)));
    drop(running);
}

/// P(conversion) is the sum over states of their expected visits times their chance to convert next.
fn assert_fundamental(server: &Http, chain: &Chain) {
    let answer = server.get_json("/api/v1/fundamental");
    let states: Vec<String> = serde_json::from_value(answer["states"].clone()).unwrap();
    let visits: Vec<f64> = serde_json::from_value(answer["from_start"].clone()).unwrap();
    let count = |from: &State, to: &State| {
        let count = chain.counts.get(&(from.clone(), to.clone()));
        count.map_or(0.0, |count| count.count as f64)
    };
    let leaving = |from: &State| {
        let cells = chain.counts.iter().filter(|((f, _), _)| f == from);
        cells.map(|(_, count)| count.count as f64).sum::<f64>()
    };
    let convert = |from: State| count(&from, &State::Conversion) / leaving(&from);
    let touched: f64 = states
        .iter()
        .zip(visits)
        .map(|(state, visits)| visits * convert(State::Named(state.clone())))
        .sum();
    let p = touched + convert(State::Start);
    assert!((p - chain.p_conversion.unwrap()).abs() < 1e-12, "{p}");
}

#[test]
fn an_epoch_that_is_still_open_can_be_asked_for() {
    let (_running, _server, http) = start(Box::new(Nothing));
    post(&http, &lines());
    wait_for(&http, EVENTS);
    let path = |epoch: u64| format!("/api/v1/attribution?at_epoch={epoch}");
    let now = http.get_json("/api/v1/status")["as_of_epoch"]
        .as_u64()
        .unwrap();
    let (status, body) = http.get(&path(now));
    assert_eq!(status, 409, "{body}");
    let (status, body) = http.get(&path(now + 1_000_000));
    assert_eq!(status, 400, "{body}");
    let answer = http.get_json(&path(now + 3));
    assert_eq!(answer["as_of_epoch"], now + 3);
    let plain = http.get_json("/api/v1/attribution");
    assert_eq!(answer["credits"], plain["credits"]);
}

/// Without records nothing else makes the epochs go on.
#[test]
fn an_engine_that_has_had_nothing_still_comes_to_the_epoch_that_is_asked_for() {
    let (_running, _server, http) = start(Box::new(Nothing));
    let status = http.get_json("/api/v1/status");
    let at = status["as_of_epoch"].as_u64().unwrap() + 100;
    let answer = http.get_json(&format!("/api/v1/transitions?at_epoch={at}"));
    assert_eq!(answer["as_of_epoch"], at);
}

#[test]
fn a_user_is_found_by_the_raw_id() {
    let (_running, _server, http) = start(Box::new(Nothing));
    let line = |id: u32, kind: &str, second: u32| {
        let time = format!("2026-01-02T03:04:{second:02}Z");
        json!({"event_id": id.to_string(), "event_type": kind, "event_time": time, "user_id": "ann",
            "advertiser": "acme", "channel": "search", "revenue": 2.5})
        .to_string()
            + "\n"
    };
    let body = line(1, "ad_click", 1) + &line(2, "conversion", 5);
    assert_eq!(http.post("/api/v1/events", &body).0, 200);
    let (status, body) = http.post("/api/v1/user", "{\"user_id\": \"ann\"}");
    assert_eq!(status, 200, "{body}");
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["sessions"][0]["activities"], 2);
    let journey = &answer["journeys"][0];
    assert_eq!(journey["advertiser"], "acme");
    assert_eq!(journey["is_converted"], true);
    assert_eq!(journey["points"][1]["value"], 2.5);
    assert_eq!(http.post("/api/v1/user", "{\"user_id\": \"bob\"}").0, 404);
}

#[test]
fn a_watched_chain_is_told_as_it_changes() {
    let (_running, _server, http) = start(Box::new(Nothing));
    let mut client = Client::connect(&http);
    client.say(
        &json!({"type": "subscribe", "topics": ["transitions", "dispositions"], "tick_ms": 20}),
    );
    post(&http, &lines());
    while client
        .rows
        .get("dispositions")
        .is_none_or(|row| row["read"] != EVENTS as u64)
    {
        client.read();
    }
    let answer = http.get_json("/api/v1/transitions");
    let sorted = |counts: &Value| {
        let mut counts: Vec<(String, String, i64)> =
            serde_json::from_value(counts.clone()).unwrap();
        counts.sort();
        counts
    };
    let row = &client.rows["transitions/*/channel/all"];
    assert_eq!(sorted(&row["counts"]), sorted(&answer["counts"]));
}

#[test]
fn the_end_under_load_is_in_time_and_whole() {
    let live = Live::new(simulator(None), 0, simulator(None).arrival_ms(), 20.0);
    let (running, server, http) = start(Box::new(live));
    let mut clients: Vec<Client> = (0..10).map(|_| Client::connect(&http)).collect();
    let wish =
        json!({"type": "subscribe", "topics": ["dispositions", "attribution"], "tick_ms": 20});
    clients.iter_mut().for_each(|client| {
        client.say(&wish);
        client.read();
    });
    std::thread::sleep(Duration::from_millis(500));
    let began = Instant::now();
    let readers: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            std::thread::spawn(move || {
                while client.try_read().is_some() {}
                (client.rows, client.last)
            })
        })
        .collect();
    running.stopper().stop();
    let results = running.join().unwrap().expect("worker 0 is here");
    assert!(server.stop(Duration::from_secs(2)), "not all heard the end");
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    let report = results.report();
    let read = report.accepted + report.duplicate + report.late + report.invalid;
    assert!(read > 100, "{read} records");
    for reader in readers {
        let (rows, code) = reader.join().unwrap();
        assert_eq!(code, 1001);
        assert_eq!(rows["dispositions"]["read"], read);
        let all = &report.chains[&ChainKey {
            advertiser: None,
            dimension: Dimension::Channel,
            window: Window::All,
        }];
        let shown = &rows["attribution/*/channel/all"];
        assert_eq!(shown["p_conversion"], through_json(all.p_conversion));
    }
}
