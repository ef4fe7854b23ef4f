//! The simulator as a source: its lines when they are due.
//!
//! In: a simulator and how fast its time runs. Out: blocks of one partition, for ever. What must hold: a line is
//! handed out as soon as it is due; lines of the past, all at once, as fast as they are taken.

use std::time::{Duration, Instant};

use dataflows::event::TimeMs;

use super::Simulator;
use crate::ingest::block::{Block, Payload};
use crate::ingest::source::Source;

/// Most lines of a block.
const LINES_MAX: usize = 2_048;
/// The shortest sleep: what is due meanwhile is handed out together.
const STEP: Duration = Duration::from_millis(1);

/// A line handed out this long after it was due is a line of the past.
const BEHIND: Duration = Duration::from_secs(1);

/// Lines in real time, or a multiple of it.
pub struct Live {
    simulator: Simulator,
    partition: u32,
    began: Instant,
    /// The simulator's time when it began.
    began_ms: TimeMs,
    speed: f64,
    /// The next line, made but not due; empty at the end.
    line: Vec<u8>,
}

impl Live {
    /// The simulator's time is `now_ms` now and runs `speed` times as fast as the clock; what it has to say of earlier
    /// times is due at once.
    pub fn new(mut simulator: Simulator, partition: u32, now_ms: TimeMs, speed: f64) -> Live {
        let mut line = Vec::new();
        simulator.fill(&mut line, 1);
        Live {
            simulator,
            partition,
            began: Instant::now(),
            began_ms: now_ms,
            speed,
            line,
        }
    }

    /// Seconds until the next line is due; negative since it was.
    fn ahead_s(&self) -> f64 {
        let now_ms = self.began_ms as f64 + self.began.elapsed().as_secs_f64() * 1e3 * self.speed;
        (self.simulator.arrival_ms() as f64 - now_ms) / 1e3 / self.speed
    }

    /// How long until the next line is due.
    fn ahead(&self) -> Duration {
        Duration::from_secs_f64(self.ahead_s().max(0.0))
    }
}

impl Source for Live {
    fn partitions(&self) -> Vec<u32> {
        vec![self.partition]
    }

    fn next(&mut self, mut buffer: Vec<u8>) -> anyhow::Result<Option<Block>> {
        let ahead = self.ahead();
        if !ahead.is_zero() {
            std::thread::sleep(ahead.max(STEP));
        }
        for _ in 0..LINES_MAX {
            if self.line.is_empty() || !self.ahead().is_zero() {
                break;
            }
            buffer.append(&mut self.line);
            self.simulator.fill(&mut self.line, 1);
        }
        let is_ended = self.line.is_empty() && buffer.is_empty();
        Ok((!is_ended).then(|| Block::new(self.partition, Payload::Json(buffer))))
    }

    fn is_caught_up(&self) -> bool {
        self.ahead_s() > -BEHIND.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::simulator::{Options, Scenario};

    fn live(events: u64, behind_ms: i64) -> Live {
        let options = Options {
            events: Some(events),
            rate: Some(1_000.0),
            start_ms: Some(1_763_600_000_000),
            ..Options::default()
        };
        let simulator = Simulator::new(Scenario::load("flat").unwrap(), &options).unwrap();
        Live::new(simulator, 0, 1_763_600_000_000 + behind_ms, 10.0)
    }

    fn lines(block: &Block) -> usize {
        match &block.payload {
            Payload::Json(bytes) => bytes.iter().filter(|&&byte| byte == b'\n').count(),
            _ => 0,
        }
    }

    #[test]
    fn the_past_comes_at_once_and_every_line_comes_once() {
        let mut live = live(5_000, 600_000);
        assert!(!live.is_caught_up());
        let mut counts = Vec::new();
        while let Some(block) = live.next(Vec::new()).unwrap() {
            counts.push(lines(&block));
        }
        assert_eq!(counts, [2_048, 2_048, 904]);
    }

    #[test]
    fn what_is_not_due_is_waited_for() {
        let mut live = live(500, 0);
        assert!(live.is_caught_up());
        let (began, mut counts) = (Instant::now(), Vec::new());
        while let Some(block) = live.next(Vec::new()).unwrap() {
            counts.push(lines(&block));
        }
        assert_eq!(counts.iter().sum::<usize>(), 500);
        // Half a second of event time at ten times the speed; no line is early.
        assert!(began.elapsed() >= Duration::from_millis(30));
    }
}
