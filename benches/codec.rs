//! What it costs to send an event to another worker: abomonation, bincode and columnar on the same events.
//!
//! `cargo bench --bench codec`. Each round encodes and decodes all events in messages of the size that timely sends;
//! decoding reads every field, so that a codec which only borrows is not taken for free. The least of the rounds
//! counts. bincode is what timely uses between processes; abomonation is what it used before 0.13.

#[path = "codec/wire.rs"]
mod wire;

use std::hint::black_box;
use std::time::Instant;

use columnar::{Clear, Columnar};
use wire::{Aligned, Wire};

/// Timely fills buffers of 8 KiB: so many events of 80 bytes.
const EVENTS_PER_MESSAGE: usize = 102;
const MESSAGES: usize = 1_000;
const ROUNDS: usize = 30;

fn main() {
    let events: Vec<Wire> = wire::events(EVENTS_PER_MESSAGE * MESSAGES)
        .iter()
        .map(Wire::of)
        .collect();
    let messages: Vec<Vec<Wire>> = events
        .chunks(EVENTS_PER_MESSAGE)
        .map(<[Wire]>::to_vec)
        .collect();
    println!(
        "{MESSAGES} messages of {EVENTS_PER_MESSAGE} events of {} bytes, least of {ROUNDS} rounds",
        size_of::<Wire>()
    );
    println!(
        "{:<12} {:>12} {:>12} {:>12}",
        "codec", "bytes/event", "encode ns", "decode ns"
    );
    abomonation(&messages).print("abomonation");
    bincode(&messages).print("bincode");
    columnar(&messages).print("columnar");
}

struct Figures {
    bytes: f64,
    encode_ns: f64,
    decode_ns: f64,
}

impl Figures {
    fn print(&self, codec: &str) {
        println!(
            "{codec:<12} {:>12.1} {:>12.2} {:>12.2}",
            self.bytes, self.encode_ns, self.decode_ns
        );
    }
}

/// The least time per event that a round of `work` takes, in nanoseconds.
fn least_ns(mut work: impl FnMut()) -> f64 {
    let round = |_| {
        let began = Instant::now();
        work();
        began.elapsed().as_nanos() as f64 / (MESSAGES * EVENTS_PER_MESSAGE) as f64
    };
    (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min)
}

fn per_event(bytes: usize) -> f64 {
    bytes as f64 / (MESSAGES * EVENTS_PER_MESSAGE) as f64
}

/// Reads every field.
fn checksum(sum: u64, event: &Wire) -> u64 {
    [
        event.user_high,
        event.user_low,
        event.time as u64,
        event.id,
        event.sequence as u64,
        event.advertiser,
        event.campaign,
        event.channel,
        event.value as u64,
        event.kind as u64,
        u64::from(event.touches),
        u64::from(event.userless),
    ]
    .into_iter()
    .fold(sum, |sum, field| sum.rotate_left(1) ^ field)
}

fn abomonation(messages: &[Vec<Wire>]) -> Figures {
    let mut out = Vec::new();
    let encode_ns = least_ns(|| {
        for message in messages {
            out.clear();
            wire::abomonation_encode(message, &mut out);
            black_box(&out);
        }
    });
    let encoded = |message| {
        let mut bytes = Vec::new();
        wire::abomonation_encode(message, &mut bytes);
        bytes
    };
    let mut buffers: Vec<Aligned> = messages
        .iter()
        .map(|message| Aligned::copy_of(&encoded(message)))
        .collect();
    let decode_ns = least_ns(|| {
        for buffer in &mut buffers {
            let events = wire::abomonation_decode(buffer);
            black_box(events.iter().fold(0, checksum));
        }
    });
    let bytes = messages.iter().map(|message| encoded(message).len()).sum();
    Figures {
        bytes: per_event(bytes),
        encode_ns,
        decode_ns,
    }
}

fn bincode(messages: &[Vec<Wire>]) -> Figures {
    let mut out = Vec::new();
    let encode_ns = least_ns(|| {
        for message in messages {
            out.clear();
            wire::bincode_encode(message, &mut out);
            black_box(&out);
        }
    });
    let encoded = |message: &Vec<Wire>| {
        let mut bytes = Vec::new();
        wire::bincode_encode(message, &mut bytes);
        bytes
    };
    let buffers: Vec<Vec<u8>> = messages.iter().map(encoded).collect();
    let decode_ns = least_ns(|| {
        for buffer in &buffers {
            let events = wire::bincode_decode(buffer);
            black_box(events.iter().fold(0, checksum));
        }
    });
    Figures {
        bytes: per_event(buffers.iter().map(Vec::len).sum()),
        encode_ns,
        decode_ns,
    }
}

fn columnar(messages: &[Vec<Wire>]) -> Figures {
    let mut columns = <Wire as Columnar>::Container::default();
    let mut out = Vec::new();
    let encode_ns = least_ns(|| {
        for message in messages {
            columns.clear();
            out.clear();
            wire::columnar_encode(message, &mut columns, &mut out);
            black_box(&out);
        }
    });
    let mut encoded = |message: &Vec<Wire>| {
        let mut words = Vec::new();
        columns.clear();
        wire::columnar_encode(message, &mut columns, &mut words);
        words
    };
    let buffers: Vec<Vec<u64>> = messages.iter().map(&mut encoded).collect();
    let decode_ns = least_ns(|| {
        for buffer in &buffers {
            let mut sum = 0;
            wire::columnar_decode(buffer, |event| sum = checksum(sum, &event));
            black_box(sum);
        }
    });
    Figures {
        bytes: per_event(buffers.iter().map(|words| words.len() * 8).sum()),
        encode_ns,
        decode_ns,
    }
}
