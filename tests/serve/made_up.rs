//! A server on a free port whose frames the test writes itself, and small clients.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dataflows::attribution::{Attribution, Credit, Figures};
use dataflows::dispositions::Dispositions;
use dataflows::event::Name;
use dataflows::row::{Clock, Matrix, Row};
use dataflows::settings::Settings;
use dataflows::transitions::{ChainKey, Dimension, Scope, State, Window};
use dataflows::weight::Weight;
use serde_json::Value;
use tributary::frames::Frames;
use tributary::ingest::intake::EpochPolicy;
use tributary::ingest::source::Nothing;
use tributary::meter::Meter;
use tributary::run::{self, Doors, Options, Running};
use tributary::serve::{self, Facts, Limits, Server};

pub(crate) const GENERATION: u64 = 1_763_690_000_000;

pub(crate) struct MadeUp {
    pub(crate) frames: Arc<Mutex<Frames>>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    pub(crate) http: Http,
    _running: Mutex<Running>,
}

/// A server with one advertiser, as of epoch 1.
pub(crate) fn start(limits: Limits) -> MadeUp {
    let frames = Arc::new(Mutex::new(Frames::default()));
    let meter = Arc::new(Meter::default());
    // An engine that has nothing to do, for the doors that are not looked at here.
    let options = Options {
        epochs: EpochPolicy {
            records: 1_000,
            interval: Some(Duration::from_millis(5)),
            in_flight: 20,
        },
        is_live: true,
        ..Options::flat_out(Settings::default(), [7; 32], 1, 1_000)
    };
    let running = run::start(Box::new(Nothing), &options).unwrap();
    let doors = Doors {
        frames: frames.clone(),
        meter: meter.clone(),
        ..running.doors.clone()
    };
    let facts = Facts {
        generation: GENERATION,
        source: "made up".to_owned(),
        settings: Settings::default(),
        key: [7; 32],
        is_development_key: true,
        process: 0,
        processes: 1,
        threads: 1,
        is_insecure: false,
    };
    let listener = serve::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let server = serve::start(listener, limits, doors, facts).unwrap();
    let address = server.address();
    meter.tell_caught_up(true);
    let made_up = MadeUp {
        frames,
        meter,
        server,
        address,
        http: Http(address),
        _running: Mutex::new(running),
    };
    let mut rows = names(&["acme", "search", "video", "(start)"]);
    rows.push((clock(60_000), 1));
    rows.push((dispositions(4), 1));
    rows.push((attribution("acme", Window::All, 2), 1));
    made_up.close(1, rows);
    made_up
}

impl MadeUp {
    pub(crate) fn close(&self, epoch: u64, changes: Vec<(Row, isize)>) {
        self.frames.lock().unwrap().close(epoch, changes);
        self.meter.close(epoch + 1);
    }
}

/// A server by its address: small blocking requests.
#[derive(Clone, Copy)]
pub(crate) struct Http(pub(crate) SocketAddr);

impl Http {
    /// Status and body of a GET.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let (status, _, body) = self.ask(&format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.0
        ));
        (status, body)
    }

    pub(crate) fn get_json(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> (u16, String) {
        let (status, _, body) = self.ask(&format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            self.0,
            body.len()
        ));
        (status, body)
    }

    /// Status, head and body of what is answered to these bytes.
    pub(crate) fn ask(&self, request: &str) -> (u16, String, String) {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = match head.contains("transfer-encoding: chunked") {
            true => unchunked(body),
            false => body.to_owned(),
        };
        (status, head.to_owned(), body)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.0).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
    }
}

impl std::ops::Deref for MadeUp {
    type Target = Http;
    fn deref(&self) -> &Http {
        &self.http
    }
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole.push_str(&rest[..size]);
        body = &rest[size + 2..];
    }
    whole
}

pub(crate) fn names(texts: &[&str]) -> Vec<(Row, isize)> {
    let row = |text: &&str| (Row::Name(Name::of(text), (*text).to_owned()), 1);
    texts.iter().map(row).collect()
}

pub(crate) fn clock(now_ms: i64) -> Row {
    Row::Clock(Clock {
        now_ms: Some(now_ms),
        latest_ms: now_ms,
    })
}

pub(crate) fn dispositions(read: i64) -> Row {
    Row::Dispositions(Dispositions {
        read,
        accepted: read,
        ..Dispositions::default()
    })
}

pub(crate) fn chain(advertiser: &str) -> ChainKey {
    ChainKey {
        scope: match advertiser {
            "*" => Scope::Everyone,
            _ => Scope::Advertiser(Name::of(advertiser)),
        },
        dimension: Dimension::Channel,
    }
}

/// The chain of all, with a credit for each of many states.
pub(crate) fn wide_attribution(states: &[&str], number: i64) -> Row {
    let Row::Attribution(mut row) = attribution("*", Window::All, number) else {
        unreachable!("it is made just so");
    };
    let figures = Arc::make_mut(&mut row.figures);
    let mut credit = figures.credits.remove(0);
    let credits = states.iter().map(|state| {
        credit.state = Name::of(state);
        credit.clone()
    });
    figures.credits = credits.collect();
    Row::Attribution(row)
}

/// A chain whose every number follows from one.
pub(crate) fn attribution(advertiser: &str, window: Window, number: i64) -> Row {
    let credit = |state: &str, share: f64| Credit {
        state: Name::of(state),
        removal_effect: Some(share.into()),
        removal_effect_value: None,
        attributed_conversions: Some((share * number as f64).into()),
        attributed_value: Some((share * 10.0).into()),
    };
    Row::Attribution(Attribution {
        chain: chain(advertiser),
        window,
        figures: Arc::new(Figures {
            journeys: 10 * number,
            touches: 20 * number,
            conversions: number,
            untouched: 0,
            untouched_value: 0,
            value: i128::from(number) * 1_500_000,
            p_conversion: Some(0.1.into()),
            expected_value_per_journey: None,
            credits: vec![credit("(start)", 0.25), credit("search", 0.75)],
        }),
    })
}

pub(crate) fn matrix(advertiser: &str, count: i64) -> Row {
    let weight = Weight { count, value: 0 };
    Row::Transitions(Matrix {
        chain: chain(advertiser),
        counts: vec![(
            State::Start,
            State::Named(Name::of("search")),
            [weight, Weight::default(), weight],
        )],
    })
}
