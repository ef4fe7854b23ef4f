//! One timely worker: takes blocks from the intake, feeds the dataflow, closes epochs, collects what comes out.
//!
//! What must hold: a worker's inputs never lag behind the intake's epoch for longer than one turn of its loop, since
//! an epoch closes only when all have left it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dataflows::attribution::Answer;
use dataflows::clock::Watermark;
use dataflows::control::{Control, Question, Subject};
use dataflows::dispositions::{Counter, Tallied};
use dataflows::epochs::Epoch;
use dataflows::event::{Disposition, Event, Name};
use dataflows::row::Row;
use dataflows::settings::Settings;
use dataflows::{Inputs, Outputs, TransitionTrace};
use differential_dataflow::trace::TraceReader;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::operators::probe::{Handle as Probe, Probe as _};
use timely::dataflow::{InputHandleVec, StreamVec};
use timely::progress::Antichain;
use timely::worker::Worker;

use crate::frames::Frames;
use crate::ingest::admit::{Admitter, Decoded, Rejected};
use crate::ingest::block::Block;
use crate::ingest::intake::{Entered, Intake};
use crate::results::Results;

/// How long a worker with nothing left to read sleeps when nobody wakes it.
const PARK: Duration = Duration::from_millis(1);
/// The epoch of the closing question: after all that any process can reach.
const LAST_EPOCH: Epoch = Epoch::MAX / 2;
/// Epochs between two compactions of the trace.
const EPOCHS_PER_COMPACTION: Epoch = 64;

/// Called on worker 0 for every closed epoch, with the rows as of it.
pub type OnFrame = Arc<dyn Fn(&Frames) + Send + Sync>;
/// Takes what was rejected: partition, records of it before the block, the rejected records.
pub type OnRejected = Arc<dyn Fn(u32, u64, &[Rejected]) + Send + Sync>;

/// Takes what every block was: partition, records, late ones, fields that no schema names.
pub type OnBlock = Arc<dyn Fn(u32, u64, u64, u64) + Send + Sync>;

/// What the workers of one process share.
#[derive(Clone)]
pub struct Job {
    pub settings: Settings,
    pub key: [u8; 32],
    pub intake: Arc<Intake>,
    /// Processes in the cluster.
    pub processes: usize,
    /// Names that no decoder of this run will see.
    pub names: Arc<Vec<(Name, String)>>,
    pub record_bytes_max: usize,
    pub on_frame: Option<OnFrame>,
    pub on_block: Option<OnBlock>,
    pub on_rejected: Option<OnRejected>,
    pub results: Arc<Mutex<Option<Results>>>,
}

/// Runs one worker to the end of its sources.
pub fn run(worker: &mut Worker, job: &Job) {
    let mut flow = Flow::new(worker, job);
    job.intake.register();
    flow.announce(worker, job);
    flow.feed(worker, job);
    flow.finish(worker, job);
}

type Sink<D> = Rc<RefCell<Vec<D>>>;

/// The handles of the running dataflow.
struct Flow {
    events: InputHandleVec<Epoch, Event>,
    control: InputHandleVec<Epoch, Control>,
    tallies: InputHandleVec<Epoch, Tallied>,
    probe: Probe<Epoch>,
    frames: Rc<RefCell<Frames>>,
    answers: Sink<Answer>,
    trace: TransitionTrace,
    compacted: Epoch,
    epoch: Epoch,
}

impl Flow {
    fn new(worker: &mut Worker, job: &Job) -> Flow {
        let (mut events, mut control, mut tallies) = (
            InputHandleVec::new(),
            InputHandleVec::new(),
            InputHandleVec::new(),
        );
        let probe = Probe::new();
        let frames = Rc::new(RefCell::new(Frames::default()));
        let answers = Sink::default();
        let trace = worker.dataflow(|scope| {
            let inputs = Inputs {
                events: relayed(events.to_stream(scope)),
                control: control.to_stream(scope),
                tallies: tallies.to_stream(scope),
            };
            let Outputs {
                rows,
                answers: answered,
                transitions,
            } = dataflows::build(inputs, job.settings);
            let closed = collect_frames(rows.inner, frames.clone(), job.on_frame.clone());
            closed.probe_with(&probe);
            collect(answered, answers.clone()).probe_with(&probe);
            transitions
        });
        Flow {
            events,
            control,
            tallies,
            probe,
            frames,
            answers,
            trace,
            compacted: 0,
            epoch: 0,
        }
    }

    /// Tells all workers which partitions this process reads, before any epoch with records.
    fn announce(&mut self, worker: &Worker, job: &Job) {
        if worker
            .index()
            .is_multiple_of(threads_per_process(worker, job))
        {
            for &partition in job.intake.partitions() {
                self.control.send(Control::Watermark(Watermark {
                    partition,
                    time: None,
                    ended: false,
                }));
            }
            for (name, text) in job.names.iter() {
                self.control.send(Control::Name(*name, text.clone()));
            }
        }
        self.advance(1);
    }

    fn advance(&mut self, epoch: Epoch) {
        if epoch > self.epoch {
            self.epoch = epoch;
            self.events.advance_to(epoch);
            self.control.advance_to(epoch);
            self.tallies.advance_to(epoch);
        }
    }

    /// The first epoch that is still open anywhere.
    fn closed(&self) -> Epoch {
        self.probe
            .with_frontier(|frontier| frontier.first().copied().unwrap_or(Epoch::MAX))
    }

    /// Decodes and enters blocks until there are no more.
    fn feed(&mut self, worker: &mut Worker, job: &Job) {
        let mut admitter = Admitter::new(
            job.key,
            job.settings.watermark_support,
            job.record_bytes_max,
        );
        let mut decoded = Decoded::default();
        let mut waiting: Option<(u64, Block)> = None;
        let thread = worker.index() % threads_per_process(worker, job);
        loop {
            let closed = self.closed();
            if waiting.is_none() {
                waiting = job.intake.take(thread, closed);
                if let Some((_, block)) = &waiting {
                    admitter.decode(block, &mut decoded);
                }
            }
            let entered = waiting
                .as_ref()
                .and_then(|(ticket, block)| job.intake.enter(*ticket, block, &decoded));
            let is_idle = entered.is_none();
            if let Some(entered) = entered {
                let (_, block) = waiting.take().expect("what entered was waiting");
                self.admit(&admitter, job, &block, &entered, &mut decoded);
                job.intake.recycle(block);
            }
            if waiting.is_none() {
                self.advance(job.intake.tick(closed));
            }
            if waiting.is_none() && is_idle && job.intake.is_finished() {
                return;
            }
            self.compact(closed);
            if is_idle {
                worker.step_or_park(Some(job.intake.rest()))
            } else {
                worker.step()
            };
        }
    }

    /// Sends an entered block into the dataflow at its epoch.
    fn admit(
        &mut self,
        admitter: &Admitter,
        job: &Job,
        block: &Block,
        entered: &Entered,
        decoded: &mut Decoded,
    ) {
        self.advance(entered.epoch);
        let lateness_ms = job.settings.allowed_lateness_ms;
        let late = admitter.judge(
            decoded,
            block.partition,
            &entered.before,
            entered.records_before,
            lateness_ms,
        );
        for (name, text) in decoded.names.drain(..) {
            self.control.send(Control::Name(name, text));
        }
        self.control.send(Control::Watermark(entered.watermark));
        self.events.send_batch(&mut decoded.events);
        let tallies = [
            (Counter::Read, decoded.records as i64),
            (
                Counter::Disposition(Disposition::Invalid),
                decoded.invalid as i64,
            ),
            (Counter::Disposition(Disposition::Late), late as i64),
        ];
        tallies
            .into_iter()
            .filter(|&(_, count)| count != 0)
            .for_each(|tallied| self.tallies.send(tallied));
        if let Some(on_block) = &job.on_block {
            on_block(
                block.partition,
                decoded.records,
                late,
                decoded.unknown_fields,
            );
        }
        if let (Some(on_rejected), false) = (&job.on_rejected, decoded.rejected.is_empty()) {
            on_rejected(block.partition, entered.records_before, &decoded.rejected);
        }
    }

    /// Lets the trace forget what no question can ask for any more.
    fn compact(&mut self, closed: Epoch) {
        if closed >= self.compacted.saturating_add(EPOCHS_PER_COMPACTION) {
            self.compacted = closed;
            let frontier = Antichain::from_elem(closed);
            self.trace.set_logical_compaction(frontier.borrow());
            self.trace.set_physical_compaction(frontier.borrow());
        }
    }

    /// Lets everybody finish, asks for all transition counts, and leaves the results.
    fn finish(mut self, worker: &mut Worker, job: &Job) {
        let is_asker = worker.index() == 0;
        if is_asker {
            self.advance(LAST_EPOCH);
            let question = Question {
                id: 0,
                asker: 0,
                subject: Subject::Transitions,
            };
            self.control.send(Control::Ask(question));
        }
        let Flow {
            events,
            control,
            tallies,
            probe,
            frames,
            answers,
            trace,
            ..
        } = self;
        drop((events, control, tallies, trace));
        while !probe.done() {
            worker.step_or_park(Some(PARK));
        }
        if is_asker {
            let results = Results {
                frames: frames.take(),
                answers: answers.take(),
            };
            *job.results.lock().expect("nobody panics with it") = Some(results);
        }
    }
}

fn threads_per_process(worker: &Worker, job: &Job) -> usize {
    worker.peers() / job.processes
}

/// The same stream from an operator. An input whose progress was reported between a batch and the end of its epoch
/// does not flush an exchange behind it (timely 0.31, `pushers::Counter`); an operator flushes in its own turn.
fn relayed<D: Clone + 'static>(stream: StreamVec<'_, Epoch, D>) -> StreamVec<'_, Epoch, D> {
    stream.unary::<CapacityContainerBuilder<Vec<D>>, _, _, _>(Pipeline, "Relay", |_, _| {
        move |input, output| {
            input.for_each(|capability, data| output.session(&capability).give_container(data));
        }
    })
}

/// Applies rows epoch by epoch as the epochs close; the stream that comes out says how far it is.
fn collect_frames<'s>(
    rows: StreamVec<'s, Epoch, (Row, Epoch, isize)>,
    frames: Rc<RefCell<Frames>>,
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
                let mut frames = frames.borrow_mut();
                frames.close(epoch, changes);
                if let Some(on_frame) = &on_frame {
                    on_frame(&frames);
                }
            }
        }
    })
}

/// Keeps everything that comes.
fn collect<'s, D: Clone + 'static>(
    stream: StreamVec<'s, Epoch, D>,
    sink: Sink<D>,
) -> StreamVec<'s, Epoch, ()> {
    type Silent = CapacityContainerBuilder<Vec<()>>;
    stream.unary::<Silent, _, _, _>(Pipeline, "Collect", |_, _| {
        move |input, _| input.for_each(|_, data| sink.borrow_mut().append(data))
    })
}
