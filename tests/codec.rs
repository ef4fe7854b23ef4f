//! The codecs of `benches/codec.rs` give back what they were given.

#[path = "../benches/codec/wire.rs"]
mod wire;

use columnar::Columnar;
use dataflows::event::Event;
use wire::{Aligned, Wire};

fn events() -> Vec<Wire> {
    wire::events(1_000).iter().map(Wire::of).collect()
}

#[test]
fn the_mirror_has_the_bytes_of_the_event() {
    assert_eq!(size_of::<Wire>(), size_of::<Event>());
    for event in wire::events(100) {
        assert_eq!(
            bincode::serialize(&Wire::of(&event)).unwrap(),
            bincode::serialize(&event).unwrap()
        );
    }
}

/// In debug builds the standard library checks the alignment that abomonation takes for granted, and aborts.
#[test]
fn abomonation_through_an_aligned_buffer() {
    let events = events();
    let mut bytes = Vec::new();
    wire::abomonation_encode(&events, &mut bytes);
    let mut aligned = Aligned::copy_of(&bytes);
    assert_eq!(wire::abomonation_decode(&mut aligned), &events);
}

#[test]
fn bincode_through_bytes() {
    let events = events();
    let mut bytes = Vec::new();
    wire::bincode_encode(&events, &mut bytes);
    assert_eq!(wire::bincode_decode(&bytes), events);
}

#[test]
fn columnar_through_words() {
    let events = events();
    let mut words = Vec::new();
    wire::columnar_encode(
        &events,
        &mut <Wire as Columnar>::Container::default(),
        &mut words,
    );
    let mut decoded = Vec::new();
    wire::columnar_decode(&words, |event| decoded.push(event));
    assert_eq!(decoded, events);
}
