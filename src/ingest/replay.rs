//! Replay: the records of files, each file one partition, read in step.
//!
//! In: files of JSON lines or CSV rows, plain, gzip or zstd, or standard input. Out: blocks, always of the file
//! whose records are furthest behind in event time. What must hold: a file's records keep their order; what came
//! before a torn end counts, and the tear is named.

mod file;
mod start;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dataflows::event::TimeMs;

use super::block::{Block, Payload};
use super::csv::Columns;
use super::source::Source;
use file::Opened;

/// The form of the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// By its name, else CSV where its first line is a header, or where that has columns and no line opens an object.
    #[default]
    Auto,
    Json,
    Csv,
}

/// What to replay, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// `-` is standard input. The place in this list is the number of the partition.
    pub files: Vec<PathBuf>,
    pub format: Format,
    pub columns: Option<Columns>,
    pub block_bytes: usize,
    /// A longer record is cut there, and invalid.
    pub record_bytes_max: usize,
    /// Times as fast as event time; `None`: flat out.
    pub speed: Option<f64>,
    /// This process reads every `processes`-th file, from number `process` on.
    pub processes: usize,
    pub process: usize,
    pub progress: indicatif::ProgressBar,
}

/// Inputs that ended early, each told in words.
pub type Torn = Arc<Mutex<Vec<String>>>;

/// The files of one process as a source.
pub struct Replay {
    partitions: Vec<u32>,
    files: Vec<Opened>,
    pace: Option<Pace>,
    torn: Torn,
    progress: indicatif::ProgressBar,
}

/// Event time against the clock on the wall.
struct Pace {
    speed: f64,
    began: Option<(Instant, TimeMs)>,
}

impl Replay {
    /// Opens the files of this process.
    ///
    /// # Errors
    /// Names the file that cannot be opened, or whose header lacks a mapped column.
    pub fn open(options: &Options) -> anyhow::Result<Replay> {
        let mut files = Vec::new();
        for (number, path) in options.files.iter().enumerate() {
            if number % options.processes == options.process {
                files.push(Opened::new(number as u32, path, options)?);
            }
        }
        let pace = options.speed.map(|speed| Pace { speed, began: None });
        let partitions = files.iter().map(|file| file.partition).collect();
        Ok(Replay {
            partitions,
            files,
            pace,
            torn: Torn::default(),
            progress: options.progress.clone(),
        })
    }

    /// Where torn inputs will be named.
    pub fn torn(&self) -> Torn {
        self.torn.clone()
    }
}

impl Source for Replay {
    fn partitions(&self) -> Vec<u32> {
        self.partitions.clone()
    }

    fn next(&mut self, mut buffer: Vec<u8>) -> anyhow::Result<Option<Block>> {
        let Some(at) = (0..self.files.len()).min_by_key(|&at| self.files[at].time) else {
            self.progress.finish_and_clear();
            return Ok(None);
        };
        let file = &mut self.files[at];
        let tear = file.fill(&mut buffer)?;
        if let Some(tear) = tear {
            self.torn.lock().expect("nobody panics with it").push(tear);
        }
        if let (Some(pace), Some(time)) = (&mut self.pace, file.time) {
            pace.wait_for(time);
        }
        let payload = match &file.decoder {
            Some(decoder) => Payload::Csv(buffer, decoder.clone()),
            None => Payload::Json(buffer),
        };
        let block = Block {
            ends_partition: file.is_ended,
            ..Block::new(file.partition, payload)
        };
        if file.is_ended {
            self.files.remove(at);
        }
        Ok(Some(block))
    }
}

impl Pace {
    /// Sleeps until the event time is due.
    fn wait_for(&mut self, time: TimeMs) {
        let (began, first) = *self.began.get_or_insert((Instant::now(), time));
        let after_ms = (time - first).max(0) as f64 / self.speed;
        let due = began + Duration::from_secs_f64(after_ms / 1000.0);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

#[cfg(test)]
mod tests;
