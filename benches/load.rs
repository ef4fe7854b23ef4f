//! Many clients on one server: memory for each, and how long until a frame is at all of them.
//!
//!   scripts/load                         10,000 idle clients, 1,000 random ones, 50 that stall, 200 posts
//!   scripts/load --idle 5000 --random 0  other numbers
//!
//! The server is the built program in a process of its own; the clients are in this one.

#[path = "load/server.rs"]
mod server;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt, StreamExt};
use hdrhistogram::Histogram;
use rand_pcg::Pcg32;
use rand_pcg::rand_core::Rng;
use server::Server;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// How many clients are shaking hands at once.
const HANDSHAKES: usize = 64;
const SPAN: Duration = Duration::from_secs(10);
/// Events a second while records are posted.
const POSTED_RATE: &str = "50000";
/// What idle clients want: little, and what a client gets that does not say.
const IDLE_WISHES: [&str; 2] = [
    r#"{"type":"subscribe","topics":["dispositions","attribution"],"tick_ms":250}"#,
    r#"{"type":"subscribe"}"#,
];

/// What clients want that stall, and those beside them: all there is, as often as there is.
const EVERYTHING: &str = r#"{"type":"subscribe","topics":["engine","dispositions","attribution","transitions"],"tick_ms":20}"#;
/// Clients beside those that stall.
const GOOD: usize = 50;

struct Wanted {
    idle: usize,
    random: usize,
    rate: u64,
    stalled: usize,
    posts: usize,
}

fn main() {
    let mut wanted = Wanted {
        idle: 10_000,
        random: 1_000,
        rate: 2_000,
        stalled: 50,
        posts: 200,
    };
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench");
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse().ok());
        let value: u64 = value.unwrap_or_else(|| panic!("{name} wants a number"));
        match name.as_str() {
            "--idle" => wanted.idle = value as usize,
            "--random" => wanted.random = value as usize,
            "--rate" => wanted.rate = value,
            "--stalled" => wanted.stalled = value as usize,
            "--posts" => wanted.posts = value as usize,
            _ => panic!(
                "unknown {name}; there are --idle N, --random N, --rate EVENTS_PER_SECOND, --stalled N, --posts N"
            ),
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the system gives a runtime");
    if wanted.idle > 0 {
        for wish in IDLE_WISHES {
            runtime.block_on(idle(wanted.idle, wish));
        }
    }
    if wanted.random > 0 {
        runtime.block_on(random(wanted.random, wanted.rate));
    }
    if wanted.stalled > 0 {
        runtime.block_on(stalled(wanted.stalled, wanted.rate));
    }
    if wanted.posts > 0 {
        runtime.block_on(posted(wanted.posts));
    }
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_millis() as u64)
}

type Socket = WebSocketStream<TcpStream>;

async fn connect(address: SocketAddr, wish: &str) -> Socket {
    let stream = TcpStream::connect(address).await;
    shake_hands(stream.expect("the server listens"), address, wish).await
}

async fn shake_hands(stream: TcpStream, address: SocketAddr, wish: &str) -> Socket {
    let config = tokio_tungstenite::tungstenite::protocol::WebSocketConfig::default()
        .read_buffer_size(4 << 10);
    let url = format!("ws://{address}/ws");
    let opened = tokio_tungstenite::client_async_with_config(url, stream, Some(config)).await;
    let (mut socket, _) = opened.expect("the server takes it");
    socket
        .send(Message::text(wish))
        .await
        .expect("the server hears it");
    socket
}

/// Connects so many clients, a few at a time.
async fn connect_all(address: SocketAddr, wishes: Vec<String>) -> Vec<Socket> {
    futures_util::stream::iter(wishes)
        .map(|wish| async move { connect(address, &wish).await })
        .buffer_unordered(HANDSHAKES)
        .collect()
        .await
}

/// Clients that wait for something to happen.
async fn idle(count: usize, wish: &str) {
    let server = Server::start(&["--source", "none"]);
    server.post(0);
    let before = server.rss_kib();
    let began = Instant::now();
    let sockets = connect_all(server.address, vec![wish.to_owned(); count]).await;
    println!(
        "{count} idle clients connected in {:.1} s, each with {wish}",
        began.elapsed().as_secs_f64()
    );
    let (heard, mut hears) = mpsc::unbounded_channel();
    for mut socket in sockets {
        let heard = heard.clone();
        tokio::spawn(async move {
            while let Some(Ok(message)) = socket.next().await {
                // Beside what was posted only the engine changes.
                let is_news =
                    |text: &str| text.contains("\"delta\"") && text.contains("\"dispositions\"");
                if message.to_text().is_ok_and(is_news) {
                    let _ = heard.send(Instant::now());
                }
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let cpu = server.cpu();
    tokio::time::sleep(Duration::from_secs(5)).await;
    println!(
        "memory a client: {:.1} KiB (resident {:.0} MiB, before {:.0} MiB)",
        (server.rss_kib() - before) / count as f64,
        server.rss_kib() / 1024.0,
        before / 1024.0
    );
    println!(
        "CPU while idle: {:.1} % of a core",
        (server.cpu() - cpu) / 5.0 * 100.0
    );
    while hears.try_recv().is_ok() {}
    for round in 1..=3 {
        server.post(round);
        let posted = Instant::now();
        let (mut first, mut last) = (None, posted);
        for _ in 0..count {
            let Ok(Some(at)) = tokio::time::timeout(SPAN, hears.recv()).await else {
                println!("not all clients have heard");
                break;
            };
            first.get_or_insert(at);
            last = last.max(at);
        }
        let ms = |at: Instant| at.saturating_duration_since(posted).as_secs_f64() * 1e3;
        println!(
            "a frame is at the first client after {:.0} ms, at all {count} after {:.0} ms",
            first.map_or(f64::NAN, ms),
            ms(last)
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    println!("resident after: {:.0} MiB", server.rss_kib() / 1024.0);
}

/// Records posted one by one to a busy engine: how long until a client has the delta that counts each.
async fn posted(count: usize) {
    let server = Server::start(&[
        "--source",
        "simulator",
        "--speed",
        "1",
        "--rate",
        POSTED_RATE,
    ]);
    let wish = r#"{"type":"subscribe","topics":["attribution"],"scope":"acme","tick_ms":20}"#;
    let mut socket = connect(server.address, wish).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut delays: Histogram<u64> = Histogram::new(3).expect("three digits are fine");
    for id in 0..count {
        let began = Instant::now();
        server.post(id);
        // Each is a user of its own.
        let counted = format!("\"touches\":{},", id + 1);
        while let Some(Ok(message)) = socket.next().await {
            if message.to_text().is_ok_and(|text| text.contains(&counted)) {
                break;
            }
        }
        let us = began.elapsed().as_micros() as u64;
        delays.record(us).expect("it grows");
    }
    let ms = |us: u64| us as f64 / 1e3;
    println!(
        "{count} posts at {POSTED_RATE} events/s, from post to delta: p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
        ms(delays.value_at_quantile(0.5)),
        ms(delays.value_at_quantile(0.99)),
        ms(delays.max())
    );
}

/// What random clients want.
fn wish(random: &mut Pcg32) -> String {
    let mut pick = |n: u32| (random.next_u32() % n) as usize;
    let tick_ms = [20, 50, 100, 250, 1_000][pick(5)];
    let topics = [
        r#"["engine"]"#,
        r#"["dispositions"]"#,
        r#"["engine","dispositions","attribution"]"#,
        r#"["attribution","transitions"]"#,
        r#"["attribution","history"]"#,
    ][pick(5)];
    let scope = match pick(8) {
        0 => String::new(),
        1 => r#","scope":"*""#.to_owned(),
        n => format!(r#","scope":"adv_{:02}""#, n - 2),
    };
    format!(r#"{{"type":"subscribe","topics":{topics},"tick_ms":{tick_ms}{scope}}}"#)
}

/// Clients of all kinds on a live simulator; some stall now and then.
async fn random(count: usize, rate: u64) {
    let server = Server::start(&[
        "--source",
        "simulator",
        "--speed",
        "1",
        "--rate",
        &rate.to_string(),
    ]);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut random = Pcg32::new(1, 1);
    let wishes = (0..count).map(|_| wish(&mut random)).collect();
    let before = server.rss_kib();
    let sockets = connect_all(server.address, wishes).await;
    let (messages, bytes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (heard, mut hears) = mpsc::unbounded_channel();
    for (i, socket) in sockets.into_iter().enumerate() {
        let (messages, bytes, heard) = (messages.clone(), bytes.clone(), heard.clone());
        tokio::spawn(listen(socket, i % 20 == 0, messages, bytes, heard));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    while hears.try_recv().is_ok() {}
    let (cpu, sent, volume) = (server.cpu(), messages.load(Relaxed), bytes.load(Relaxed));
    tokio::time::sleep(SPAN).await;
    let seconds = SPAN.as_secs_f64();
    let delays = delays_heard(&mut hears);
    let per_second = |now: u64, then: u64| (now - then) as f64 / seconds;
    println!(
        "{count} random clients at {rate} events/s: {:.0} messages/s, {:.1} MiB/s, server {:.0} % of a core, memory a client {:.1} KiB",
        per_second(messages.load(Relaxed), sent),
        per_second(bytes.load(Relaxed), volume) / 1024.0 / 1024.0,
        (server.cpu() - cpu) / seconds * 100.0,
        (server.rss_kib() - before) / count as f64
    );
    println!(
        "made to received: p50 {} ms, p99 {} ms, p99.9 {} ms",
        delays.value_at_quantile(0.5),
        delays.value_at_quantile(0.99),
        delays.value_at_quantile(0.999)
    );
}

/// What everybody else notices of clients that want everything and read nothing.
async fn stalled(count: usize, rate: u64) {
    let server = Server::start(&[
        "--source",
        "simulator",
        "--speed",
        "1",
        "--rate",
        &rate.to_string(),
    ]);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let sockets = connect_all(server.address, vec![EVERYTHING.to_owned(); GOOD]).await;
    let (heard, mut hears) = mpsc::unbounded_channel();
    for socket in sockets {
        tokio::spawn(listen(
            socket,
            false,
            Arc::default(),
            Arc::default(),
            heard.clone(),
        ));
    }
    say_delays("nobody else", &mut hears).await;
    let mut deaf = Vec::new();
    for _ in 0..count {
        // As little room as the system gives, so that it is full at once.
        let socket = TcpSocket::new_v4().expect("the system gives a socket");
        socket
            .set_recv_buffer_size(2_048)
            .expect("the system takes any size");
        let stream = socket.connect(server.address).await;
        deaf.push(
            shake_hands(
                stream.expect("the server listens"),
                server.address,
                EVERYTHING,
            )
            .await,
        );
    }
    let before = server.rss_kib();
    say_delays(&format!("{count} that read nothing"), &mut hears).await;
    println!(
        "memory meanwhile: {:.1} MiB more",
        (server.rss_kib() - before) / 1024.0
    );
}

/// How old the frames were that have been heard and not yet counted.
fn delays_heard(hears: &mut mpsc::UnboundedReceiver<u64>) -> Histogram<u64> {
    let mut delays = Histogram::new(3).expect("three digits are fine");
    while let Ok(delay) = hears.try_recv() {
        delays.record(delay).expect("it grows");
    }
    delays
}

/// How old the frames of a span are that all listeners hear.
async fn say_delays(beside: &str, hears: &mut mpsc::UnboundedReceiver<u64>) {
    tokio::time::sleep(Duration::from_secs(2)).await;
    while hears.try_recv().is_ok() {}
    tokio::time::sleep(SPAN).await;
    let delays = delays_heard(hears);
    println!(
        "{GOOD} good clients beside {beside}: {} messages, made to received p50 {} ms, p99 {} ms, most {} ms",
        delays.len(),
        delays.value_at_quantile(0.5),
        delays.value_at_quantile(0.99),
        delays.max()
    );
}

/// Counts messages and how old they are; a lazy client sleeps in between.
async fn listen(
    mut socket: Socket,
    is_lazy: bool,
    messages: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
    heard: mpsc::UnboundedSender<u64>,
) {
    const STAMP: &str = "\"server_time_ms\":";
    while let Some(Ok(Message::Text(text))) = socket.next().await {
        messages.fetch_add(1, Relaxed);
        bytes.fetch_add(text.len() as u64, Relaxed);
        if is_lazy {
            tokio::time::sleep(Duration::from_millis(700)).await;
            continue;
        }
        let stamp = text.split_once(STAMP).map(|(_, rest)| rest);
        let made = stamp.and_then(|rest| rest.split(',').next()?.parse::<u64>().ok());
        let _ = made.map(|made| heard.send(now_ms().saturating_sub(made)));
    }
}
