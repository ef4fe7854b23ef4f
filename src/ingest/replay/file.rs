//! One file of records, cut into blocks at the ends of records.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use dataflows::event::TimeMs;

use super::{Format, Options};
use crate::exit::{Exit, Failure};
use crate::ingest::csv::{CsvDecoder, Place, last_record_end, rows};
use crate::ingest::json::JsonDecoder;

const GZIP: [u8; 2] = [0x1F, 0x8B];
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// Bytes that are looked at to tell what a file is; what is longer is read past this buffer.
const LOOK_BYTES: usize = 16 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A file that is being read.
pub(super) struct Opened {
    pub(super) partition: u32,
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
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
        let (reader, is_compressed) = open(path, options)?;
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
        if file.is_csv(options.format)? {
            file.read_header(options)?;
        }
        Ok(file)
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::read(&self.path, error)
    }

    fn is_csv(&mut self, format: Format) -> anyhow::Result<bool> {
        match format {
            Format::Json => Ok(false),
            Format::Csv => Ok(true),
            Format::Auto => self.looks_like_csv(),
        }
    }

    /// By its name; where that says nothing, CSV if no line of the first block opens an object. A first line alone
    /// decides nothing: it may be a bad record.
    fn looks_like_csv(&mut self) -> anyhow::Result<bool> {
        let name = self.path.to_string_lossy().to_ascii_lowercase();
        let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
        if [".json", ".jsonl", ".ndjson"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            return Ok(false);
        }
        if name.ends_with(".csv") {
            return Ok(true);
        }
        let start = self.reader.fill_buf().map(|start| {
            let text = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start);
            let mut lines = text
                .split(|&byte| byte == b'\n')
                .map(<[u8]>::trim_ascii_start);
            !text.trim_ascii().is_empty() && !lines.any(|line| line.starts_with(b"{"))
        });
        match start {
            // A tear is met again, and named, where blocks are read.
            Err(error) if self.is_tear(&error) => Ok(false),
            start => Ok(start.map_err(|error| self.failed(&error))?),
        }
    }

    fn read_header(&mut self, options: &Options) -> anyhow::Result<()> {
        let mut header = Vec::new();
        let most = self.record_bytes_max as u64;
        (&mut self.reader)
            .take(most)
            .read_until(b'\n', &mut header)
            .map_err(|error| self.failed(&error))?;
        let decoder = CsvDecoder::new(header.trim_ascii_end(), options.columns.as_ref())
            .map_err(|error| Failure::new(Exit::InputUnusable, error.to_string()))
            .with_context(|| format!("reading the header of {}", self.path.display()))?;
        self.decoder = Some(Arc::new(decoder));
        Ok(())
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

/// Opens a file, looks at its first bytes, and decompresses it if need be.
fn open(path: &Path, options: &Options) -> anyhow::Result<(Box<dyn BufRead + Send>, bool)> {
    let bytes: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        let file = File::open(path).map_err(|error| Failure::open(path, &error))?;
        let metadata = file
            .metadata()
            .map_err(|error| Failure::open(path, &error))?;
        if metadata.is_dir() {
            return Err(Failure::open(path, &io::ErrorKind::IsADirectory.into()).into());
        }
        options.progress.inc_length(metadata.len());
        Box::new(options.progress.wrap_read(file))
    };
    let mut bytes = BufReader::with_capacity(LOOK_BYTES, bytes);
    let start = bytes
        .fill_buf()
        .map_err(|error| Failure::read(path, &error))?;
    if start.starts_with(&GZIP) {
        let decoder = flate2::bufread::MultiGzDecoder::new(bytes);
        return Ok((
            Box::new(BufReader::with_capacity(LOOK_BYTES, decoder)),
            true,
        ));
    }
    if start.starts_with(&ZSTD) {
        let decoder = zstd::stream::read::Decoder::with_buffer(bytes)
            .map_err(|error| Failure::read(path, &error))?;
        return Ok((
            Box::new(BufReader::with_capacity(LOOK_BYTES, decoder)),
            true,
        ));
    }
    Ok((Box::new(bytes), false))
}
