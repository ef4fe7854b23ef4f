//! One client's place in its channel: what it knows, and what it is told next.

use std::sync::Arc;

use dataflows::epochs::Epoch;
use tokio::sync::watch;

use super::channel::{Channel, News, Tick};
use super::hub::Hub;
use super::message::{self, Body, Message};
use crate::frames::{Mark, Since};
use crate::serve::accept::stopped;

pub(super) struct Reader {
    hub: Arc<Hub>,
    channel: Arc<Channel>,
    ticks: watch::Receiver<Arc<Tick>>,
    stop: watch::Receiver<bool>,
    /// What the client has been told.
    mark: Mark,
}

/// What comes next.
pub(super) enum Next {
    Message(Message),
    /// The server stops; the last frame, if anything has changed.
    Last(Option<Message>),
}

impl Reader {
    pub(super) fn new(hub: Arc<Hub>, channel: Arc<Channel>, stop: watch::Receiver<bool>) -> Reader {
        Reader {
            ticks: channel.ticks.subscribe(),
            mark: Mark::default(),
            hub,
            channel,
            stop,
        }
    }

    /// The first message: a snapshot, or a delta for one that comes back and is still known.
    pub(super) fn first(&mut self, since: Since, at: Epoch) -> Message {
        let (mark, body) = self.channel.lacking(&self.hub, since);
        self.mark = Mark {
            epoch: at,
            ..Mark::default()
        };
        match body {
            Some(body) => self.told(&body, mark),
            None => {
                let generation = self.hub.generation;
                self.mark = mark;
                message::heartbeat(generation, mark.epoch, self.hub.staleness_ms())
            }
        }
    }

    /// Waits for news.
    pub(super) async fn next(&mut self) -> Next {
        loop {
            let is_ticked = tokio::select! {
                biased;
                () = stopped(&mut self.stop) => false,
                changed = self.ticks.changed() => changed.is_ok(),
            };
            if !is_ticked {
                return Next::Last(self.catch_up());
            }
            let tick = self.ticks.borrow_and_update().clone();
            if let Some(message) = self.take(&tick) {
                return Next::Message(message);
            }
        }
    }

    fn take(&mut self, tick: &Tick) -> Option<Message> {
        if tick.to.revision < self.mark.revision {
            return None;
        }
        if tick.from > self.mark.revision {
            return self.catch_up();
        }
        match &tick.news {
            News::Changed(_) if tick.to.revision == self.mark.revision => None,
            News::Changed(body) => Some(self.told(body, tick.to)),
            News::Heartbeat => {
                self.mark = tick.to;
                let staleness_ms = self.hub.staleness_ms();
                let generation = self.hub.generation;
                Some(message::heartbeat(generation, tick.to.epoch, staleness_ms))
            }
        }
    }

    /// All that has changed since the last message.
    fn catch_up(&mut self) -> Option<Message> {
        let since = Since::Revision(self.mark.revision);
        let (mark, body) = self.channel.lacking(&self.hub, since);
        let message = body.map(|body| self.told(&body, mark));
        self.mark = mark;
        message
    }

    fn told(&mut self, body: &Body, to: Mark) -> Message {
        let from = std::mem::replace(&mut self.mark, to).epoch;
        match body.is_whole {
            true => body.snapshot(self.hub.generation, to),
            false => body.delta(self.hub.generation, from, to),
        }
    }
}
