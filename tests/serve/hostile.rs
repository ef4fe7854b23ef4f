//! Clients that mean no good: heads that never end, too much of everything, foreign pages.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tributary::serve::Limits;

use super::made_up::{self, MadeUp};

/// Status of what is answered, and how long that took; 0: the connection was closed without a word.
fn answered(stream: &mut TcpStream) -> (u16, Duration) {
    let began = Instant::now();
    let mut answer = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok());
    (status.unwrap_or(0), began.elapsed())
}

fn send(server: &MadeUp, bytes: &[u8]) -> (u16, Duration) {
    let mut stream = server.connect();
    // The server may have closed before all of it was sent.
    let _ = stream.write_all(bytes);
    answered(&mut stream)
}

fn quick() -> Limits {
    Limits {
        head_time: Duration::from_millis(300),
        body_bytes_max: 10_000,
        ..Limits::default()
    }
}

#[test]
fn a_head_that_does_not_end_is_cut_off() {
    let server = made_up::start(quick());
    for start in [
        &b""[..],
        b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX:",
    ] {
        let (status, took) = send(&server, start);
        assert!([0, 408].contains(&status), "{status}");
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
    // One byte now and then is no head either.
    let mut stream = server.connect();
    let began = Instant::now();
    while stream.write_all(b"G").is_ok() && began.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_kept_connection_that_is_idle_is_cut_off() {
    let server = made_up::start(quick());
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    let (status, took) = send(&server, request.as_bytes());
    assert_eq!(status, 200);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn too_much_is_refused() {
    let server = made_up::start(quick());
    let host = format!("Host: {}\r\n", server.address);
    let long = "x".repeat(40_000);
    let (status, _) = send(
        &server,
        format!("GET / HTTP/1.1\r\n{host}X-Long: {long}\r\n\r\n").as_bytes(),
    );
    assert_eq!(status, 431);
    let (status, _) = send(
        &server,
        format!("GET /{long} HTTP/1.1\r\n{host}\r\n").as_bytes(),
    );
    assert!([414, 431].contains(&status), "{status}");
    let many = "a: b\r\n".repeat(2_000);
    let (status, _) = send(
        &server,
        format!("GET / HTTP/1.1\r\n{host}{many}\r\n").as_bytes(),
    );
    assert_eq!(status, 431);
    let body = format!(
        "POST /api/v1/events HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: 40000\r\n\r\n{long}"
    );
    assert_eq!(send(&server, body.as_bytes()).0, 413);
    let chunk = format!(
        "POST /api/v1/events HTTP/1.1\r\n{host}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n9c40\r\n{long}\r\n0\r\n\r\n"
    );
    assert_eq!(send(&server, chunk.as_bytes()).0, 413);
}

#[test]
fn foreign_pages_and_foreign_names_are_refused() {
    let server = made_up::start(Limits::default());
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let host = format!("Host: {}\r\n", server.address);
    let ask = |path: &str, headers: &str| {
        let request = format!("GET {path} HTTP/1.1\r\n{headers}\r\n");
        let mut stream = server.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap();
        String::from_utf8(start[9..].to_vec()).unwrap()
    };
    let evil = "Origin: http://evil.example\r\n";
    assert_eq!(ask("/ws", &format!("{host}{upgrade}{evil}")), "403");
    assert_eq!(ask("/api/v1/status", &format!("{host}{evil}")), "403");
    let own = format!("Origin: http://{}\r\n", server.address);
    assert_eq!(ask("/ws", &format!("{host}{upgrade}{own}")), "101");
    assert_eq!(ask("/api/v1/status", "Host: evil.example\r\n"), "403");
    let other = "Sec-WebSocket-Protocol: graphql-ws\r\n";
    assert_eq!(ask("/ws", &format!("{host}{upgrade}{other}")), "400");
}

#[test]
fn one_connection_too_many_is_told_to_come_later() {
    let limits = Limits {
        connections_max: 2,
        ..Limits::default()
    };
    let server = made_up::start(limits);
    let _held = [server.connect(), server.connect()];
    std::thread::sleep(Duration::from_millis(100));
    let (status, _) = answered(&mut server.connect());
    assert_eq!(status, 503);
}

#[test]
fn every_answer_has_the_headers_that_protect() {
    let server = made_up::start(Limits::default());
    for path in ["/", "/api/v1/status", "/nothing"] {
        let (_, head, _) = server.ask(&format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            server.address
        ));
        for header in [
            "content-security-policy: default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "x-request-id: ",
        ] {
            assert!(head.contains(header), "{header} in {head}");
        }
    }
}

#[test]
fn odd_bytes_do_not_stop_it() {
    let server = made_up::start(quick());
    let odd: [&[u8]; 5] = [
        b"\x00\x01\x02\xff\xfe\r\n\r\n",
        b"GET /%ff%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /api/v1/attribution?scope=%ff%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"POST /api/v1/user HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\n\xff\xfe",
        b"GET / HTTP/9.9\r\n\r\n",
    ];
    for bytes in odd {
        let (status, _) = send(&server, bytes);
        assert!(status < 500, "{status}");
    }
    assert_eq!(server.get("/healthz").0, 200);
}
