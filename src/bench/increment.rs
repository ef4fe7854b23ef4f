//! One more event into a short and into a long history: the time to its frame must not depend on what lies behind.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use dataflows::event::Event;

use super::measure::median;
use super::sources::Streamed;
use super::workload::{Mix, events};
use super::{Bench, Bound, Row, options, run_whole};
use crate::frames::Frames;
use crate::ingest::block::Block;
use crate::ingest::source::Source;

const BLOCK_RECORDS: usize = 2_000;
const SINGLES: usize = 50;
/// A pause before each single event, for all threads to come to rest.
const PAUSE: Duration = Duration::from_millis(3);

/// What a frame tells the source.
#[derive(Default)]
struct Closed {
    read: AtomicI64,
    reader: Mutex<Option<Thread>>,
}

impl Closed {
    fn tell(&self, frames: &Frames) {
        self.read.store(frames.dispositions.read, Ordering::Release);
        if let Some(reader) = &*self.reader.lock().expect("nobody panics with it") {
            reader.unpark();
        }
    }

    /// Waits for the frame with the first `read` records.
    fn wait(&self, read: i64) {
        *self.reader.lock().expect("nobody panics with it") = Some(thread::current());
        while self.read.load(Ordering::Acquire) < read {
            thread::park_timeout(Duration::from_millis(1));
        }
    }
}

/// A history in blocks, then its last events one by one, each when the frame of the one before is ready.
struct OneByOne<I> {
    events: I,
    history: u64,
    handed: u64,
    closed: Arc<Closed>,
    due: Instant,
    taken: Arc<Mutex<Vec<Duration>>>,
}

impl<I: Iterator<Item = Event> + Send> Source for OneByOne<I> {
    fn partitions(&self) -> Vec<u32> {
        vec![0]
    }

    fn next(&mut self, _: Vec<u8>) -> Result<Option<Block>> {
        let last = self.history + SINGLES as u64;
        if self.handed > last {
            return Ok(None);
        }
        let is_single = self.handed >= self.history;
        if is_single {
            self.wait();
        }
        let left = self.history.saturating_sub(self.handed) as usize;
        let records = match self.handed {
            handed if handed == last => 0,
            _ if is_single => 1,
            _ => left.min(BLOCK_RECORDS),
        };
        let mut block = Streamed::new(self.events.by_ref(), records).block();
        block.ends_partition = records == 0;
        // Also at the end of the history, so that its frame comes.
        block.ends_epoch = is_single || records == left;
        self.handed += records.max(usize::from(is_single)) as u64;
        self.due = Instant::now();
        Ok(Some(block))
    }
}

impl<I> OneByOne<I> {
    fn wait(&mut self) {
        self.closed.wait(self.handed as i64);
        if self.handed > self.history {
            let mut taken = self.taken.lock().expect("nobody panics with it");
            taken.push(self.due.elapsed());
        }
        thread::sleep(PAUSE);
    }
}

/// The median time to result of one event after `history` others, in microseconds.
fn median_us(history: u64) -> Result<f64> {
    let mix = Mix::of(history + SINGLES as u64);
    let (closed, taken) = (Arc::new(Closed::default()), Arc::default());
    let source = OneByOne {
        events: events(mix),
        history,
        handed: 0,
        closed: closed.clone(),
        due: Instant::now(),
        taken: Arc::clone(&taken),
    };
    let mut options = options(&mix, 1, 100_000);
    options.on_frame = Some(Arc::new(move |frames: &Frames| closed.tell(frames)));
    run_whole(source, &options, mix.events)?;
    let taken = std::mem::take(&mut *taken.lock().expect("nobody panics"));
    ensure!(!taken.is_empty(), "nothing was measured");
    Ok(median(
        taken.into_iter().map(|time| time.as_secs_f64() * 1e6),
    ))
}

pub(super) fn increment(bench: &Bench) -> Result<Vec<Row>> {
    const GROUP: &str = "increment";
    let (small, large) = (200_000, bench.pick(20_000_000, 2_000_000));
    let (short, long) = (median_us(small)?, median_us(large)?);
    let name = |events: u64| format!("one event after {} M, median", events as f64 / 1e6);
    let bound = Bound {
        floor: 2.0,
        goal: None,
        more_is_better: false,
    };
    Ok(vec![
        Row::new(GROUP, name(small), short, "us"),
        Row::new(GROUP, name(large), long, "us"),
        Row::new(GROUP, "long history over short", long / short, "times").bound(Some(bound)),
    ])
}
