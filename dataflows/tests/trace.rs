//! The kept trace against the answers: after every step of it, and after compaction, it holds the same counts.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use dataflows::answer::{Answer, Body};
use dataflows::clock::Watermark;
use dataflows::control::{Control, Question, Subject};
use dataflows::dispositions::{Counter, Tallied};
use dataflows::epochs::Epoch;
use dataflows::event::{Event, Kind, Name, TimeMs, UserId};
use dataflows::settings::Settings;
use dataflows::transitions::{ChainKey, State};
use dataflows::weight::{Weight, Weights};
use dataflows::{Inputs, Outputs, TransitionTrace};
use differential_dataflow::difference::Semigroup;
use differential_dataflow::trace::{Cursor, TraceReader};
use timely::dataflow::InputHandleVec;
use timely::dataflow::operators::Inspect;
use timely::dataflow::operators::probe::{Handle as Probe, Probe as _};
use timely::progress::Antichain;
use timely::worker::Worker;

/// 2025-02-01T00:00:00Z.
const BASE: TimeMs = 1_738_368_000_000;
const EPOCHS: Epoch = 400;
/// The trace takes in so many epochs as one batch.
const STEP: Epoch = 32;
const EVENTS_PER_EPOCH: u64 = 25;
const NAMES: [&str; 8] = [
    "acme", "bolt", "cove", "Email", "TV", "Radio", "spring", "autumn",
];

/// The counts in each window, none of which is 0 in every window, by chain and transition.
type Counts = BTreeMap<(ChainKey, State, State), [Weight; 3]>;

#[test]
fn the_trace_holds_the_counts_of_every_step() {
    for workers in [1, 2] {
        let run = run(workers, false);
        for end in (STEP..EPOCHS).step_by(STEP as usize) {
            let answered = run.answered(end);
            assert!(answered.len() > 20, "{} transitions", answered.len());
            assert_eq!(
                run.traced(end),
                answered,
                "as of epoch {end}, {workers} workers"
            );
        }
        assert!(
            run.most_batches >= 3,
            "only {} batches at once",
            run.most_batches
        );
    }
}

#[test]
fn the_trace_holds_the_counts_at_the_end_and_retracts_what_left_the_windows() {
    for (workers, compacts) in [(1, false), (2, false), (1, true), (2, true)] {
        let run = run(workers, compacts);
        let answered = run.answered(EPOCHS);
        assert_eq!(run.traced(Epoch::MAX), answered, "{workers} workers");
        let hours = answered.values().map(|windows| windows[2].count);
        let all = answered.values().map(|windows| windows[0].count);
        let (hours, all) = (hours.sum::<i64>(), all.sum::<i64>());
        assert!(0 < hours && hours < all, "{hours} of {all} in the hour");
    }
}

#[test]
fn a_chain_is_kept_on_one_worker() {
    let run = run(2, false);
    let chains = |trace: &Updates| -> BTreeSet<ChainKey> {
        trace.iter().map(|(chain, ..)| *chain).collect()
    };
    let [first, second] = [&run.traces[0], &run.traces[1]].map(chains);
    assert!(first.is_disjoint(&second));
    assert_eq!(first.len() + second.len(), 7);
}

/// What a trace holds: chain, from, to, epoch, change.
type Updates = Vec<(ChainKey, State, State, Epoch, Weights)>;

/// What a run leaves.
#[derive(Default)]
struct Run {
    answers: Vec<Answer>,
    /// Of every worker.
    traces: Vec<Updates>,
    most_batches: usize,
}

impl Run {
    fn answered(&self, epoch: Epoch) -> Counts {
        let answers = self.answers.iter().filter(|it| it.as_of_epoch == epoch);
        let chains = answers.filter_map(|answer| match &answer.body {
            Body::Chain(counted) => Some(counted),
            _ => None,
        });
        chains
            .flat_map(|counted| counted.counts.iter().map(|it| (counted.chain, it)))
            .map(|(chain, &(from, to, weights))| ((chain, from, to), weights))
            .collect()
    }

    /// The sums of all updates up to an epoch.
    fn traced(&self, epoch: Epoch) -> Counts {
        let mut sums: BTreeMap<_, Weights> = BTreeMap::new();
        for &(chain, from, to, time, weights) in self.traces.iter().flatten() {
            if time <= epoch {
                let sum = sums.entry((chain, from, to)).or_default();
                sum.plus_equals(&weights);
            }
        }
        sums.retain(|_, sum| *sum != Weights::default());
        sums.into_iter().map(|(key, sum)| (key, sum.0)).collect()
    }
}

fn run(workers: usize, compacts: bool) -> Run {
    let run = Arc::new(Mutex::new(Run::default()));
    let shared = run.clone();
    let config = timely::Config::process(workers);
    let guards = timely::execute(config, move |worker| {
        let (answers, trace, most_batches) = run_worker(worker, compacts);
        let mut run = shared.lock().expect("no worker panicked");
        run.answers.extend(answers);
        run.traces.push(trace);
        run.most_batches = run.most_batches.max(most_batches);
    });
    for guard in guards.expect("threads start").join() {
        guard.expect("no worker panicked");
    }
    std::mem::take(&mut *run.lock().expect("no worker panicked"))
}

/// The inputs of one worker.
struct Feed {
    events: InputHandleVec<Epoch, Event>,
    control: InputHandleVec<Epoch, Control>,
    tallies: InputHandleVec<Epoch, Tallied>,
}

fn run_worker(worker: &mut Worker, compacts: bool) -> (Vec<Answer>, Updates, usize) {
    let (index, peers) = (worker.index() as u64, worker.peers() as u64);
    let mut feed = Feed {
        events: InputHandleVec::new(),
        control: InputHandleVec::new(),
        tallies: InputHandleVec::new(),
    };
    let (answers, probe) = (Rc::new(RefCell::new(Vec::new())), Probe::new());
    let mut trace = build(worker, &mut feed, &answers, &probe);
    let mut most_batches = 0;
    for epoch in 0..=EPOCHS {
        feed.epoch(epoch, index, peers);
        while probe.less_than(&epoch) {
            worker.step();
        }
        let mut batches = 0;
        trace.map_batches(|_| batches += 1);
        most_batches = most_batches.max(batches);
        if compacts {
            let frontier = Antichain::from_elem(epoch);
            trace.set_logical_compaction(frontier.borrow());
            trace.set_physical_compaction(frontier.borrow());
        }
    }
    drop(feed);
    while !probe.done() {
        worker.step();
    }
    // The last batch of the trace is sealed behind the probe.
    while worker.step() {}
    let answers = answers.take();
    (answers, updates(&mut trace), most_batches)
}

fn build(
    worker: &mut Worker,
    feed: &mut Feed,
    answers: &Rc<RefCell<Vec<Answer>>>,
    probe: &Probe<Epoch>,
) -> TransitionTrace {
    let settings = Settings {
        allowed_lateness_ms: None,
        ..Settings::default()
    };
    let sink = answers.clone();
    worker.dataflow(|scope| {
        let inputs = Inputs {
            events: feed.events.to_stream(scope),
            control: feed.control.to_stream(scope),
            tallies: feed.tallies.to_stream(scope),
        };
        let Outputs {
            rows,
            answers,
            transitions,
        } = dataflows::build(inputs, settings);
        rows.inner.probe_with(probe);
        let answers = answers.inspect(move |answer| sink.borrow_mut().push(answer.clone()));
        answers.probe_with(probe);
        transitions
    })
}

impl Feed {
    /// Sends this worker's part of an epoch and closes it.
    fn epoch(&mut self, epoch: Epoch, index: u64, peers: u64) {
        let numbers = (epoch.max(1) - 1) * EVENTS_PER_EPOCH..epoch * EVENTS_PER_EPOCH;
        for number in numbers.filter(|number| number % peers == index) {
            self.events.send(event(number));
            self.tallies.send((Counter::Read, 1));
        }
        if index == 0 {
            self.tell(epoch);
        }
        self.events.advance_to(epoch + 1);
        self.control.advance_to(epoch + 1);
        self.tallies.advance_to(epoch + 1);
    }

    /// Names first, then the watermark, and a question at the end of every step.
    fn tell(&mut self, epoch: Epoch) {
        if epoch == 0 {
            for name in NAMES {
                self.control
                    .send(Control::Name(Name::of(name), name.to_owned()));
            }
        }
        self.control.send(Control::Watermark(Watermark {
            partition: 0,
            time: (epoch > 0).then(|| time(epoch * EVENTS_PER_EPOCH)),
            ended: false,
        }));
        if epoch.is_multiple_of(STEP) || epoch == EPOCHS {
            self.control.send(Control::Ask(Question {
                id: epoch,
                asker: 0,
                subject: Subject::Chains,
            }));
        }
    }
}

/// Two seconds apart, so that all of them span more than five hours.
fn time(number: u64) -> TimeMs {
    BASE + number as i64 * 2_000
}

/// Numbers that look drawn.
fn drawn(number: u64, limit: u64) -> u64 {
    Name::of(&number.to_string()).0 % limit
}

fn event(number: u64) -> Event {
    let draw = |salt: u64, limit| drawn(number * 10 + salt, limit) as usize;
    let kind = [Kind::Other, Kind::Impression, Kind::Click, Kind::Conversion][draw(0, 4)];
    let name = |from: usize, salt, limit| Name::of(NAMES[from + draw(salt, limit)]);
    Event {
        user: UserId::new(&[3; 32], &draw(1, 50).to_le_bytes()),
        // Up to forty minutes behind the newest.
        time: time(number) - draw(2, 2_400_000) as i64,
        id: Name::of(&format!("event {number}")).0,
        sequence: 0,
        advertiser: name(0, 3, 3),
        campaign: name(6, 4, 2),
        channel: name(3, 5, 3),
        value: if kind == Kind::Conversion {
            1_000_000
        } else {
            0
        },
        kind,
        touches: false,
        userless: false,
        receipt: Default::default(),
    }
}

fn updates(trace: &mut TransitionTrace) -> Updates {
    let mut updates = Updates::new();
    let (mut cursor, storage) = trace.cursor();
    while let Some(&chain) = cursor.get_key(&storage) {
        while let Some(&(from, to)) = cursor.get_val(&storage) {
            cursor.map_times(&storage, |&time, &weights| {
                updates.push((chain, from, to, time, weights));
            });
            cursor.step_val(&storage);
        }
        cursor.step_key(&storage);
    }
    updates
}
