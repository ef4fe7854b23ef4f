//! Blocks on their way from their senders to the workers: readers' and posted ones, taken in turn.
//!
//! What must hold: each lane's blocks are taken in the order they were sent; a block that was taken has a ticket.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, TryRecvError};

use crate::ingest::block::Block;

/// Blocks of a lane that are taken out at once: a sender may go on sending meanwhile, and the lane's bound is one of memory.
const TAKEN_AT_ONCE: usize = 8;

pub(super) struct Queue {
    blocks: Lane,
    posts: Lane,
    /// The next turn is a posted block's.
    posts_turn: bool,
    /// The next block, if it waits for the thread that must take it.
    head: Option<Block>,
    taken: u64,
}

/// Blocks of one kind of sender.
struct Lane {
    sent: Receiver<Block>,
    /// What was there when the lane was last looked at: a sender who waits for room is woken once for all of it.
    waiting: VecDeque<Block>,
    is_ended: bool,
}

impl Queue {
    pub(super) fn new(blocks: Receiver<Block>, posts: Receiver<Block>) -> Queue {
        Queue {
            blocks: Lane::new(blocks),
            posts: Lane::new(posts),
            posts_turn: false,
            head: None,
            taken: 0,
        }
    }

    /// The next block, if one waits.
    pub(super) fn next(&mut self) -> Option<Block> {
        if let Some(block) = self.head.take() {
            return Some(block);
        }
        self.posts_turn = !self.posts_turn;
        let (first, second) = match self.posts_turn {
            true => (&mut self.posts, &mut self.blocks),
            false => (&mut self.blocks, &mut self.posts),
        };
        first.next().or_else(|| second.next())
    }

    /// A block that another is to take.
    pub(super) fn put_back(&mut self, block: Block) {
        self.head = Some(block);
    }

    /// The ticket of a block that is taken now.
    pub(super) fn ticket(&mut self) -> u64 {
        self.taken += 1;
        self.taken - 1
    }

    /// How many tickets there are.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Nothing waits, and nobody will send more.
    pub(super) fn is_ended(&self) -> bool {
        self.blocks.is_ended && self.posts.is_ended && self.head.is_none()
    }
}

impl Lane {
    fn new(sent: Receiver<Block>) -> Lane {
        Lane {
            sent,
            waiting: VecDeque::new(),
            is_ended: false,
        }
    }

    fn next(&mut self) -> Option<Block> {
        if self.waiting.is_empty() {
            self.is_ended = self.take_out() == Err(TryRecvError::Disconnected);
        }
        self.waiting.pop_front()
    }

    /// The next few that have come, at least one.
    fn take_out(&mut self) -> Result<(), TryRecvError> {
        let first = self.sent.try_recv()?;
        self.waiting.push_back(first);
        self.waiting
            .extend(self.sent.try_iter().take(TAKEN_AT_ONCE - 1));
        Ok(())
    }
}
