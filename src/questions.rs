//! The one way back in: questions of other threads to this process's first worker, and their answers.
//!
//! In: subjects, and chains to watch. Out: answers, all of one closed epoch. What must hold: a question is told at
//! exactly one epoch and answered when that has closed everywhere, so that any process gets the same answer as of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use dataflows::answer::Answer;
use dataflows::control::{Control, Question, Subject};
use dataflows::epochs::Epoch;
use dataflows::transitions::ChainKey;
use tokio::sync::oneshot;

use crate::ingest::intake::Intake;

/// How far ahead of the present epoch a question may be asked for.
pub const EPOCHS_AHEAD_MAX: Epoch = 2_000;
/// Ids below are those of receipts.
const FIRST_ID: u64 = 1 << 32;

/// Answers as of one epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    pub as_of_epoch: Epoch,
    /// Of all workers that had something to say.
    pub answers: Vec<Answer>,
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    #[error("epoch {at} has closed; the first open one is {open}")]
    Closed { at: Epoch, open: Epoch },
    #[error("epoch {at} is too far ahead; ask for {latest} at most")]
    TooFar { at: Epoch, latest: Epoch },
    #[error("the engine is stopping")]
    Stopped,
}

type Reply = oneshot::Sender<Result<Answered, AskError>>;

enum Request {
    Ask(Subject, Option<Epoch>, Reply),
    Tell(Control),
}

/// Asks; clones share one way in.
#[derive(Clone)]
pub struct Questions {
    shared: Arc<Shared>,
    intake: Arc<Intake>,
}

#[derive(Default)]
struct Shared {
    /// `None` once nobody answers any more.
    requests: Mutex<Option<Vec<Request>>>,
    watched: Mutex<HashMap<ChainKey, usize>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("a thread that panics ends the process")
}

impl Questions {
    pub(crate) fn new(intake: Arc<Intake>) -> Questions {
        let shared = Shared {
            requests: Mutex::new(Some(Vec::new())),
            ..Shared::default()
        };
        Questions {
            shared: Arc::new(shared),
            intake,
        }
    }

    /// The answers to one question, as of the epoch `at`, or else of the present one.
    ///
    /// # Errors
    /// When `at` has closed or is far ahead, and when the engine stops first.
    pub async fn ask(&self, subject: Subject, at: Option<Epoch>) -> Result<Answered, AskError> {
        let (reply, answered) = oneshot::channel();
        self.request(Request::Ask(subject, at, reply));
        answered.await.unwrap_or(Err(AskError::Stopped))
    }

    /// Lets the counts of a chain appear as rows while the watch lives.
    pub fn watch(&self, chain: ChainKey) -> Watch {
        let mut watched = lock(&self.shared.watched);
        let watchers = watched.entry(chain).or_default();
        *watchers += 1;
        if *watchers == 1 {
            self.request(Request::Tell(Control::Watch(chain)));
        }
        Watch {
            chain,
            questions: self.clone(),
        }
    }

    fn unwatch(&self, chain: ChainKey) {
        let mut watched = lock(&self.shared.watched);
        let watchers = watched.get_mut(&chain).expect("a watch was begun");
        *watchers -= 1;
        if *watchers == 0 {
            watched.remove(&chain);
            self.request(Request::Tell(Control::Unwatch(chain)));
        }
    }

    fn request(&self, request: Request) {
        if let Some(requests) = lock(&self.shared.requests).as_mut() {
            requests.push(request);
        }
        self.intake.wake();
    }
}

/// Somebody looks at a chain.
pub struct Watch {
    chain: ChainKey,
    questions: Questions,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.questions.unwatch(self.chain);
    }
}

/// The first worker's end: which questions are to be told when, and who waits for their answers.
pub(crate) struct Desk {
    questions: Questions,
    asker: usize,
    next_id: u64,
    /// By the epoch they are asked for.
    due: BTreeMap<Epoch, Vec<(Subject, Reply)>>,
    /// Told, by epoch and id.
    told: BTreeMap<(Epoch, u64), Reply>,
    answers: HashMap<u64, Vec<Answer>>,
}

impl Desk {
    pub(crate) fn new(questions: Questions, asker: usize) -> Desk {
        Desk {
            questions,
            asker,
            next_id: FIRST_ID,
            due: BTreeMap::new(),
            told: BTreeMap::new(),
            answers: HashMap::new(),
        }
    }

    /// Takes in what was asked since; `open` is the epoch that the worker's inputs are at.
    pub(crate) fn hear(&mut self, open: Epoch, tell: &mut impl FnMut(Control)) {
        let requests = lock(&self.questions.shared.requests)
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default();
        if requests.is_empty() && self.due.is_empty() {
            return;
        }
        // Until the epoch has come that is asked for: without records nothing else would bring it.
        self.questions.intake.await_epoch();
        for request in requests {
            match request {
                Request::Tell(control) => tell(control),
                Request::Ask(subject, at, reply) => match in_reach(at.unwrap_or(open), open) {
                    Ok(at) => self.due.entry(at).or_default().push((subject, reply)),
                    // Whoever asked may have gone.
                    Err(error) => drop(reply.send(Err(error))),
                },
            }
        }
    }

    /// The next epoch at which a question is due, if no later than `epoch`.
    pub(crate) fn next_due(&self, epoch: Epoch) -> Option<Epoch> {
        self.due.keys().next().copied().filter(|&at| at <= epoch)
    }

    /// Tells the questions due at the epoch that the inputs are at.
    pub(crate) fn tell_due(&mut self, epoch: Epoch, tell: &mut impl FnMut(Control)) {
        for (subject, reply) in self.due.remove(&epoch).into_iter().flatten() {
            let id = self.next_id;
            self.next_id += 1;
            tell(Control::Ask(Question {
                id,
                asker: self.asker,
                subject,
            }));
            self.told.insert((epoch, id), reply);
        }
    }

    pub(crate) fn collect(&mut self, answer: Answer) {
        self.answers
            .entry(answer.question)
            .or_default()
            .push(answer);
    }

    /// Hands out the answers of all epochs before `open`.
    pub(crate) fn settle(&mut self, open: Epoch) {
        while let Some(entry) = self.told.first_entry().filter(|entry| entry.key().0 < open) {
            let ((as_of_epoch, id), reply) = entry.remove_entry();
            let answers = self.answers.remove(&id).unwrap_or_default();
            // Whoever asked may have gone.
            let _ = reply.send(Ok(Answered {
                as_of_epoch,
                answers,
            }));
        }
    }
}

impl Drop for Desk {
    /// What is still asked gets no answer.
    fn drop(&mut self) {
        *lock(&self.questions.shared.requests) = None;
    }
}

fn in_reach(at: Epoch, open: Epoch) -> Result<Epoch, AskError> {
    let latest = open.saturating_add(EPOCHS_AHEAD_MAX);
    match at {
        _ if at < open => Err(AskError::Closed { at, open }),
        _ if at > latest => Err(AskError::TooFar { at, latest }),
        _ => Ok(at),
    }
}
