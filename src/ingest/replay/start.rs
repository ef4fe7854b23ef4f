//! What a file is: its first bytes are looked at, and read again from the beginning.
//!
//! In: a path. Out: a reader of the text, unpacked, and whether that is CSV. What must hold: the same is found however few
//! bytes come at a time; none is lost; an error that is met in looking is met again in reading.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::Options;
use crate::exit::Failure;
use crate::ingest::csv::CsvDecoder;

const GZIP: [u8; 2] = [0x1F, 0x8B];
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// Most bytes that are looked at; those behind them are read past this buffer.
const LOOK_BYTES: usize = 16 * 1024;
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A file's text.
pub(super) type Text = Box<dyn BufRead + Send>;

/// A reader that begins with what was looked at.
pub(super) struct Looked<R> {
    start: Vec<u8>,
    read: usize,
    /// Met behind the start.
    error: Option<io::Error>,
    rest: R,
}

impl Looked<io::Empty> {
    /// What is left of a text that breaks off with an error.
    pub(super) fn torn(error: io::Error) -> Looked<io::Empty> {
        Looked {
            start: Vec::new(),
            read: 0,
            error: Some(error),
            rest: io::empty(),
        }
    }
}

impl<R: Read> Looked<R> {
    /// Looks at a reader's beginning until that `is_enough`.
    fn at(mut rest: R, is_enough: impl Fn(&[u8]) -> bool) -> Looked<R> {
        let (mut start, mut error) = (vec![0; LOOK_BYTES], None);
        let mut end = 0;
        while end < LOOK_BYTES && !is_enough(&start[..end]) {
            match rest.read(&mut start[end..]) {
                Ok(0) => break,
                Ok(count) => end += count,
                Err(met) if met.kind() == io::ErrorKind::Interrupted => {}
                Err(met) => {
                    error = Some(met);
                    break;
                }
            }
        }
        start.truncate(end);
        Looked {
            start,
            read: 0,
            error,
            rest,
        }
    }
}

impl<R: Read> Read for Looked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut start = &self.start[self.read..];
        if start.is_empty() {
            return match self.error.take() {
                Some(error) => Err(error),
                None => self.rest.read(out),
            };
        }
        let count = start.read(out)?;
        self.read += count;
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Looked<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read < self.start.len() {
            return Ok(&self.start[self.read..]);
        }
        match self.error.take() {
            Some(error) => Err(error),
            None => self.rest.fill_buf(),
        }
    }

    fn consume(&mut self, count: usize) {
        if self.read < self.start.len() {
            self.read += count;
        } else {
            self.rest.consume(count);
        }
    }
}

/// Opens a file and unpacks it if its first bytes say that it is packed; whether it is.
pub(super) fn open(path: &Path, options: &Options) -> anyhow::Result<(Text, bool)> {
    let bytes = BufReader::with_capacity(LOOK_BYTES, bytes(path, options)?);
    let bytes = Looked::at(bytes, |start| start.len() >= ZSTD.len());
    let unpacked: Box<dyn Read + Send> = if bytes.start.starts_with(&GZIP) {
        Box::new(flate2::bufread::MultiGzDecoder::new(bytes))
    } else if bytes.start.starts_with(&ZSTD) {
        let decoder = zstd::stream::read::Decoder::with_buffer(bytes)
            .map_err(|error| Failure::read(path, &error))?;
        Box::new(decoder)
    } else {
        return Ok((Box::new(bytes), false));
    };
    let text = BufReader::with_capacity(LOOK_BYTES, unpacked);
    Ok((Box::new(text), true))
}

fn bytes(path: &Path, options: &Options) -> anyhow::Result<Box<dyn Read + Send>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    let failed = |error: io::Error| Failure::open(path, &error);
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()).into());
    }
    options.progress.inc_length(metadata.len());
    Ok(Box::new(options.progress.wrap_read(file)))
}

/// Whether a name says that the file is CSV, or that it is not.
pub(super) fn is_csv_by_name(path: &Path) -> Option<bool> {
    let name = path.to_string_lossy().to_ascii_lowercase();
    let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
    let is_one_of = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    if is_one_of(&[".json", ".jsonl", ".ndjson"]) {
        return Some(false);
    }
    is_one_of(&[".csv"]).then_some(true)
}

/// Whether a text looks like CSV, and the text from its beginning. It does if its first line is a header, or has columns while
/// no line opens an object: a first line that is no header may be a bad record.
pub(super) fn looks_like_csv(text: Text, options: &Options) -> (bool, Text) {
    let columns = options.columns.as_ref();
    let is_header = |line: &[u8]| CsvDecoder::new(line, columns).is_ok();
    let looked = Looked::at(text, |start| {
        opens_object(start) || first_line(start).is_some_and(is_header)
    });
    let start = &looked.start[..];
    let line = first_line(start).unwrap_or(start);
    let is_csv = is_header(line) || has_columns(line) && !opens_object(start);
    (is_csv, Box::new(looked))
}

/// Whether a line is cut by what may part columns, also where that is no comma: it is refused as a header then, and told.
fn has_columns(line: &[u8]) -> bool {
    line.iter().any(|byte| b",;\t|".contains(byte))
}

/// Whether a line opens an object.
fn opens_object(start: &[u8]) -> bool {
    let text = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start);
    let mut lines = text.split(|&byte| byte == b'\n');
    lines.any(|line| line.trim_ascii_start().starts_with(b"{"))
}

/// The first line that is not blank, if its end is there.
fn first_line(start: &[u8]) -> Option<&[u8]> {
    let ended = &start[..memchr::memrchr(b'\n', start)?];
    let mut lines = ended.split(|&byte| byte == b'\n');
    lines.find_map(|line| Some(line.trim_ascii_end()).filter(|line| !line.is_empty()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::tests::{options, written};
    use super::*;

    const JSON: &str = "{\"event_type\":\"click\",\"event_time\":1700000000000}\n";

    /// One byte at a time.
    fn dripping(text: &[u8]) -> Text {
        Box::new(BufReader::with_capacity(1, io::Cursor::new(text.to_vec())))
    }

    #[test]
    fn the_same_is_found_however_few_bytes_come_at_a_time() {
        let long = "a".repeat(3 * LOOK_BYTES);
        for (text, is_csv) in [
            (JSON.to_owned(), false),
            (format!("\u{feff}{JSON}"), false),
            (format!("garbage\n{JSON}"), false),
            (format!("garbage, and more\n{JSON}"), false),
            (format!("{long}\n{JSON}"), false),
            ("garbage\n".to_owned(), false),
            (String::new(), false),
            (
                "user_id,ts,channel\nu,1700000000000,search\n".to_owned(),
                true,
            ),
            ("\u{feff}user_id,ts,channel\r\n".to_owned(), true),
            ("user_id,ts".to_owned(), true),
            ("\n\r\nuser_id,ts\nu,1700000000000\n".to_owned(), true),
            (format!("\n\n{JSON}"), false),
            ("who,when\nu,1700000000000\n".to_owned(), true),
            (
                "user_id;ts;channel\nu;1700000000000;search\n".to_owned(),
                true,
            ),
            ("ts\n1700000000000\n".to_owned(), true),
            ("user_id,ts\n{u},1700000000000\n".to_owned(), true),
            (format!("user_id,ts,{}\n", "c,".repeat(LOOK_BYTES)), true),
        ] {
            let whole: Text = Box::new(io::Cursor::new(text.clone().into_bytes()));
            for reader in [whole, dripping(text.as_bytes())] {
                let (found, mut reader) = looks_like_csv(reader, &options(Vec::new()));
                let mut read = Vec::new();
                reader.read_to_end(&mut read).unwrap();
                assert_eq!(
                    (found, read == text.as_bytes()),
                    (is_csv, true),
                    "{text:.40}"
                );
            }
        }
    }

    /// A header waits for no more bytes: a pipe may bring the first row much later.
    #[test]
    fn a_header_alone_is_enough() {
        let header = b"user_id,ts,channel\n";
        let then =
            io::Cursor::new(header.to_vec()).chain(Looked::torn(io::ErrorKind::Other.into()));
        let (is_csv, mut text) = looks_like_csv(Box::new(then), &options(Vec::new()));
        let mut line = Vec::new();
        text.read_until(b'\n', &mut line).unwrap();
        assert_eq!((is_csv, &line[..]), (true, &header[..]));
        assert!(text.fill_buf().is_err(), "what comes next is met next");
    }

    #[test]
    fn an_error_met_in_looking_is_met_in_reading() {
        let mut gzip = b"\x1F\x8B no such thing\n".to_vec();
        gzip.write_all(JSON.as_bytes()).unwrap();
        let file = written(&gzip);
        let options = options(vec![file.path().to_owned()]);
        let (text, is_packed) = open(file.path(), &options).unwrap();
        let (is_csv, mut text) = looks_like_csv(text, &options);
        assert_eq!((is_csv, is_packed), (false, true));
        assert!(text.read_to_end(&mut Vec::new()).is_err());
    }
}
