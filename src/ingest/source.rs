//! A source: blocks of records, partition by partition in log order.

use std::sync::Arc;

use dataflows::event::Event;

use super::block::{Block, Payload};

/// Where records come from. Runs on a thread of its own and may block.
pub trait Source: Send {
    /// The partitions of this process; every one of them ends with a block that says so.
    fn partitions(&self) -> Vec<u32>;

    /// The next block, whose bytes may reuse `buffer`; `None` when all partitions have ended.
    ///
    /// # Errors
    /// What cannot be read names its file; blocks handed out before stay valid.
    fn next(&mut self, buffer: Vec<u8>) -> anyhow::Result<Option<Block>>;

    /// Nothing waits at the source for much longer than it takes to fetch it.
    fn is_caught_up(&self) -> bool {
        true
    }
}

/// Some consecutive records of a log of decoded events, as one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub partition: usize,
    pub records: std::ops::Range<usize>,
    pub ends_epoch: bool,
    pub thread: Option<usize>,
}

/// Events decoded before, in a given order.
pub struct Decoded {
    partitions: Vec<u32>,
    blocks: std::vec::IntoIter<Block>,
}

impl Decoded {
    /// Hands out `steps` of the given partitions one after the other; then ends the partitions, if they are to end.
    pub fn new(
        logs: &[Arc<[Option<Event>]>],
        partitions: Vec<usize>,
        steps: impl IntoIterator<Item = Step>,
        ends: bool,
    ) -> Decoded {
        let block = |step: Step, ends_partition| Block {
            ends_partition,
            ends_epoch: step.ends_epoch,
            thread: step.thread,
            ..Block::new(
                step.partition as u32,
                Payload::Events(logs[step.partition].clone(), step.records),
            )
        };
        let mut blocks: Vec<Block> = steps.into_iter().map(|step| block(step, false)).collect();
        let end = |partition| Step {
            partition,
            records: 0..0,
            ends_epoch: false,
            thread: None,
        };
        blocks.extend(
            partitions
                .iter()
                .filter(|_| ends)
                .map(|&partition| block(end(partition), true)),
        );
        let partitions = partitions
            .into_iter()
            .map(|partition| partition as u32)
            .collect();
        Decoded {
            partitions,
            blocks: blocks.into_iter(),
        }
    }
}

impl Source for Decoded {
    fn partitions(&self) -> Vec<u32> {
        self.partitions.clone()
    }

    fn next(&mut self, _: Vec<u8>) -> anyhow::Result<Option<Block>> {
        Ok(self.blocks.next())
    }
}

/// No records of its own: all come in by other ways.
pub struct Nothing;

impl Source for Nothing {
    fn partitions(&self) -> Vec<u32> {
        Vec::new()
    }

    fn next(&mut self, _: Vec<u8>) -> anyhow::Result<Option<Block>> {
        Ok(None)
    }
}
