//! The dataflow's inputs on one worker, and what waits to go in.
//!
//! In: entered blocks, control. Out: the dataflow's inputs. What must hold: whatever enters in an epoch goes in before
//! the epoch ends. Small blocks wait until then: each batch sets both ends of every channel to work, and nobody can
//! act on part of an epoch.

use dataflows::clock::Watermark;
use dataflows::control::Control;
use dataflows::dispositions::{Counter, Tallied};
use dataflows::epochs::Epoch;
use dataflows::event::{Disposition, Event};
use timely::dataflow::InputHandleVec;

use crate::ingest::admit::Decoded;

/// So many events wait no longer.
const WAITING_EVENTS: usize = 2_048;

#[derive(Default)]
pub(super) struct Inlet {
    pub(super) events: InputHandleVec<Epoch, Event>,
    pub(super) control: InputHandleVec<Epoch, Control>,
    pub(super) tallies: InputHandleVec<Epoch, Tallied>,
    waiting: Waiting,
    epoch: Epoch,
}

/// What entered in the present epoch.
#[derive(Default)]
struct Waiting {
    events: Vec<Event>,
    /// The last of each partition.
    watermarks: Vec<Watermark>,
    records: u64,
    invalid: u64,
    late: u64,
}

impl Inlet {
    /// The epoch that everything enters in now.
    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(super) fn tell(&mut self, control: Control) {
        self.control.send(control);
    }

    /// Takes in a block, `late` of whose records came too late.
    pub(super) fn admit(&mut self, decoded: &mut Decoded, watermark: Watermark, late: u64) {
        for (name, text) in decoded.names.drain(..) {
            self.control.send(Control::Name(name, text));
        }
        let waiting = &mut self.waiting;
        waiting.see(watermark);
        waiting.records += decoded.records;
        waiting.invalid += decoded.invalid;
        waiting.late += late;
        if waiting.events.is_empty() {
            std::mem::swap(&mut waiting.events, &mut decoded.events);
        } else {
            waiting.events.append(&mut decoded.events);
        }
        if waiting.events.len() >= WAITING_EVENTS {
            self.events.send_batch(&mut waiting.events);
        }
    }

    /// Ends the present epoch, unless it is that one.
    pub(super) fn advance_to(&mut self, epoch: Epoch) {
        if epoch > self.epoch {
            self.send_waiting();
            self.epoch = epoch;
            self.events.advance_to(epoch);
            self.control.advance_to(epoch);
            self.tallies.advance_to(epoch);
        }
    }

    /// Ends the last epoch.
    pub(super) fn close(mut self) {
        self.send_waiting();
    }

    fn send_waiting(&mut self) {
        let waiting = &mut self.waiting;
        self.events.send_batch(&mut waiting.events);
        for watermark in waiting.watermarks.drain(..) {
            self.control.send(Control::Watermark(watermark));
        }
        let tallies = [
            (Counter::Read, &mut waiting.records),
            (
                Counter::Disposition(Disposition::Invalid),
                &mut waiting.invalid,
            ),
            (Counter::Disposition(Disposition::Late), &mut waiting.late),
        ];
        for (counter, count) in tallies {
            let count = std::mem::take(count) as i64;
            if count != 0 {
                self.tallies.send((counter, count));
            }
        }
    }
}

impl Waiting {
    fn see(&mut self, watermark: Watermark) {
        let mut known = self.watermarks.iter_mut();
        match known.find(|known| known.partition == watermark.partition) {
            Some(known) => *known = watermark,
            None => self.watermarks.push(watermark),
        }
    }
}
