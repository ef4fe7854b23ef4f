//! Rows of CSV to records.
//!
//! In: a header, optionally which column means what, and one raw row at a time. Out: a [`Record`] that borrows from the
//! row, or from the decoder where quotes had to be resolved, or the [`Reason`] why there is none. Of several reasons
//! the first of this order counts: encoding, syntax, bad text, bad number, missing type, unknown type, missing time,
//! bad time, time range. An empty cell is an absent value.

mod columns;
mod rows;

use csv_core::{ReadRecordResult, ReaderBuilder, Terminator};
use dataflows::event::{EventType, Micros};

pub use self::columns::{CellKind, Columns, ColumnsError};
pub use self::rows::{Place, last_record_end, rows};

use super::decimal::{parse_integer, parse_micros};
use super::record::{Reason, Record};
use super::time::event_time;

/// What a conversion is worth in a file that has no column for it: one unit.
const DEFAULT_VALUE: Micros = 1_000_000;

/// Decodes row by row.
#[derive(Debug)]
pub struct CsvDecoder {
    /// What each column means; `None` for one that is ignored.
    kinds: Vec<Option<CellKind>>,
    /// By [`CellKind`]: whether the file has it.
    has: [bool; CellKind::COUNT],
    reader: csv_core::Reader,
    /// A row without its quotes, and where its cells end.
    unquoted: Vec<u8>,
    ends: Vec<usize>,
}

impl Clone for CsvDecoder {
    /// With a reader of its own: a clone of a csv-core 0.1 reader lacks most of its tables and misreads quotes.
    fn clone(&self) -> CsvDecoder {
        CsvDecoder {
            kinds: self.kinds.clone(),
            has: self.has,
            reader: row_reader(),
            unquoted: Vec::new(),
            ends: self.ends.clone(),
        }
    }
}

impl CsvDecoder {
    /// A decoder for files with this header line. Without `columns` the columns are known by their names.
    pub fn new(header: &[u8], columns: Option<&Columns>) -> Result<CsvDecoder, ColumnsError> {
        let names = columns::header_names(header)?;
        let kinds = match columns {
            Some(columns) => columns.kinds(&names)?,
            None => columns::known_kinds(&names)?,
        };
        let mut has = [false; CellKind::COUNT];
        for kind in kinds.iter().flatten() {
            has[*kind as usize] = true;
        }
        Ok(CsvDecoder {
            // One more, to tell a row that is too wide.
            ends: vec![0; kinds.len() + 1],
            kinds,
            has,
            reader: row_reader(),
            unquoted: Vec::new(),
        })
    }

    /// Decodes a row, with or without its line end, that may not be UTF-8.
    pub fn decode<'a>(&'a mut self, row: &'a [u8]) -> Result<Record<'a>, Reason> {
        self.decode_str(simdutf8::basic::from_utf8(row).map_err(|_| Reason::Encoding)?)
    }

    /// Decodes a row of a block that was validated as a whole.
    pub fn decode_str<'a>(&'a mut self, row: &'a str) -> Result<Record<'a>, Reason> {
        let row = row.strip_suffix('\n').unwrap_or(row);
        let row = row.strip_suffix('\r').unwrap_or(row);
        let cells = if memchr::memchr(b'"', row.as_bytes()).is_some() {
            self.unquote(row)?;
            let text = simdutf8::basic::from_utf8(&self.unquoted).map_err(|_| Reason::Encoding)?;
            Cells::new(
                &self.kinds,
                self.has,
                text,
                self.ends[..self.kinds.len()].iter().copied(),
                0,
            )
        } else {
            let commas = memchr::memchr_iter(b',', row.as_bytes());
            Cells::new(&self.kinds, self.has, row, commas.chain([row.len()]), 1)
        };
        cells.ok_or(Reason::Syntax)?.record()
    }

    /// Resolves the quotes of a row into `unquoted` and `ends`.
    fn unquote(&mut self, row: &str) -> Result<(), Reason> {
        if rows::ends_in_quotes(row.as_bytes()) {
            return Err(Reason::Syntax);
        }
        self.unquoted.resize(row.len(), 0);
        self.reader.reset();
        let (result, read, written, cells) =
            self.reader
                .read_record(row.as_bytes(), &mut self.unquoted, &mut self.ends);
        if result != ReadRecordResult::InputEmpty || read < row.len() {
            return Err(Reason::Syntax);
        }
        // No more input is the end of the row.
        let (result, _, more, last) =
            self.reader
                .read_record(&[], &mut self.unquoted[written..], &mut self.ends[cells..]);
        self.unquoted.truncate(written + more);
        let complete = result == ReadRecordResult::Record && cells + last == self.kinds.len();
        complete.then_some(()).ok_or(Reason::Syntax)
    }
}

fn row_reader() -> csv_core::Reader {
    ReaderBuilder::new()
        .terminator(Terminator::Any(b'\n'))
        .build()
}

/// The cells of a row that mean something, by [`CellKind`].
struct Cells<'a> {
    texts: [&'a str; CellKind::COUNT],
    has: [bool; CellKind::COUNT],
}

impl<'a> Cells<'a> {
    /// Of a row whose cells end at `ends` and lie `apart`; `None` when there are more or fewer than columns.
    #[inline(always)]
    fn new(
        kinds: &[Option<CellKind>],
        has: [bool; CellKind::COUNT],
        row: &'a str,
        ends: impl Iterator<Item = usize>,
        apart: usize,
    ) -> Option<Cells<'a>> {
        let mut cells = Cells {
            texts: [""; CellKind::COUNT],
            has,
        };
        let mut kinds = kinds.iter();
        let mut start = 0;
        for end in ends {
            if let Some(kind) = kinds.next()? {
                cells.texts[*kind as usize] = row.get(start..end)?;
            }
            start = end + apart;
        }
        kinds.next().is_none().then_some(cells)
    }

    fn record(&self) -> Result<Record<'a>, Reason> {
        // In the order of the reasons.
        let converts = self.converts()?;
        let sequence = self.number(CellKind::Sequence, parse_integer)?;
        let value = self.number(CellKind::Value, parse_micros)?;
        let cost = self.number(CellKind::Cost, parse_micros)?;
        let (event_type, touches) = self.event_type(converts)?;
        let time = self.text(CellKind::Time).ok_or(Reason::MissingTime)?;
        Ok(Record {
            event_type,
            event_time: event_time(time)?,
            event_id: self.text(CellKind::Id),
            user: self.text(CellKind::User).or(self.text(CellKind::Anonymous)),
            advertiser: self.text(CellKind::Advertiser),
            campaign: self.text(CellKind::Campaign),
            channel: self.text(CellKind::Channel),
            sequence,
            revenue: if event_type == EventType::Conversion {
                Some(self.worth(value))
            } else {
                value
            },
            cost,
            touches,
            unknown_fields: 0,
        })
    }

    fn text(&self, kind: CellKind) -> Option<&'a str> {
        Some(self.texts[kind as usize]).filter(|text| !text.is_empty())
    }

    fn number(
        &self,
        kind: CellKind,
        parse: fn(&str) -> Option<i64>,
    ) -> Result<Option<i64>, Reason> {
        self.text(kind)
            .map(|text| parse(text).ok_or(Reason::BadNumber))
            .transpose()
    }

    fn converts(&self) -> Result<bool, Reason> {
        let text = self.texts[CellKind::Conversion as usize];
        match text {
            "0" | "" => return Ok(false),
            "1" => return Ok(true),
            _ => {}
        }
        let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
        match () {
            () if is(&["false", "no"]) => Ok(false),
            () if is(&["true", "yes"]) => Ok(true),
            () => Err(Reason::BadText),
        }
    }

    /// The type, and whether the row is a touch besides.
    fn event_type(&self, converts: bool) -> Result<(EventType, bool), Reason> {
        let (event_type, alone) = self.own_type()?;
        match event_type {
            EventType::Conversion => Ok((event_type, !alone)),
            _ if converts => Ok((EventType::Conversion, true)),
            _ => Ok((event_type, false)),
        }
    }

    /// What the row says about its type, and whether a conversion there stands alone, without a touch.
    fn own_type(&self) -> Result<(EventType, bool), Reason> {
        if self.has[CellKind::Type as usize] {
            return Ok((self.named_type(CellKind::Type)?, true));
        }
        if !self.has[CellKind::Interaction as usize] {
            return Ok((EventType::AdImpression, false));
        }
        let event_type = self.named_type(CellKind::Interaction)?;
        match event_type {
            EventType::AdImpression | EventType::AdClick | EventType::Conversion => {
                Ok((event_type, false))
            }
            _ => Err(Reason::UnknownType),
        }
    }

    fn named_type(&self, kind: CellKind) -> Result<EventType, Reason> {
        let name = self.text(kind).ok_or(Reason::MissingType)?;
        EventType::parse(name.as_bytes()).ok_or(Reason::UnknownType)
    }

    /// What a conversion is worth.
    fn worth(&self, value: Option<Micros>) -> Micros {
        let default = if self.has[CellKind::Value as usize] {
            0
        } else {
            DEFAULT_VALUE
        };
        value.unwrap_or(default)
    }
}

#[cfg(test)]
mod tests;
