//! Sources to measure with: JSON lines and decoded events, flat out or at a given pace.
//!
//! What must hold: a paced source is open loop: an event is due when the clock says so, whatever the dataflow does.

use std::io::{BufRead, Read};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::Result;
use dataflows::event::Event;

use crate::ingest::block::{Block, Payload};
use crate::ingest::source::Source;

fn block(payload: Payload, ends_partition: bool) -> Block {
    Block {
        ends_partition,
        ..Block::new(0, payload)
    }
}

/// Lines of a reader, in blocks of so many bytes at most.
pub(super) struct Lines<R> {
    reader: R,
    block_bytes: usize,
    rest: Vec<u8>,
    is_ended: bool,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R, block_bytes: usize) -> Lines<R> {
        Lines {
            reader,
            block_bytes,
            rest: Vec::new(),
            is_ended: false,
        }
    }
}

impl<R: Read + Send> Source for Lines<R> {
    fn partitions(&self) -> Vec<u32> {
        vec![0]
    }

    fn next(&mut self, mut buffer: Vec<u8>) -> Result<Option<Block>> {
        if self.is_ended {
            return Ok(None);
        }
        buffer.reserve(self.block_bytes);
        buffer.append(&mut self.rest);
        let room = self.block_bytes.saturating_sub(buffer.len()) as u64;
        let read = self.reader.by_ref().take(room).read_to_end(&mut buffer)?;
        self.is_ended = (read as u64) < room;
        if !self.is_ended {
            let end = memchr::memrchr(b'\n', &buffer).map_or(0, |at| at + 1);
            self.rest.extend_from_slice(&buffer[end..]);
            buffer.truncate(end);
        }
        Ok(Some(block(Payload::Json(buffer), self.is_ended)))
    }
}

/// Events made as they are asked for, so that only the dataflow's memory grows.
pub(super) struct Streamed<I> {
    events: I,
    block_records: usize,
    is_ended: bool,
}

impl<I: Iterator<Item = Event>> Streamed<I> {
    pub(super) fn new(events: I, block_records: usize) -> Streamed<I> {
        Streamed {
            events,
            block_records,
            is_ended: false,
        }
    }

    /// The next block; an empty one when there are no more.
    pub(super) fn block(&mut self) -> Block {
        let records: Arc<[Option<Event>]> = self
            .events
            .by_ref()
            .take(self.block_records)
            .map(Some)
            .collect();
        let count = records.len();
        block(Payload::Events(records, 0..count), false)
    }
}

impl<I: Iterator<Item = Event> + Send> Source for Streamed<I> {
    fn partitions(&self) -> Vec<u32> {
        vec![0]
    }

    fn next(&mut self, _: Vec<u8>) -> Result<Option<Block>> {
        if self.is_ended {
            return Ok(None);
        }
        let mut block = self.block();
        self.is_ended = matches!(&block.payload, Payload::Events(_, records) if records.is_empty());
        block.ends_partition = self.is_ended;
        Ok(Some(block))
    }
}

/// When each event is due: the first when the source is first asked.
pub(super) struct Pace {
    began: OnceLock<Instant>,
    per_second: f64,
    events: u64,
}

impl Pace {
    /// What is handed out at once at least, in time.
    const STEP: Duration = Duration::from_millis(1);

    pub(super) fn new(per_second: u64, events: u64) -> Pace {
        Pace {
            began: OnceLock::new(),
            per_second: per_second as f64,
            events,
        }
    }

    /// When event number `number` was due.
    pub(super) fn due(&self, number: u64) -> Instant {
        let began = *self.began.get_or_init(Instant::now);
        began + Duration::from_secs_f64(number as f64 / self.per_second)
    }

    /// Waits until more than the first `handed` events are due and returns how many are.
    fn wait(&self, handed: u64) -> u64 {
        if handed == self.events {
            return handed;
        }
        let next = self.due(handed) + Pace::STEP;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        let due = (self.due(0).elapsed().as_secs_f64() * self.per_second) as u64;
        due.clamp(handed + 1, self.events)
    }
}

/// Most records of a block, if the pace is not kept.
const MOST_RECORDS: u64 = 4_000;

/// What is due is handed out.
pub(super) struct Paced<F> {
    pace: Arc<Pace>,
    handed: u64,
    is_ended: bool,
    /// Makes the payload of the records in a range.
    payload: F,
}

impl<F: FnMut(std::ops::Range<u64>, Vec<u8>) -> Result<Payload>> Paced<F> {
    pub(super) fn new(pace: Arc<Pace>, payload: F) -> Paced<F> {
        Paced {
            pace,
            handed: 0,
            is_ended: false,
            payload,
        }
    }
}

impl<F: FnMut(std::ops::Range<u64>, Vec<u8>) -> Result<Payload> + Send> Source for Paced<F> {
    fn partitions(&self) -> Vec<u32> {
        vec![0]
    }

    fn next(&mut self, buffer: Vec<u8>) -> Result<Option<Block>> {
        if self.is_ended {
            return Ok(None);
        }
        let due = self.pace.wait(self.handed).min(self.handed + MOST_RECORDS);
        self.is_ended = due == self.handed;
        let payload = (self.payload)(self.handed..due, buffer)?;
        self.handed = due;
        Ok(Some(block(payload, self.is_ended)))
    }
}

/// Payloads out of a reader of lines.
pub(super) fn lines_of<R: BufRead + Send>(
    mut reader: R,
) -> impl FnMut(std::ops::Range<u64>, Vec<u8>) -> Result<Payload> + Send {
    move |records, mut buffer| {
        for _ in records {
            reader.read_until(b'\n', &mut buffer)?;
        }
        Ok(Payload::Json(buffer))
    }
}

/// Payloads out of a log of events, which is told again and again with new ids and later times.
pub(super) fn events_of(
    log: Vec<Event>,
    span_ms: u64,
) -> impl FnMut(std::ops::Range<u64>, Vec<u8>) -> Result<Payload> + Send {
    move |records, _| {
        let count = log.len() as u64;
        let told = |number: u64| {
            let (round, mut event) = (number / count, log[(number % count) as usize]);
            event.time += (round * span_ms) as i64;
            event.id = event
                .id
                .wrapping_add(round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            Some(event)
        };
        let events: Arc<[Option<Event>]> = records.map(told).collect();
        let count = events.len();
        Ok(Payload::Events(events, 0..count))
    }
}
