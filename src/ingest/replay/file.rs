//! One file of records, cut into blocks at the ends of records.

use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use dataflows::event::TimeMs;

use super::start::{self, BYTE_ORDER_MARK, Looked, Text};
use super::{Format, Options};
use crate::exit::{Exit, Failure};
use crate::ingest::csv::{CsvDecoder, Place, last_record_end, rows};
use crate::ingest::json::JsonDecoder;

/// A file that is being read.
pub(super) struct Opened {
    pub(super) partition: u32,
    path: PathBuf,
    reader: Text,
    is_compressed: bool,
    /// Of a CSV file.
    pub(super) decoder: Option<Arc<CsvDecoder>>,
    json: JsonDecoder,
    /// The event time that the file has come to, as far as the ends of its blocks tell.
    pub(super) time: Option<TimeMs>,
    pub(super) is_ended: bool,
    /// The beginning of a record whose end was not read yet.
    rest: Vec<u8>,
    place: Place,
    block_bytes: usize,
    record_bytes_max: usize,
}

impl Opened {
    pub(super) fn new(partition: u32, path: &Path, options: &Options) -> anyhow::Result<Opened> {
        let (reader, is_compressed) = start::open(path, options)?;
        let mut file = Opened {
            partition,
            path: path.to_owned(),
            reader,
            is_compressed,
            decoder: None,
            json: JsonDecoder::new(),
            time: None,
            is_ended: false,
            rest: Vec::new(),
            place: Place::default(),
            block_bytes: options.block_bytes,
            record_bytes_max: options.record_bytes_max,
        };
        if file.is_csv(options) {
            file.read_header(options)?;
        }
        Ok(file)
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::read(&self.path, error)
    }

    /// As it was said, else by its name, else by its text.
    fn is_csv(&mut self, options: &Options) -> bool {
        let is_csv = match options.format {
            Format::Json => Some(false),
            Format::Csv => Some(true),
            Format::Auto => start::is_csv_by_name(&self.path),
        };
        is_csv.unwrap_or_else(|| {
            let text = std::mem::replace(&mut self.reader, Box::new(io::empty()));
            let (is_csv, text) = start::looks_like_csv(text, options);
            self.reader = text;
            is_csv
        })
    }

    /// Without a header, as in an empty file, there are no rows.
    fn read_header(&mut self, options: &Options) -> anyhow::Result<()> {
        let header = match self.first_line() {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(()),
            Err(error) if self.is_tear(&error) => {
                self.reader = Box::new(Looked::torn(error));
                return Ok(());
            }
            Err(error) => return Err(self.failed(&error).into()),
        };
        let header = header.trim_ascii_end();
        if header.contains(&b'\r') {
            let message = "its lines end with carriage returns alone; end them with line feeds";
            let unusable = Failure::new(Exit::InputUnusable, message);
            return Err(unusable).with_context(|| format!("reading {}", self.path.display()));
        }
        let decoder = CsvDecoder::new(header, options.columns.as_ref())
            .map_err(|error| Failure::new(Exit::InputUnusable, error.to_string()))
            .with_context(|| format!("reading the header of {}", self.path.display()))?;
        self.decoder = Some(Arc::new(decoder));
        Ok(())
    }

    /// The first line that is not blank.
    fn first_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let most = self.record_bytes_max as u64;
        let mut line = Vec::new();
        while (&mut self.reader).take(most).read_until(b'\n', &mut line)? > 0 {
            let text = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line);
            if !text.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
            line.clear();
        }
        Ok(None)
    }

    /// A compressed stream that breaks off or is damaged: what came before it counts.
    fn is_tear(&self, error: &io::Error) -> bool {
        self.is_compressed && !matches!(error.kind(), io::ErrorKind::Interrupted)
    }

    /// Fills `block` with whole records; the tear, if the file is torn there.
    pub(super) fn fill(&mut self, block: &mut Vec<u8>) -> anyhow::Result<Option<String>> {
        block.clear();
        block.append(&mut self.rest);
        let mut tear = None;
        loop {
            let start = block.len();
            match self.read_some(block) {
                Ok(0) => self.is_ended = true,
                Ok(_) => {}
                Err(error) if self.is_tear(&error) => {
                    tear = Some(format!(
                        "{} is torn: {error}; what came before counts",
                        self.path.display()
                    ));
                    self.is_ended = true;
                }
                Err(error) => return Err(self.failed(&error).into()),
            }
            if self.is_ended || self.cut(block, start) {
                break;
            }
        }
        self.time = self.time.max(self.last_time(block));
        Ok(tear)
    }

    /// Reads up to a block's worth more.
    fn read_some(&mut self, block: &mut Vec<u8>) -> io::Result<usize> {
        let most = self
            .block_bytes
            .saturating_sub(block.len())
            .max(self.block_bytes / 4);
        let start = block.len();
        block.resize(start + most, 0);
        let mut end = start;
        // Blocks of a slow pipe leave as they come; those of a file are filled.
        let result = loop {
            match self.reader.read(&mut block[end..]) {
                Ok(0) => break Ok(()),
                Ok(count) => {
                    end += count;
                    let has_end = memchr::memchr(b'\n', &block[end - count..end]).is_some();
                    if end == block.len() || has_end {
                        break Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        block.truncate(end);
        result.map(|()| end - start)
    }

    /// Keeps what follows the last whole record for the next block; false while there is none.
    fn cut(&mut self, block: &mut Vec<u8>, start: usize) -> bool {
        let end = match self.decoder {
            None => memchr::memrchr(b'\n', &block[start..]).map(|at| at + 1),
            Some(_) => last_record_end(&block[start..], &mut self.place),
        };
        match end {
            Some(end) => {
                self.rest.extend_from_slice(&block[start + end..]);
                block.truncate(start + end);
                true
            }
            None => self.cut_long(block),
        }
    }

    /// A record beyond the limit: the block ends in it, a byte too long, and the rest of its line is passed over.
    fn cut_long(&mut self, block: &mut Vec<u8>) -> bool {
        if block.len() <= self.record_bytes_max {
            return false;
        }
        block.truncate(self.record_bytes_max + 1);
        self.place = Place::default();
        while let Ok(available) = self.reader.fill_buf() {
            let (count, is_end) = match memchr::memchr(b'\n', available) {
                Some(at) => (at + 1, true),
                None => (available.len(), available.is_empty()),
            };
            self.reader.consume(count);
            if is_end {
                break;
            }
        }
        true
    }

    /// The event time of the block's last record, if it has a valid one.
    fn last_time(&mut self, block: &[u8]) -> Option<TimeMs> {
        let text = block.trim_ascii_end();
        let tail = &text[memchr::memrchr(b'\n', text).map_or(0, |at| at + 1)..];
        match &self.decoder {
            None => self.json.decode(tail).ok().map(|record| record.event_time),
            Some(decoder) => {
                let mut decoder = CsvDecoder::clone(decoder);
                rows(tail)
                    .next()
                    .and_then(|row| decoder.decode(row).ok().map(|record| record.event_time))
            }
        }
    }
}
