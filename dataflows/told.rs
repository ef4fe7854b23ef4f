//! What all workers are told and every reader wants to know too: names, event time, how busy the workers are.
//!
//! In: control. Out: rows, from worker 0's copy. What must hold: a name's row comes no later than its epoch closes.

use std::collections::BTreeMap;

use differential_dataflow::{AsCollection, VecCollection};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::Operator;

use crate::clock::Clock;
use crate::control::Control;
use crate::epochs::{Epoch, Epochs};
use crate::row::{self, Load, Row};

/// Rows for what `control` tells.
pub(crate) fn told(control: StreamVec<'_, Epoch, Control>) -> VecCollection<'_, Epoch, Row> {
    let is_first = control.scope().index() == 0;
    control
        .unary_frontier::<CapacityContainerBuilder<Vec<_>>, _, _, _>(Pipeline, "Told", |_, _| {
            let mut epochs = Epochs::<()>::new(1);
            let mut shown = Shown::default();
            move |(control, frontier), output| {
                control.for_each(|capability, messages| {
                    if is_first {
                        epochs.receive_control(&capability, messages);
                    }
                });
                while let Some((epoch, closed)) = epochs.next_closed(&[frontier]) {
                    let rows = shown.close(closed.control).into_iter();
                    output
                        .session(&closed.capabilities[0])
                        .give_iterator(rows.map(|(row, diff)| (row, epoch, diff)));
                }
            }
        })
        .as_collection()
}

/// The rows that stand.
#[derive(Default)]
struct Shown {
    clock: Clock,
    time: Option<row::Clock>,
    loads: BTreeMap<usize, Load>,
}

impl Shown {
    /// The rows that go (-1) and come (+1) with one epoch.
    fn close(&mut self, messages: Vec<Control>) -> Vec<(Row, isize)> {
        let mut rows = Vec::new();
        for message in messages {
            match message {
                Control::Name(name, text) => rows.push((Row::Name(name, text), 1)),
                Control::Watermark(watermark) => self.clock.update(watermark),
                Control::Load(load) => {
                    let before = self.loads.insert(load.worker, load);
                    rows.extend(before.map(|before| (Row::Load(before), -1)));
                    rows.push((Row::Load(load), 1));
                }
                Control::Ask(_) | Control::Watch(_) | Control::Unwatch(_) => {}
            }
        }
        let time = self.clock.latest().map(|latest_ms| row::Clock {
            now_ms: self.clock.now(),
            latest_ms,
        });
        if time != self.time {
            rows.extend(self.time.map(|before| (Row::Clock(before), -1)));
            rows.extend(time.map(|time| (Row::Clock(time), 1)));
            self.time = time;
        }
        rows
    }
}
