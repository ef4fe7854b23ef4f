//! What the protocols ask of a server, and what clumsy clients send: each test names a mistake that was once made.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tributary::serve::Limits;

use super::live::Client;
use super::made_up::{self, MadeUp};

const HANDSHAKE: &str =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Status and text of what is answered to a head and, maybe, the beginning of a body.
fn send(server: &MadeUp, first: &str, headers: &str, body: &str) -> (u16, String) {
    let host = server.address;
    let request =
        format!("{first} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n{body}");
    let (status, head, body) = server.ask(&request);
    (status, head + "\r\n\r\n" + &body)
}

#[test]
fn packed_bodies_are_refused_and_not_counted_as_bad_records() {
    let server = made_up::start(Limits::default());
    let post = |headers: &str| {
        let headers = format!("{headers}Content-Length: 2\r\n");
        send(&server, "POST /api/v1/events", &headers, "{}")
    };
    let (status, answer) = post("Content-Encoding: gzip\r\n");
    assert_eq!(status, 415, "{answer}");
    assert!(answer.contains("accept-encoding: identity"), "{answer}");
    assert_eq!(post("Content-Encoding: identity\r\n").0, 200);
}

#[test]
fn too_large_a_body_is_refused_by_its_head_alone() {
    let server = made_up::start(Limits::default());
    let headers = "Content-Length: 1073741824\r\nExpect: 100-continue\r\n";
    let (status, answer) = send(&server, "POST /api/v1/events", headers, "");
    assert_eq!(status, 413, "{answer}");
}

#[test]
fn a_body_that_does_not_come_is_the_senders_fault() {
    let server = made_up::start(Limits {
        request_time: Duration::from_millis(200),
        ..Limits::default()
    });
    let (status, answer) = send(
        &server,
        "POST /api/v1/events",
        "Content-Length: 100\r\n",
        "{",
    );
    assert_eq!(status, 408, "{answer}");
}

#[test]
fn bodies_under_way_do_not_fill_the_memory() {
    const BYTES: usize = 10_000;
    let server = made_up::start(Limits {
        body_bytes_max: BYTES,
        ..Limits::default()
    });
    let head = format!(
        "POST /api/v1/events HTTP/1.1\r\nHost: {}\r\nContent-Length: {BYTES}\r\n\r\n",
        server.address
    );
    // Each holds the last byte of its body back. There is room for 128 of them; one that meets a post may be refused, so
    // another takes its place.
    let almost = head.clone() + &" ".repeat(BYTES - 1);
    let begin = || {
        let mut stream = server.connect();
        stream.write_all(almost.as_bytes()).unwrap();
        stream
    };
    let mut unfinished: Vec<_> = (0..128).map(|_| begin()).collect();
    let refused = || server.post("/api/v1/events", &" ".repeat(BYTES)).0 == 429;
    let began = Instant::now();
    while !refused() {
        assert!(began.elapsed() < Duration::from_secs(10), "all were taken");
        unfinished.push(begin());
    }
    drop(unfinished);
    while refused() {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "they are still held"
        );
    }
}

#[test]
fn names_of_the_host_and_the_page_are_given_once() {
    let server = made_up::start(Limits::default());
    let own = server.address;
    for (headers, status) in [
        (format!("Host: {own}\r\nHost: evil.example\r\n"), 400),
        (
            format!("Host: {own}\r\nOrigin: http://{own}\r\nOrigin: http://evil.example\r\n"),
            400,
        ),
        (String::new(), 400),
        (format!("Host: {own}\r\nOrigin: http://{own}\r\n"), 200),
    ] {
        let request = format!("GET /healthz HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
        assert_eq!(server.ask(&request).0, status, "{headers}");
    }
    let old = server.ask("GET /healthz HTTP/1.0\r\n\r\n");
    assert_eq!(old.0, 200, "HTTP/1.0 has no Host");
}

#[test]
fn a_slash_at_the_end_is_the_same_route() {
    let server = made_up::start(Limits::default());
    assert_eq!(server.post("/api/v1/events/", "").0, 200);
    assert_eq!(server.get("/healthz/").0, 200);
    let metrics = server.get("/metrics").1;
    let counted = "http_requests_total{route=\"/healthz\",status=\"2xx\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
}

#[test]
fn only_a_whole_handshake_becomes_a_socket() {
    let server = made_up::start(Limits::default());
    let (status, answer) = send(&server, "GET /ws", "", "");
    assert_eq!(status, 426);
    assert!(answer.contains("upgrade: websocket"), "{answer}");
    let whole = format!("{HANDSHAKE}{KEY}");
    assert_eq!(send(&server, "HEAD /ws", &whole, "").0, 426);
    let short = format!("{HANDSHAKE}Sec-WebSocket-Key: x\r\n");
    assert_eq!(send(&server, "GET /ws", &short, "").0, 400);
    assert_eq!(send(&server, "GET /ws?tick_ms=20", &whole, "").0, 400);
}

#[test]
fn a_client_that_says_good_bye_is_answered() {
    let server = made_up::start(Limits::default());
    let mut client = Client::connect(&server);
    client.say(&json!({"type": "subscribe", "topics": ["dispositions"], "tick_ms": 5000}));
    client.read();
    client.leave();
    while client.try_read().is_some() {}
    // The peer's answer has the code that was given.
    assert_eq!(client.last, json!(1000));
}

#[test]
fn one_too_many_hears_it_after_having_asked() {
    let server = made_up::start(Limits {
        connections_max: 1,
        ..Limits::default()
    });
    let _held = server.connect();
    std::thread::sleep(Duration::from_millis(100));
    for _ in 0..20 {
        let mut stream = server.connect();
        let request = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 503"), "{head}");
        let problem: Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["status"], 503);
    }
}
