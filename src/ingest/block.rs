//! What a source hands over: records of one partition, in log order.

use std::sync::Arc;

use dataflows::event::Event;

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
}
