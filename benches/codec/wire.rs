//! The event as it travels between workers, in a form that all three codecs can encode.
//!
//! A mirror of `dataflows::event::Event`, made through bincode so that it cannot drift unseen. What must hold: buffers
//! given to abomonation are aligned to 8 bytes; it reads values where they lie, and a shifted buffer is undefined
//! behaviour (RUSTSEC-2021-0120). Nothing can promise that of bytes off a socket, so abomonation is no part of the
//! program.

// abomonation has no safe functions. They are sound here alone: these buffers are aligned and our own.
#![allow(unsafe_code)]

use abomonation::Abomonation;
use columnar::bytes::indexed;
use columnar::{Borrow, BorrowedOf, Columnar, FromBytes, Index, Len, Push};
use dataflows::event::{Event, EventType, Kind, Name, UserId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Columnar)]
pub(crate) enum WireKind {
    Other,
    Impression,
    Click,
    Conversion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Columnar)]
pub(crate) struct Wire {
    pub(crate) user_high: u64,
    pub(crate) user_low: u64,
    pub(crate) time: i64,
    pub(crate) id: u64,
    pub(crate) sequence: i64,
    pub(crate) advertiser: u64,
    pub(crate) campaign: u64,
    pub(crate) channel: u64,
    pub(crate) value: i64,
    pub(crate) kind: WireKind,
    pub(crate) touches: bool,
    pub(crate) userless: bool,
    pub(crate) receipt: u32,
}

/// There is no pointer in it to be written out or mended.
impl Abomonation for Wire {}

impl Wire {
    /// The mirror of an event.
    pub(crate) fn of(event: &Event) -> Wire {
        let bytes = bincode::serialize(event).expect("an event is plain");
        bincode::deserialize(&bytes).expect("the mirror has the fields of the event")
    }
}

/// Events like those of a day: half of them requests, and one conversion in fifty.
pub(crate) fn events(count: usize) -> Vec<Event> {
    (0..count as u64).map(event).collect()
}

fn event(i: u64) -> Event {
    let event_type = match i % 50 {
        0 => EventType::Conversion,
        1..5 => EventType::AdClick,
        5..25 => EventType::AdImpression,
        _ => EventType::AdRequest,
    };
    let kind = Kind::from(event_type);
    Event {
        user: UserId::new(&[7; 32], &(i * 31 % 9_973).to_le_bytes()),
        time: 1_760_000_000_000 + i as i64 * 5,
        id: Name::of(&format!("e{i}")).0,
        sequence: 0,
        advertiser: Name(i % 10),
        campaign: Name::of(["spring", "summer", "autumn"][i as usize % 3]),
        channel: Name::of(["search", "social", "email", "video"][i as usize % 4]),
        value: if kind == Kind::Conversion {
            12_500_000
        } else {
            0
        },
        kind,
        touches: false,
        userless: false,
        receipt: Default::default(),
    }
}

/// Appends the events to `out`.
pub(crate) fn abomonation_encode(events: &Vec<Wire>, out: &mut Vec<u8>) {
    // SAFETY: the type holds no pointer. It does hold padding, whose bytes are read all the same: that is the advisory.
    unsafe { abomonation::encode(events, out) }.expect("memory can be written");
}

/// The events in `bytes`, where they lie.
pub(crate) fn abomonation_decode(bytes: &mut Aligned) -> &Vec<Wire> {
    // SAFETY: the bytes were written by `abomonation_encode` and are aligned to 8.
    let (events, rest) =
        unsafe { abomonation::decode(bytes.bytes_mut()) }.expect("the bytes are whole");
    assert!(rest.is_empty(), "nothing follows the events");
    events
}

/// Bytes that start at a multiple of 8.
pub(crate) struct Aligned {
    words: Vec<u64>,
    len: usize,
}

impl Aligned {
    pub(crate) fn copy_of(bytes: &[u8]) -> Aligned {
        let word = |chunk: &[u8]| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_ne_bytes(word)
        };
        Aligned {
            words: bytes.chunks(8).map(word).collect(),
            len: bytes.len(),
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let start = self.words.as_mut_ptr().cast::<u8>();
        // SAFETY: the words hold at least `len` bytes, every byte of which is a u8.
        unsafe { std::slice::from_raw_parts_mut(start, self.len) }
    }
}

pub(crate) fn bincode_encode(events: &[Wire], out: &mut Vec<u8>) {
    bincode::serialize_into(out, events).expect("memory can be written");
}

pub(crate) fn bincode_decode(bytes: &[u8]) -> Vec<Wire> {
    bincode::deserialize(bytes).expect("the bytes are whole")
}

/// `columns` is cleared by the caller, so that its memory is used again.
pub(crate) fn columnar_encode(
    events: &[Wire],
    columns: &mut <Wire as Columnar>::Container,
    out: &mut Vec<u64>,
) {
    for event in events {
        columns.push(event);
    }
    indexed::encode(out, &columns.borrow());
}

/// Calls `read` with every event, put together from its columns.
pub(crate) fn columnar_decode(words: &[u64], mut read: impl FnMut(Wire)) {
    let columns = BorrowedOf::<'_, Wire>::from_bytes(&mut indexed::decode(words));
    for at in 0..columns.len() {
        read(Wire::into_owned(columns.get(at)));
    }
}
