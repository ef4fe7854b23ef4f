//! Open loop through the server: from the moment an event is due to the moment a WebSocket client has the frame with it.

use std::fs::File;
use std::io::BufReader;
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use dataflows::settings::Settings;
use memchr::memmem;
use tokio_tungstenite::tungstenite::{Error, Message, client};

use super::latency::{Case, OFFERED, QUANTILES, WORKERS, epochs, seconds};
use super::sources::{Paced, lines_of};
use super::workload::{self, Mix};
use super::{Bench, Bound, Row, line_options};
use crate::meter::wall_ms;
use crate::run::{self, Options};
use crate::serve::{self, Facts, Limits};

const WISH: &str =
    r#"{"type":"subscribe","topics":["engine","dispositions","attribution"],"tick_ms":20}"#;
/// For the client to hear the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a client got: records read as of each frame and when it was there; bytes of all.
#[derive(Default)]
struct Heard {
    frames: Vec<(i64, Instant)>,
    bytes: usize,
}

/// Due time to a client, at a tick of 20 ms.
pub(super) fn to_client(bench: &Bench) -> Result<Vec<Row>> {
    let case = Case::new("serve", OFFERED, seconds(bench), [(0.0, 0.0); 3]);
    let mix = Mix::of(case.events).over_ms(seconds(bench) * 1_000);
    let path = bench.file(mix)?;
    let reader = BufReader::with_capacity(256 * 1024, File::open(&path)?);
    let source = Paced::new(case.pace.clone(), lines_of(reader));
    let options = Options {
        epochs: epochs(),
        ..line_options(WORKERS, epochs().records)
    };
    let listener = serve::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let running = run::start(Box::new(source), &options)?;
    let server = serve::start(listener, Limits::default(), running.doors.clone(), facts())?;
    let client = listen(server.address())?;
    running.join()?.context("worker 0 left no results")?;
    server.stop(FAREWELL);
    std::fs::remove_file(path)?;
    let heard = client
        .join()
        .map_err(|_| anyhow!("the client ended early"))??;
    rows(&case, &heard)
}

fn rows(case: &Case, heard: &Heard) -> Result<Vec<Row>> {
    let histogram = case.histogram(&heard.frames)?;
    let mut rows = Vec::new();
    for (name, quantile) in QUANTILES {
        let ms = histogram.value_at_quantile(quantile) as f64 / 1e3;
        let name = format!(
            "due to client at {} events/s, tick 20 ms, {name}",
            case.per_second
        );
        let row = Row::new("serve", name, ms, "ms");
        rows.push(match quantile {
            0.99 => row.bound(Bound::at_most(150.0, 50.0)),
            _ => row,
        });
    }
    let seconds = case.events as f64 / case.per_second as f64;
    let frames = heard.frames.len() as f64 / seconds;
    rows.push(Row::new("serve", "frames", frames, "per second"));
    let kib = heard.bytes as f64 / 1024.0 / seconds;
    rows.push(Row::new("serve", "to the client", kib, "KiB/s"));
    Ok(rows)
}

fn facts() -> Facts {
    Facts {
        generation: wall_ms() as u64,
        source: "bench".to_owned(),
        settings: Settings::default(),
        key: workload::KEY,
        is_development_key: true,
        process: 0,
        processes: 1,
        threads: WORKERS,
        is_insecure: false,
    }
}

/// A client that subscribes and listens to the end.
fn listen(address: SocketAddr) -> Result<JoinHandle<Result<Heard>>> {
    let stream = TcpStream::connect(address).context("connecting to the server")?;
    let (mut socket, _) = client(format!("ws://{address}/ws"), stream)
        .map_err(|error| anyhow!("opening a WebSocket: {error}"))?;
    socket.send(Message::text(WISH))?;
    let listening = move || {
        let mut heard = Heard::default();
        loop {
            match socket.read() {
                Ok(Message::Text(text)) => {
                    heard.bytes += text.len();
                    let read = records_read(text.as_bytes());
                    heard.frames.extend(read.map(|read| (read, Instant::now())));
                }
                Ok(_) => {}
                Err(Error::ConnectionClosed) => return Ok(heard),
                Err(error) => return Err(error.into()),
            }
        }
    };
    std::thread::Builder::new()
        .name("client".to_owned())
        .spawn(listening)
        .context("starting the client")
}

/// How many records had been read, if the message tells.
fn records_read(message: &[u8]) -> Option<i64> {
    const BEFORE: &[u8] = b"\"dispositions\":{\"read\":";
    let rest = &message[memmem::find(message, BEFORE)? + BEFORE.len()..];
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::records_read;

    #[test]
    fn the_count_is_found_in_a_message() {
        let message = br#"{"rows":{"dispositions":{"read":4711,"accepted":1}}}"#;
        assert_eq!(records_read(message), Some(4_711));
        assert_eq!(records_read(b"{}"), None);
    }
}
