//! The ends of the dataflow on one worker: how events come in, how rows and answers are taken out.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use dataflows::epochs::Epoch;
use dataflows::row::Row;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::Operator;

use super::OnFrame;
use crate::frames::Frames;

/// Everything that came, shared with whoever takes it.
pub(super) type Sink<D> = Rc<RefCell<Vec<D>>>;

/// The same stream from an operator. An input whose progress was reported between a batch and the end of its epoch
/// does not flush an exchange behind it (timely 0.31, `pushers::Counter`); an operator flushes in its own turn. Control
/// and tallies meet an operator before their exchanges anyway.
pub(super) fn relayed<D: Clone + 'static>(
    stream: StreamVec<'_, Epoch, D>,
) -> StreamVec<'_, Epoch, D> {
    stream.unary::<CapacityContainerBuilder<Vec<D>>, _, _, _>(Pipeline, "Relay", |_, _| {
        move |input, output| {
            input.for_each(|capability, data| output.session(&capability).give_container(data));
        }
    })
}

/// Applies rows epoch by epoch as the epochs close; the stream that comes out says how far it is.
pub(super) fn collect_frames<'s>(
    rows: StreamVec<'s, Epoch, (Row, Epoch, isize)>,
    frames: Arc<Mutex<Frames>>,
    on_frame: Option<OnFrame>,
) -> StreamVec<'s, Epoch, ()> {
    type Silent = CapacityContainerBuilder<Vec<()>>;
    rows.unary_frontier::<Silent, _, _, _>(Pipeline, "Frames", |_, _| {
        let mut open = BTreeMap::new();
        move |(rows, frontier), _| {
            rows.for_each(|capability, changes| {
                let (_, stash) = open
                    .entry(*capability.time())
                    .or_insert_with(|| (capability.retain(0), Vec::new()));
                stash.extend(changes.drain(..).map(|(row, _, diff)| (row, diff)));
            });
            while let Some(entry) = open
                .first_entry()
                .filter(|entry| !frontier.less_equal(entry.key()))
            {
                let (epoch, (_, changes)) = entry.remove_entry();
                let mut frames = frames.lock().expect("nobody panics with it");
                frames.close(epoch, changes);
                if let Some(on_frame) = &on_frame {
                    on_frame(&frames);
                }
            }
        }
    })
}

/// Keeps everything that comes.
pub(super) fn collect<'s, D: Clone + 'static>(
    stream: StreamVec<'s, Epoch, D>,
    sink: Sink<D>,
) -> StreamVec<'s, Epoch, ()> {
    type Silent = CapacityContainerBuilder<Vec<()>>;
    stream.unary::<Silent, _, _, _>(Pipeline, "Collect", |_, _| {
        move |input, _| input.for_each(|_, data| sink.borrow_mut().append(data))
    })
}
