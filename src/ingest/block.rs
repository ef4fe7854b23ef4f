//! What a source hands over: records of one partition, in log order.

use std::sync::Arc;
use std::time::Instant;

use dataflows::event::{Event, Receipt, TimeMs};

use super::csv::CsvDecoder;

/// The bytes or events of some consecutive records.
#[derive(Clone)]
pub enum Payload {
    /// Whole JSON lines.
    Json(Vec<u8>),
    /// Whole CSV rows, and the decoder of their file.
    Csv(Vec<u8>, Arc<CsvDecoder>),
    /// Events decoded before; `None` is an invalid record.
    Events(Arc<[Option<Event>]>, std::ops::Range<usize>),
    /// No record: the log's watermark is at least this.
    Heartbeat(TimeMs),
}

/// One block of a partition.
#[derive(Clone)]
pub struct Block {
    pub partition: u32,
    pub payload: Payload,
    /// No block of the partition follows.
    pub ends_partition: bool,
    /// The epoch closes with this block, whatever the policy says.
    pub ends_epoch: bool,
    /// The worker thread that must take it; `None`: whoever is free.
    pub thread: Option<usize>,
    /// When it arrived, on the clock of event times, where nobody vouches for the clocks of those who send: no event
    /// in it moves the watermark beyond.
    pub arrived: Option<TimeMs>,
    /// Under which its sender waits to hear what became of it.
    pub receipt: Receipt,
    /// When its last byte was taken in.
    pub accepted: Instant,
}

impl Block {
    /// A block taken in now, that ends nothing, for any worker.
    pub fn new(partition: u32, payload: Payload) -> Block {
        Block {
            partition,
            payload,
            ends_partition: false,
            ends_epoch: false,
            thread: None,
            arrived: None,
            receipt: Receipt::NONE,
            accepted: Instant::now(),
        }
    }
}
