//! All clients of one subscription: what they are told at each tick, made once.
//!
//! What must hold: a delta made from change C to D may be applied to any state between the two, since it has the
//! values as of D; so a client that joined in between needs no message of its own.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio::time::Instant;

use super::hub::Hub;
use super::message::Body;
use super::shape::Shape;
use crate::frames::{Mark, Revision, Selected, Since};
use crate::questions::Watch;

/// What happened at a tick.
#[derive(Clone, Debug)]
pub(super) struct Tick {
    /// What a client must know at least to be served with it.
    pub(super) from: Revision,
    pub(super) to: Mark,
    pub(super) news: News,
}

#[derive(Clone, Debug)]
pub(super) enum News {
    Changed(Body),
    /// Nothing for a while.
    Heartbeat,
}

/// One subscription, however many have it.
pub(super) struct Channel {
    pub(super) shape: Shape,
    pub(super) ticks: watch::Sender<Arc<Tick>>,
    /// Bodies made since the last tick for those who know less than it asks for.
    fresh: Mutex<Vec<(Since, Mark, Body)>>,
    /// Has transitions told as rows.
    _watch: Option<Watch>,
}

impl Channel {
    pub(super) fn new(shape: Shape, at: Mark, watch: Option<Watch>) -> Channel {
        let first = Tick {
            from: at.revision,
            to: at,
            news: News::Heartbeat,
        };
        Channel {
            shape,
            ticks: watch::Sender::new(Arc::new(first)),
            fresh: Mutex::default(),
            _watch: watch,
        }
    }

    /// What a client lacks that knows `since`, and where it stands then. `None`: nothing.
    pub(super) fn lacking(&self, hub: &Hub, since: Since) -> (Mark, Option<Body>) {
        let known = {
            let fresh = self.fresh.lock().expect("nobody panics with it");
            let same = fresh.iter().find(|(known, _, _)| *known == since);
            same.map(|(_, mark, body)| (*mark, body.clone()))
        };
        if let Some((mark, body)) = known {
            return (mark, Some(body));
        }
        let selected = self.select(hub, since);
        if selected.is_empty() && !selected.is_whole {
            return (selected.mark, None);
        }
        let body = Body::of(&selected);
        let mut fresh = self.fresh.lock().expect("nobody panics with it");
        fresh.push((since, selected.mark, body.clone()));
        (selected.mark, Some(body))
    }

    fn select(&self, hub: &Hub, since: Since) -> Selected {
        hub.frames().select(&self.shape.selection, since)
    }

    /// Tells of what has changed since the last tick, or that nothing has.
    pub(super) fn tick(&self, hub: &Hub, told: &mut Instant) {
        let from = self.ticks.borrow().to.revision;
        let selected = self.select(hub, Since::Revision(from));
        let news = if !selected.is_empty() || selected.is_whole {
            News::Changed(Body::of(&selected))
        } else if told.elapsed() >= super::hub::HEARTBEAT {
            News::Heartbeat
        } else {
            return;
        };
        *told = Instant::now();
        self.fresh.lock().expect("nobody panics with it").clear();
        self.ticks.send_replace(Arc::new(Tick {
            from,
            to: selected.mark,
            news,
        }));
    }
}
