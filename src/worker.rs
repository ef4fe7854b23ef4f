//! One timely worker: takes blocks from the intake, feeds the dataflow, closes epochs, collects what comes out.
//!
//! What must hold: a worker's inputs never lag behind the intake's epoch for longer than one turn of its loop, since
//! an epoch closes only when all have left it.

mod ends;
mod inlet;
mod load;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use dataflows::answer::Answer;
use dataflows::clock::Watermark;
use dataflows::control::{Control, Question, Subject};
use dataflows::epochs::Epoch;
use dataflows::event::Name;
use dataflows::settings::Settings;
use dataflows::{Inputs, Outputs, TransitionTrace};
use differential_dataflow::trace::TraceReader;
use timely::dataflow::operators::probe::{Handle as Probe, Probe as _};
use timely::progress::Antichain;
use timely::worker::Worker;

use crate::frames::Frames;
use crate::ingest::admit::{Admitter, Decoded, Rejected};
use crate::ingest::block::Block;
use crate::ingest::intake::{Entered, Intake};
use crate::questions::Desk;
use crate::results::Results;
use crate::run::Doors;
use ends::{Sink, collect, collect_frames, relayed};
use inlet::Inlet;
use load::LoadMeter;

/// Records that a worker takes in before it lets the dataflow work, if so many wait: small blocks are cheaper together.
const RECORDS_PER_STEP: u64 = 1_024;
/// The same where epochs are shorter than this: several that end together cost less than one by one.
const RECORDS_PER_STEP_OF_SHORT_EPOCHS: u64 = 24_576;
/// How long a worker with nothing left to read sleeps when nobody wakes it.
const PARK: Duration = Duration::from_millis(1);
/// The epoch of the closing question: after all that any process can reach, and a number that every reader of JSON holds.
const LAST_EPOCH: Epoch = (1 << 53) - 1;
/// Epochs between two compactions of the trace.
const EPOCHS_PER_COMPACTION: Epoch = 64;

/// Called on the first worker of a process for every closed epoch, with the rows as of it.
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
    pub doors: Doors,
    /// Runs until it is stopped, and tells how busy its workers are.
    pub is_live: bool,
    pub results: Arc<Mutex<Option<Results>>>,
}

impl Job {
    /// Workers of each process.
    fn threads(&self, worker: &Worker) -> usize {
        worker.peers() / self.processes
    }

    /// Whether the worker is the one of its process that rows and answers come to.
    fn is_reader(&self, worker: &Worker) -> bool {
        worker.index().is_multiple_of(self.threads(worker))
    }
}

/// Runs one worker to the end of its sources.
pub fn run(worker: &mut Worker, job: &Job) {
    let mut flow = Flow::new(worker, job);
    job.intake.register();
    flow.announce(worker, job);
    flow.feed(worker, job);
    flow.finish(worker, job);
}

/// For epochs of so many records.
fn records_per_step(epoch_records: u64) -> u64 {
    if epoch_records < RECORDS_PER_STEP_OF_SHORT_EPOCHS {
        RECORDS_PER_STEP_OF_SHORT_EPOCHS
    } else {
        RECORDS_PER_STEP
    }
}

/// The handles of the running dataflow.
struct Flow {
    inlet: Inlet,
    probe: Probe<Epoch>,
    answers: Sink<Answer>,
    trace: TransitionTrace,
    compacted: Epoch,
    /// On the reader of a process.
    desk: Option<Desk>,
    load: Option<LoadMeter>,
}

/// How a worker takes blocks in.
struct Reading {
    /// Its number in the process.
    thread: usize,
    admitter: Admitter,
    decoded: Decoded,
    /// What has been decoded and waits for its turn, with its ticket.
    waiting: Option<(u64, Block)>,
}

impl Reading {
    fn new(worker: &Worker, job: &Job) -> Reading {
        Reading {
            thread: worker.index() % job.threads(worker),
            admitter: Admitter::new(
                job.key,
                job.settings.watermark_support,
                job.record_bytes_max,
            ),
            decoded: Decoded::default(),
            waiting: None,
        }
    }
}

impl Flow {
    fn new(worker: &mut Worker, job: &Job) -> Flow {
        let mut inlet = Inlet::default();
        let probe = Probe::new();
        let frames = job.doors.frames.clone();
        let answers = Sink::default();
        let is_reader = job.is_reader(worker);
        let (index, process) = (worker.index(), worker.index() / job.threads(worker));
        let trace = worker.dataflow(|scope| {
            let inputs = Inputs {
                events: relayed(inlet.events.to_stream(scope)),
                control: inlet.control.to_stream(scope),
                tallies: inlet.tallies.to_stream(scope),
            };
            let Outputs {
                rows,
                answers: answered,
                transitions,
            } = dataflows::build(inputs, job.settings);
            let closed = collect_frames(rows.inner, frames, job.on_frame.clone());
            closed.probe_with(&probe);
            collect(answered, answers.clone()).probe_with(&probe);
            transitions
        });
        Flow {
            inlet,
            probe,
            answers,
            trace,
            compacted: 0,
            desk: is_reader.then(|| Desk::new(job.doors.questions.clone(), index)),
            load: job.is_live.then(|| LoadMeter::new(index, process)),
        }
    }

    /// Tells all workers which partitions this process reads, before any epoch with records.
    fn announce(&mut self, worker: &Worker, job: &Job) {
        if job.is_reader(worker) {
            for &partition in job.intake.partitions() {
                self.inlet.tell(Control::Watermark(Watermark {
                    partition,
                    time: None,
                    ended: false,
                }));
            }
            for (name, text) in job.names.iter() {
                self.inlet.tell(Control::Name(*name, text.clone()));
            }
        }
        self.advance(job.intake.epoch());
    }

    /// Goes on to an epoch; tells the questions that are due on the way.
    fn advance(&mut self, epoch: Epoch) {
        let Some(mut desk) = self.desk.take() else {
            return self.inlet.advance_to(epoch);
        };
        while let Some(due) = desk.next_due(epoch) {
            self.inlet.advance_to(due);
            desk.tell_due(due, &mut |control| self.inlet.tell(control));
        }
        self.inlet.advance_to(epoch);
        self.desk = Some(desk);
    }

    /// The first epoch that is still open anywhere.
    fn closed(&self) -> Epoch {
        self.probe
            .with_frontier(|frontier| frontier.first().copied().unwrap_or(Epoch::MAX))
    }

    /// Decodes and enters blocks until there are no more.
    fn feed(&mut self, worker: &mut Worker, job: &Job) {
        let mut reading = Reading::new(worker, job);
        let records_per_step = records_per_step(job.intake.epoch_records());
        let mut unstepped = 0;
        loop {
            let closed = self.closed();
            self.serve(job, closed);
            let entered = self.take_in(&mut reading, job, closed);
            if reading.waiting.is_none() {
                self.advance(job.intake.tick(closed));
                if entered.is_none() && job.intake.is_finished() {
                    return;
                }
            }
            unstepped += entered.unwrap_or(0);
            if entered.is_some() && unstepped < records_per_step {
                continue;
            }
            unstepped = 0;
            self.compact(closed);
            match entered {
                Some(_) => worker.step(),
                None => worker.step_or_park(Some(job.intake.rest())),
            };
        }
    }

    /// Decodes a block, enters it if it is its turn and says how many records it has.
    fn take_in(&mut self, reading: &mut Reading, job: &Job, closed: Epoch) -> Option<u64> {
        let Reading {
            thread,
            admitter,
            decoded,
            waiting,
        } = reading;
        if waiting.is_none() {
            *waiting = job.intake.take(*thread, closed);
            if let Some((_, block)) = waiting {
                admitter.decode(block, decoded);
            }
        }
        let (ticket, block) = waiting.as_ref()?;
        let entered = job.intake.enter(*ticket, block, decoded)?;
        let (_, block) = waiting.take().expect("what entered was waiting");
        let records = decoded.records;
        self.admit(admitter, job, &block, &entered, decoded);
        job.intake.recycle(block);
        Some(records)
    }

    /// Takes questions in, hands answers out, tells how busy the worker is.
    fn serve(&mut self, job: &Job, closed: Epoch) {
        if let Some(load) = self.load.as_mut().and_then(LoadMeter::due) {
            self.inlet.tell(Control::Load(load));
            job.intake.await_epoch();
        }
        let Some(desk) = &mut self.desk else { return };
        desk.hear(self.inlet.epoch(), &mut |control| self.inlet.tell(control));
        desk.tell_due(self.inlet.epoch(), &mut |control| self.inlet.tell(control));
        for answer in self.answers.borrow_mut().drain(..) {
            job.doors.door.collect(&answer);
            desk.collect(answer);
        }
        desk.settle(closed);
        job.doors.door.settle(closed);
        job.doors.meter.close(closed);
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
        job.doors.tell_entered(block, entered, decoded, late);
        if let Some(load) = &mut self.load {
            load.count(decoded.records);
        }
        self.inlet.admit(decoded, entered.watermark, late);
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
        // Clients of a live run see its last epoch, so there it is no other than the next.
        let last = match (job.is_live, job.processes) {
            (false, _) => Some(LAST_EPOCH),
            (true, 1) => Some(job.intake.epoch() + 1),
            (true, _) => None,
        };
        if let (true, Some(last)) = (is_asker, last) {
            self.advance(last);
            let question = Question {
                id: 0,
                asker: 0,
                subject: Subject::Chains,
            };
            self.inlet.tell(Control::Ask(question));
        }
        let Flow {
            inlet,
            probe,
            answers,
            trace,
            desk,
            ..
        } = self;
        inlet.close();
        drop((trace, desk));
        while !probe.done() {
            worker.step_or_park(Some(PARK));
        }
        if is_asker {
            let frames = job.doors.frames.lock().expect("nobody panics with it");
            let results = Results {
                frames: frames.clone(),
                answers: answers.take(),
            };
            *job.results.lock().expect("nobody panics with it") = Some(results);
        }
    }
}
