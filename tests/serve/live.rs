//! Readers of frames: what they have after any message is what a fresh snapshot would say.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dataflows::transitions::Window;
use rand_pcg::Pcg32;
use rand_pcg::rand_core::Rng;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, WebSocket};
use tokio_tungstenite::tungstenite::{Error, client};
use tributary::serve::Limits;

use super::made_up::{
    self, GENERATION, Http, MadeUp, attribution, clock, dispositions, matrix, names,
};

/// A client over WebSocket, and what it knows.
pub(crate) struct Client {
    socket: WebSocket<TcpStream>,
    pub(crate) rows: BTreeMap<String, Value>,
    pub(crate) epoch: u64,
    pub(crate) last: Value,
}

impl Client {
    pub(crate) fn connect(server: &Http) -> Client {
        let request = format!("ws://{}/ws", server.0);
        let mut request = request.into_client_request().unwrap();
        let protocol = "tributary.v1.json".parse().unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let (socket, answer) = client(request, server.connect()).unwrap();
        assert_eq!(
            answer.headers()["sec-websocket-protocol"],
            "tributary.v1.json"
        );
        let mut client = Client {
            socket,
            rows: BTreeMap::new(),
            epoch: 0,
            last: Value::Null,
        };
        assert_eq!(client.read()["type"], "hello");
        client
    }

    pub(crate) fn say(&mut self, message: &Value) {
        let text = message.to_string();
        self.socket.send(Message::text(text)).unwrap();
    }

    /// Says good-bye.
    pub(crate) fn leave(&mut self) {
        let code = CloseCode::Normal;
        let reason = "".into();
        self.socket
            .close(Some(CloseFrame { code, reason }))
            .unwrap();
    }

    /// The next message, applied; `None` once the socket is closed, with the code in `last`.
    pub(crate) fn try_read(&mut self) -> Option<Value> {
        let message: Value = loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => break serde_json::from_str(text.as_str()).unwrap(),
                Ok(Message::Close(frame)) => {
                    self.last = json!(frame.map(|frame| u16::from(frame.code)));
                }
                Ok(_) => {}
                Err(Error::ConnectionClosed | Error::Protocol(_) | Error::Io(_)) => return None,
                Err(error) => panic!("{error}"),
            }
        };
        self.apply(&message);
        self.last = message.clone();
        Some(message)
    }

    pub(crate) fn read(&mut self) -> Value {
        self.try_read().expect("a message")
    }

    fn apply(&mut self, message: &Value) {
        match message["type"].as_str().unwrap() {
            "snapshot" => self.rows.clear(),
            "delta" => assert_eq!(message["from_epoch"], self.epoch, "{message}"),
            "heartbeat" => {}
            _ => return,
        }
        self.epoch = message["epoch"].as_u64().unwrap();
        for (key, value) in message["rows"].as_object().into_iter().flatten() {
            self.rows.insert(key.clone(), value.clone());
        }
        for key in message["removed"].as_array().into_iter().flatten() {
            self.rows.remove(key.as_str().unwrap());
        }
    }

    /// Reads until there is the answer to `wish`. Under load a wish may be later than the server waits for one; then
    /// there come the rows that are usual first.
    fn read_answer(&mut self, wish: &Value) {
        let Some(scope) = wish["scope"].as_str() else {
            drop(self.read());
            return;
        };
        let scope = format!(
            "attribution/{}/",
            scope.replace('/', "%2F").replace(' ', "%20")
        );
        let is_usual = |rows: &BTreeMap<String, Value>| {
            let mut chains = rows.keys().filter(|key| key.starts_with("attribution/"));
            chains.any(|key| !key.starts_with(&scope))
        };
        self.read();
        while is_usual(&self.rows) {
            self.read();
        }
    }

    /// Reads on until `epoch` is reached.
    pub(crate) fn read_to(&mut self, epoch: u64) {
        while self.epoch < epoch {
            self.read();
        }
    }
}

/// What a fresh snapshot says, but for the engine, which is never the same twice.
fn fresh(server: &MadeUp, query: &str) -> BTreeMap<String, Value> {
    let frame = server.get_json(&format!("/api/v1/frame?{query}"));
    let rows: BTreeMap<_, _> = serde_json::from_value(frame["rows"].clone()).unwrap();
    rows.into_iter()
        .filter(|(key, _)| key != "engine")
        .collect()
}

#[test]
fn a_client_that_says_nothing_gets_what_is_usual() {
    let server = made_up::start(Limits::default());
    let mut client = Client::connect(&server);
    let snapshot = client.read();
    assert_eq!(snapshot["type"], "snapshot");
    let keys: Vec<&String> = client.rows.keys().filter(|key| *key != "engine").collect();
    assert_eq!(
        keys,
        ["attribution/acme/channel/all", "dispositions", "scopes"]
    );
    assert_eq!(client.rows["scopes"]["advertisers"], json!(["acme"]));
    let delta = client.read();
    assert_eq!(delta["type"], "delta");
    assert!(delta["rows"].get("engine").is_some(), "{delta}");
    assert_eq!(delta["rows"].as_object().unwrap().len(), 1, "{delta}");
}

#[test]
fn deltas_have_what_changed_and_what_went() {
    let server = made_up::start(Limits::default());
    let mut client = Client::connect(&server);
    client.say(&json!({"type": "subscribe", "topics": ["attribution"], "tick_ms": 20}));
    assert_eq!(client.read()["type"], "snapshot");
    server.close(
        2,
        vec![
            (attribution("acme", Window::All, 2), -1),
            (attribution("acme", Window::Hour, 1), 1),
        ],
    );
    let delta = client.read();
    assert_eq!(
        (delta["from_epoch"].as_u64(), delta["epoch"].as_u64()),
        (Some(1), Some(2))
    );
    assert_eq!(delta["removed"], json!(["attribution/acme/channel/all"]));
    let keys: Vec<&String> = client.rows.keys().collect();
    assert_eq!(keys, ["attribution/acme/channel/1h"]);
}

#[test]
fn a_client_that_comes_back_gets_what_it_missed() {
    let server = made_up::start(Limits::default());
    let wish = json!({"topics": ["attribution", "dispositions"], "tick_ms": 20});
    let resume = |generation: u64, epoch: u64| {
        let mut client = Client::connect(&server);
        client.epoch = epoch;
        let mut message = wish.clone();
        message["type"] = json!("resume");
        message["generation"] = json!(generation);
        message["epoch"] = json!(epoch);
        client.say(&message);
        client.read()
    };
    server.close(2, vec![(attribution("acme", Window::Day, 1), 1)]);
    server.close(3, vec![(dispositions(9), 1)]);
    let delta = resume(GENERATION, 2);
    assert_eq!(delta["type"], "delta");
    let keys: Vec<&String> = delta["rows"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["dispositions"]);
    let nothing = resume(GENERATION, 3);
    assert_eq!(nothing["type"], "heartbeat");
    assert_eq!(resume(GENERATION, 4)["type"], "snapshot");
    assert_eq!(resume(GENERATION - 1, 3)["type"], "snapshot");
}

/// Such a client has had the usual rows meanwhile, and a delta to what it had before would not fit them.
#[test]
fn a_client_that_comes_back_too_slowly_gets_everything() {
    let server = made_up::start(Limits::default());
    let mut client = Client::connect(&server);
    assert_eq!(client.read()["type"], "snapshot");
    let wish = json!({"type": "resume", "generation": GENERATION, "epoch": 1, "topics": ["dispositions"], "tick_ms": 20});
    client.say(&wish);
    while client.read()["type"] != "snapshot" {}
    let keys: Vec<&String> = client.rows.keys().collect();
    assert_eq!(keys, ["dispositions", "scopes"]);
}

#[test]
fn transitions_and_history_of_one_chain() {
    let server = made_up::start(Limits::default());
    server.close(2, vec![(matrix("acme", 5), 1)]);
    let mut client = Client::connect(&server);
    let wish = json!({"type": "subscribe", "topics": ["transitions", "history"], "scope": "acme", "tick_ms": 20});
    client.say(&wish);
    client.read();
    let row = &client.rows["transitions/acme/channel/all"];
    assert_eq!(row["counts"], json!([["(start)", "search", 5]]));
    assert_eq!(
        client.rows["history/acme/channel/all/60000"]["journeys"],
        20
    );
    server.close(3, vec![(matrix("acme", 5), -1), (clock(125_000), 1)]);
    client.read_to(3);
    let keys: Vec<&String> = client.rows.keys().collect();
    let history = |minute| format!("history/acme/channel/all/{minute}");
    assert_eq!(keys, [&history(120_000), &history(60_000)]);
}

#[test]
fn what_is_no_message_is_answered_and_ends_it() {
    let server = made_up::start(Limits::default());
    for (message, part) in [
        (json!({"type": "subscribe", "tick_ms": 3}), "20 to 5000"),
        (
            json!({"type": "subscribe", "topics": ["all"]}),
            "there are engine",
        ),
        (json!({"type": "unsubscribe"}), "unsubscribe"),
        (json!({"type": "resume"}), "generation"),
        (json!([]), "no message"),
    ] {
        let mut client = Client::connect(&server);
        client.say(&message);
        let error = client.read();
        assert_eq!(error["type"], "error", "{message}");
        assert!(error["title"].as_str().unwrap().contains(part), "{error}");
        assert!(client.try_read().is_none());
        assert_eq!(client.last, 1008);
    }
    let mut client = Client::connect(&server);
    client.say(&json!({"type": "subscribe", "scope": "x".repeat(70_000)}));
    while client.try_read().is_some() {}
    assert_eq!(client.last, 1009);
}

#[test]
fn listeners_get_the_same_and_resume_by_event_id() {
    let server = made_up::start(Limits::default());
    let listen = |last: &str, count: usize| {
        let mut stream = server.connect();
        let head = format!(
            "GET /api/v1/stream?topics=dispositions&tick_ms=20 HTTP/1.1\r\nHost: {}\r\n{last}\r\n",
            server.address
        );
        stream.write_all(head.as_bytes()).unwrap();
        let lines = BufReader::new(stream).lines().map(Result::unwrap);
        let told = lines.filter(|line| {
            ["event:", "id:", "data:"]
                .iter()
                .any(|p| line.starts_with(p))
        });
        told.take(count).collect::<Vec<_>>()
    };
    let lines = listen("", 5);
    assert_eq!(lines[0], "event: hello");
    assert_eq!(lines[2], "event: snapshot");
    assert_eq!(lines[3], format!("id: {GENERATION}-1"));
    let snapshot: Value = serde_json::from_str(&lines[4]["data: ".len()..]).unwrap();
    assert_eq!(snapshot["rows"]["dispositions"]["read"], 4);
    server.close(2, vec![(dispositions(5), 1)]);
    let lines = listen(&format!("Last-Event-ID: {GENERATION}-1\r\n"), 5);
    assert_eq!(lines[2], "event: delta");
    assert!(lines[4].contains("\"from_epoch\":1"), "{}", lines[4]);
}

#[test]
fn the_end_is_told_with_the_last_frame() {
    let server = made_up::start(Limits::default());
    let mut client = Client::connect(&server);
    client.say(&json!({"type": "subscribe", "topics": ["dispositions"], "tick_ms": 5000}));
    client.read();
    server.close(2, vec![(dispositions(77), 1)]);
    let began = Instant::now();
    let end = std::thread::spawn(move || server.server.stop(Duration::from_secs(4)));
    while client.try_read().is_some() {}
    assert_eq!(client.rows["dispositions"]["read"], 77);
    assert_eq!(client.last, 1001);
    drop(client);
    assert!(end.join().unwrap(), "not all heard it");
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
}

/// So many random readers, for so long.
fn scale() -> (u32, Duration) {
    match std::env::var("TRIBUTARY_LONG").as_deref() {
        Ok("1") => (1_000, Duration::from_secs(300)),
        _ => (12, Duration::from_secs(3)),
    }
}

#[test]
fn random_readers_end_up_with_what_a_fresh_one_gets() {
    let server = made_up::start(Limits::default());
    let (readers, span) = scale();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..readers)
            .map(|seed| {
                let (server, is_over) = (&server, &is_over);
                scope.spawn(move || random_reader(server, seed, is_over))
            })
            .collect();
        let last = random_writer(&server, span);
        is_over.store(true, Ordering::SeqCst);
        // One more, so that a reader which waits is told of the end.
        server.close(
            last + 1,
            vec![
                (dispositions(-1), 1),
                (attribution("acme", Window::All, 3), 1),
                (clock(i64::from(u32::MAX)), 1),
            ],
        );
        handles
            .into_iter()
            .for_each(|handle| handle.join().unwrap());
    });
}

const ADVERTISERS: [&str; 4] = ["*", "acme", "b/c d", "zoo"];

/// Chains come, change and go, epoch after epoch.
fn random_writer(server: &MadeUp, span: Duration) -> u64 {
    let mut random = Pcg32::new(7, 7);
    let mut pick = |n: u32| random.next_u32() % n;
    let began = Instant::now();
    let mut standing = BTreeMap::new();
    standing.insert((1, 0), attribution("acme", Window::All, 2));
    let mut epoch = 1;
    server.close(2, names(&ADVERTISERS[1..]));
    while began.elapsed() < span {
        epoch += 1;
        let mut rows = vec![(dispositions(i64::from(pick(1_000_000))), 1)];
        if pick(10) == 0 {
            rows.push((clock(60_000 + epoch as i64 * 2_000), 1));
        }
        for _ in 0..pick(4) {
            let (who, window) = (pick(4) as usize, pick(3) as usize);
            let old = standing.remove(&(who, window));
            rows.extend(old.map(|old| (old, -1)));
            if pick(3) > 0 {
                let row = attribution(
                    ADVERTISERS[who],
                    Window::ALL[window],
                    i64::from(pick(1_000)),
                );
                standing.insert((who, window), row.clone());
                rows.push((row, 1));
            }
        }
        server.close(epoch + 1, rows);
        std::thread::sleep(Duration::from_millis(u64::from(pick(8))));
    }
    epoch + 1
}

/// Joins, stalls, comes back; at the end it must know what is so.
fn random_reader(server: &MadeUp, seed: u32, is_over: &AtomicBool) {
    let mut random = Pcg32::new(seed.into(), 3);
    let mut pick = |n: u32| random.next_u32() % n;
    let scope = ADVERTISERS[pick(4) as usize];
    let window = ["all", "24h", "1h"][pick(3) as usize];
    let tick_ms = [20, 30, 50, 250][pick(4) as usize];
    let mut wish = json!({"type": "subscribe", "tick_ms": tick_ms});
    let mut query = String::new();
    if pick(3) > 0 {
        let topics = [
            "dispositions,history",
            "attribution,dispositions,engine,history",
        ][pick(2) as usize];
        wish["topics"] = json!(topics.split(',').collect::<Vec<_>>());
        wish["scope"] = json!(scope);
        wish["window"] = json!(window);
        let scope = scope.replace('/', "%2F").replace(' ', "%20");
        query = format!("topics={topics}&scope={scope}&window={window}");
    }
    let mut client = Client::connect(server);
    client.say(&wish);
    client.read_answer(&wish);
    while !is_over.load(Ordering::SeqCst) {
        match pick(20) {
            0 => std::thread::sleep(Duration::from_millis(pick(700).into())),
            1 => {
                let (rows, epoch) = (client.rows, client.epoch);
                client = Client::connect(server);
                (client.rows, client.epoch) = (rows, epoch);
                let mut resume = wish.clone();
                resume["type"] = json!("resume");
                resume["generation"] = json!(GENERATION);
                resume["epoch"] = json!(epoch);
                client.say(&resume);
                client.read_answer(&wish);
            }
            _ => drop(client.read()),
        }
    }
    loop {
        let mut rows = client.rows.clone();
        rows.remove("engine");
        let fresh = fresh(server, &query);
        if rows.get("dispositions") == fresh.get("dispositions")
            && fresh["dispositions"]["read"] == -1
        {
            assert_eq!(rows, fresh, "reader {seed} of {wish}");
            return;
        }
        client.read();
    }
}
