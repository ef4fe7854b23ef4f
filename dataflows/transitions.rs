//! Transition counts: per chain and cell, for all time, the last 24 h and the last hour at once.
//!
//! In: edges of one worker, and control (watermarks move the windows). Out: the change of every [`Transition`] in the
//! three windows, combined per epoch, `*` and the transitions to null included. What must hold: each edge counts in the
//! windows that hold its journey's first minute, and leaves each exactly once as the clock's minute advances.

use std::cell::RefCell;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::Operator;

use crate::clock::Clock;
use crate::control::Control;
use crate::epochs::{Closed, Epoch, Epochs};
use crate::event::Name;
use crate::labels::Labels;
use crate::sessions::Edge;

mod bucket;
mod cells;
mod change;
mod minutes;

use cells::{CellId, Cells};
pub(crate) use change::{Change, News};
use minutes::{Minutes, Span};

/// What the states of a chain are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Dimension {
    Channel,
    Campaign,
}

/// Which journeys a chain counts, by the minute of their first point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Window {
    All,
    Day,
    Hour,
}

impl Window {
    pub const ALL: [Window; 3] = [Window::All, Window::Day, Window::Hour];

    /// How many minutes it holds, the clock's own included; `None`: all.
    pub const fn minutes(self) -> Option<u32> {
        match self {
            Window::All => None,
            Window::Day => Some(24 * 60),
            Window::Hour => Some(60),
        }
    }
}

/// Whose journeys: one advertiser's, or everybody's together (`*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    Everyone,
    Advertiser(Name),
}

/// One absorbing chain, in three windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChainKey {
    pub scope: Scope,
    pub dimension: Dimension,
}

impl ChainKey {
    /// Which worker holds the chain, before the remainder is taken.
    fn route(&self) -> u32 {
        let scope = match self.scope {
            Scope::Everyone => 0,
            Scope::Advertiser(name) => name.0 as u32,
        };
        scope.wrapping_add(self.dimension as u32)
    }
}

/// A state of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum State {
    Start,
    Named(Name),
    Conversion,
    Null,
}

/// A cell of a chain's count matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Transition {
    pub chain: ChainKey,
    pub from: State,
    pub to: State,
}

/// How the counts of all transitions change that this worker's users make.
pub(crate) fn transitions<'s>(
    edges: StreamVec<'s, Epoch, Edge>,
    control: StreamVec<'s, Epoch, Control>,
    labels: Rc<RefCell<Labels>>,
) -> StreamVec<'s, Epoch, Change> {
    let worker = edges.scope().index();
    edges.binary_frontier::<_, CapacityContainerBuilder<Vec<_>>, _, _, _, _>(
        control,
        Pipeline,
        Pipeline,
        "Transitions",
        |_, _| {
            let mut epochs = Epochs::new(1);
            let mut counts = Counts::new(worker, labels);
            move |(edges, frontier), (control, control_frontier), output| {
                edges.for_each(|capability, data| epochs.receive(&capability, data));
                control.for_each(|capability, data| epochs.receive_control(&capability, data));
                while let Some((_, closed)) = epochs.next_closed(&[frontier, control_frontier]) {
                    counts.close(&closed);
                    let mut session = output.session(&closed.capabilities[0]);
                    session.give_container(counts.cells.changes());
                }
            }
        },
    )
}

/// Edges that are counted together: what their minutes need is on its way before the first is counted there.
const BLOCK: usize = 32;

/// What the bucket of a minute is yet to count.
struct Due {
    bucket: usize,
    cells: [CellId; 2],
    count: i32,
}

/// What the operator holds: the numbering of cells and the minutes that may still leave a window.
struct Counts {
    labels: Rc<RefCell<Labels>>,
    clock: Clock,
    cells: Cells,
    minutes: Minutes,
    due: Vec<Due>,
}

impl Counts {
    fn new(worker: usize, labels: Rc<RefCell<Labels>>) -> Counts {
        Counts {
            labels,
            clock: Clock::default(),
            cells: Cells::new(worker),
            minutes: Minutes::default(),
            due: Vec::with_capacity(BLOCK),
        }
    }

    /// Moves the windows to where the epoch's watermarks put them, then counts its edges.
    fn close(&mut self, closed: &Closed<Vec<Vec<Edge>>>) {
        for message in &closed.control {
            if let Control::Watermark(watermark) = message {
                self.clock.update(*watermark);
            }
        }
        if let Some(minute) = self.clock.minute() {
            let cells = &mut self.cells;
            self.minutes.advance(minute, |cell, count, value, spans| {
                cells.shift(cell, spans, count, value)
            });
        }
        let labels = self.labels.clone();
        let labels = labels.borrow();
        for block in closed.data.iter().flat_map(|edges| edges.chunks(BLOCK)) {
            for edge in block {
                self.count(edge, &labels);
            }
            self.count_due();
        }
    }

    #[inline]
    fn count(&mut self, edge: &Edge, labels: &Labels) {
        let span = self.minutes.span(edge.minute);
        let channel = self.cells.of(edge, Dimension::Channel, labels);
        let campaign = self.cells.of(edge, Dimension::Campaign, labels);
        let cells = [channel, campaign];
        for cell in cells {
            self.cells.add_count(cell, span, edge.count.into());
        }
        let bucket = self.minutes.number(edge.minute);
        if let Some(bucket) = bucket {
            for cell in cells {
                self.minutes.bucket(bucket).fetch_page(cell);
            }
            self.due.push(Due {
                bucket,
                cells,
                count: edge.count,
            });
        }
        if edge.value != 0 {
            self.add_value(edge.value.into(), span, cells, bucket);
        }
    }

    /// Counts in the minutes what is due there.
    fn count_due(&mut self) {
        for due in &self.due {
            for cell in due.cells {
                self.minutes.bucket(due.bucket).fetch(cell);
            }
        }
        for due in self.due.drain(..) {
            for cell in due.cells {
                self.minutes.bucket(due.bucket).add_count(cell, due.count);
            }
        }
    }

    /// Few edges have a value.
    fn add_value(&mut self, value: i128, span: Span, cells: [CellId; 2], bucket: Option<usize>) {
        for cell in cells {
            self.cells.add_value(cell, span, value);
            if let Some(bucket) = bucket {
                self.minutes.bucket(bucket).add_value(cell, value);
            }
        }
    }
}
