//! The fast way: a scanner that expects the keys in the order in which it last saw them.
//!
//! In: a line. Out: the record, or `None` for anything out of the ordinary (an escape, an exponent, a key given twice,
//! any invalid value), which the full way then looks at. What it takes, it must read as the full way does.

use dataflows::event::{EventType, Micros, TimeMs};
use serde_json::value::RawValue;

use super::full::{MAX_DEPTH, is_deeper};
use crate::ingest::decimal::{is_within, parse_integer, parse_micros};
use crate::ingest::record::Record;
use crate::ingest::schema::{FIELDS, Field, FieldKind, MEASURE_LIMIT, NAMES};
use crate::ingest::time::{is_valid, parse_time};

/// Stands behind the indices of [`NAMES`] for a key that is none of them.
const UNKNOWN: usize = NAMES.len();
/// Stands for the start of the line.
const START: usize = NAMES.len() + 1;

/// Which key followed which the last time: an index of [`NAMES`] by the index of the one before. A field that comes
/// and goes costs one look-up where it does, and the rest of the line is still foreseen.
#[derive(Debug)]
pub(super) struct KeyOrder([u8; NAMES.len() + 2]);

impl Default for KeyOrder {
    fn default() -> KeyOrder {
        KeyOrder([UNKNOWN as u8; NAMES.len() + 2])
    }
}

/// A key as it stands in a line, quotes and colon included.
#[derive(Clone, Copy)]
struct Pattern {
    bytes: u128,
    mask: u128,
    len: usize,
    field: Field,
    kind: FieldKind,
}

/// By the index of [`NAMES`].
const PATTERNS: [Pattern; NAMES.len()] = {
    let mut patterns = [pattern(0); NAMES.len()];
    let mut at = 1;
    while at < patterns.len() {
        patterns[at] = pattern(at);
        at += 1;
    }
    patterns
};

const fn pattern(at: usize) -> Pattern {
    let (name, field) = NAMES[at];
    let name = name.as_bytes();
    let mut bytes = [0; LANES];
    let mut i = 0;
    while i < name.len() {
        bytes[i + 1] = name[i];
        i += 1;
    }
    bytes[0] = b'"';
    bytes[name.len() + 1] = b'"';
    // Fails to compile for a name that is too long to be compared at once.
    bytes[name.len() + 2] = b':';
    let len = name.len() + 3;
    Pattern {
        bytes: u128::from_le_bytes(bytes),
        mask: u128::MAX >> (128 - 8 * len),
        len,
        field,
        kind: FIELDS[field as usize].kind,
    }
}

/// Decodes a line if it is valid and looks ordinary.
pub(super) fn scan<'a>(order: &mut KeyOrder, line: &'a str) -> Option<Record<'a>> {
    let mut scanner = Scanner {
        line,
        bytes: line.as_bytes(),
        at: 0,
    };
    let mut draft = Draft::default();
    let mut last = START;
    scanner.expect(b'{')?;
    loop {
        scanner.skip_spaces();
        last = scanner.key(order, last)?;
        scanner.skip_spaces();
        draft.take(last, &mut scanner)?;
        scanner.skip_spaces();
        match scanner.next()? {
            b',' => {}
            b'}' => break,
            _ => return None,
        }
    }
    scanner.skip_spaces();
    (scanner.at == line.len()).then(|| draft.record())?
}

/// What has been read of a record.
#[derive(Default)]
struct Draft<'a> {
    /// One bit for each field.
    seen: u32,
    /// By field; the others stay empty.
    texts: [&'a str; FIELDS.len()],
    event_type: Option<EventType>,
    time: Option<TimeMs>,
    sequence: Option<i64>,
    revenue: Option<Micros>,
    cost: Option<Micros>,
    unknown: u32,
}

impl<'a> Draft<'a> {
    /// Reads the value of a key.
    #[inline(always)]
    fn take(&mut self, name: usize, scanner: &mut Scanner<'a>) -> Option<()> {
        let Some(pattern) = PATTERNS.get(name) else {
            self.unknown = self.unknown.saturating_add(1);
            return scanner.skip_value();
        };
        let bit = 1 << pattern.field as u32;
        if self.seen & bit != 0 {
            return None;
        }
        self.seen |= bit;
        match pattern.kind {
            FieldKind::Text => self.texts[pattern.field as usize] = scanner.text()?,
            FieldKind::Type => {
                self.event_type = Some(EventType::parse(scanner.string()?.as_bytes())?)
            }
            FieldKind::Time => self.time = Some(scanner.time()?),
            FieldKind::Integer => self.sequence = scanner.integer()?,
            FieldKind::Money if matches!(pattern.field, Field::Revenue) => {
                self.revenue = scanner.money()?
            }
            FieldKind::Money => self.cost = scanner.money()?,
            FieldKind::Measure => scanner.measure()?,
            FieldKind::Ignored => scanner.skip_value()?,
        }
        Some(())
    }

    fn record(&self) -> Option<Record<'a>> {
        let text = |field: Field| Some(self.texts[field as usize]).filter(|text| !text.is_empty());
        Some(Record {
            event_type: self.event_type?,
            event_time: self.time.filter(|&time| is_valid(time))?,
            event_id: text(Field::EventId),
            user: text(Field::UserId).or(text(Field::AnonymousId)),
            advertiser: text(Field::Advertiser),
            campaign: text(Field::Campaign),
            channel: text(Field::Channel),
            sequence: self.sequence,
            revenue: self.revenue,
            cost: self.cost,
            touches: false,
            unknown_fields: self.unknown,
        })
    }
}

/// A place in a line. Every method leaves it behind what it read.
struct Scanner<'a> {
    line: &'a str,
    bytes: &'a [u8],
    at: usize,
}

/// A number as it is written, with its digits as one integer and how many of them stand behind the point.
struct Number<'a> {
    text: &'a str,
    negative: bool,
    digits: u64,
    places: usize,
}

impl<'a> Scanner<'a> {
    /// The next byte, 0 at the end (which JSON has nowhere outside strings).
    #[inline(always)]
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn next(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    #[inline(always)]
    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    #[inline(always)]
    fn skip_spaces(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r' | b'\n') {
            self.at += 1;
        }
    }

    /// A key and its colon; learns that it comes after `last`.
    #[inline(always)]
    fn key(&mut self, order: &mut KeyOrder, last: usize) -> Option<usize> {
        let foreseen = order.0[last] as usize;
        if let Some(pattern) = PATTERNS.get(foreseen) {
            let bytes = u128::from_le_bytes(chunk(self.bytes, self.at));
            if (bytes ^ pattern.bytes) & pattern.mask == 0 {
                self.at += pattern.len;
                return Some(foreseen);
            }
        }
        let found = self.spelled_key()?;
        order.0[last] = found as u8;
        Some(found)
    }

    #[inline(never)]
    fn spelled_key(&mut self) -> Option<usize> {
        let key = self.string()?;
        self.skip_spaces();
        self.expect(b':')?;
        Some(
            NAMES
                .iter()
                .position(|(name, _)| *name == key)
                .unwrap_or(UNKNOWN),
        )
    }

    /// A string without escapes.
    #[inline(always)]
    fn string(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            let end = first_special(chunk(self.bytes, self.at));
            self.at += end;
            if end < LANES {
                break;
            }
        }
        let text = self.line.get(start..self.at)?;
        self.expect(b'"')?;
        Some(text)
    }

    /// Text, or an integer as it is written; empty when absent.
    #[inline(always)]
    fn text(&mut self) -> Option<&'a str> {
        match self.peek() {
            b'"' => self.string(),
            b'n' => self.null().map(|()| ""),
            _ => self
                .number()
                .filter(|number| number.places == 0)
                .map(|number| number.text),
        }
    }

    fn null(&mut self) -> Option<()> {
        let found = self.bytes[self.at..].starts_with(b"null");
        self.at += 4;
        found.then_some(())
    }

    /// A number of at most 18 digits without an exponent.
    #[inline(always)]
    fn number(&mut self) -> Option<Number<'a>> {
        let start = self.at;
        let negative = self.peek() == b'-';
        self.at += usize::from(negative);
        let whole = self.at;
        let mut digits = self.digits(0);
        let written = self.at - whole;
        if written == 0 || (written > 1 && self.bytes[whole] == b'0') {
            return None;
        }
        let mut places = 0;
        if self.peek() == b'.' {
            self.at += 1;
            let point = self.at;
            digits = self.digits(digits);
            places = self.at - point;
            if places == 0 {
                return None;
            }
        }
        let text = self.line.get(start..self.at)?;
        (written + places <= 18).then_some(Number {
            text,
            negative,
            digits,
            places,
        })
    }

    /// Appends digits to a number; it wraps where they are too many.
    #[inline(always)]
    fn digits(&mut self, mut number: u64) -> u64 {
        loop {
            let digit = self.peek().wrapping_sub(b'0');
            if digit > 9 {
                return number;
            }
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
            self.at += 1;
        }
    }

    #[inline(always)]
    fn time(&mut self) -> Option<TimeMs> {
        if self.peek() == b'"' {
            return parse_time(self.string()?);
        }
        let number = self.number()?;
        if number.places == 0 {
            Some(number.value(number.digits as i64))
        } else {
            parse_time(number.text)
        }
    }

    fn integer(&mut self) -> Option<Option<i64>> {
        match self.peek() {
            b'n' => self.null().map(|()| None),
            b'"' => absent_or(self.string()?, parse_integer),
            _ => {
                let number = self.number()?;
                if number.places > 0 {
                    return parse_integer(number.text).map(Some);
                }
                Some(Some(number.value(number.digits as i64)))
            }
        }
    }

    #[inline(always)]
    fn money(&mut self) -> Option<Option<Micros>> {
        match self.peek() {
            b'n' => self.null().map(|()| None),
            b'"' => absent_or(self.string()?, parse_micros),
            _ => self.number()?.micros().map(Some),
        }
    }

    fn measure(&mut self) -> Option<()> {
        if self.peek() == b'n' {
            return self.null();
        }
        let number = self.number()?;
        is_within(number.text, MEASURE_LIMIT).then_some(())
    }

    /// Any value; serde_json checks all but strings.
    fn skip_value(&mut self) -> Option<()> {
        if self.peek() == b'"' {
            return self.string().map(drop);
        }
        let rest = self.line.get(self.at..)?;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        let value = values.next()?.ok()?.get();
        self.at += values.byte_offset();
        (!is_deeper(value.as_bytes(), MAX_DEPTH - 1)).then_some(())
    }
}

/// Empty text is an absent value.
fn absent_or<T>(text: &str, parse: fn(&str) -> Option<T>) -> Option<Option<T>> {
    if text.is_empty() {
        Some(None)
    } else {
        parse(text).map(Some)
    }
}

impl Number<'_> {
    fn value(&self, magnitude: i64) -> i64 {
        if self.negative { -magnitude } else { magnitude }
    }

    #[inline(always)]
    fn micros(&self) -> Option<Micros> {
        const SCALE: [u64; 7] = [1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
        match SCALE.get(self.places) {
            // Within the limit, however few of the digits stand behind the point.
            Some(scale) if self.digits <= 1_000_000_000 => {
                Some(self.value((self.digits * scale) as i64))
            }
            _ => parse_micros(self.text),
        }
    }
}

/// Bytes that are looked at together.
const LANES: usize = 16;

/// The bytes from `at`, zeros behind the end.
#[inline(always)]
fn chunk(bytes: &[u8], at: usize) -> [u8; LANES] {
    match bytes.get(at..at + LANES) {
        Some(chunk) => chunk.try_into().unwrap_or_default(),
        None => last_chunk(bytes, at),
    }
}

#[cold]
fn last_chunk(bytes: &[u8], at: usize) -> [u8; LANES] {
    let mut chunk = [0; LANES];
    let rest = bytes.get(at..).unwrap_or_default();
    chunk[..rest.len()].copy_from_slice(rest);
    chunk
}

/// The place of the first quote, backslash or control character; [`LANES`] if there is none.
#[inline(always)]
fn first_special(chunk: [u8; LANES]) -> usize {
    const ONES: u128 = u128::from_le_bytes([1; LANES]);
    const HIGH: u128 = ONES << 7;
    let bytes = u128::from_le_bytes(chunk);
    let zeros = |bytes: u128| bytes.wrapping_sub(ONES) & !bytes;
    let quotes = zeros(bytes ^ (ONES * b'"' as u128));
    let backslashes = zeros(bytes ^ (ONES * b'\\' as u128));
    let controls = bytes.wrapping_sub(ONES * 0x20) & !bytes;
    // A borrow can only mark bytes above one that is rightly marked, so the lowest mark is right.
    let marks = (quotes | backslashes | controls) & HIGH;
    marks.trailing_zeros() as usize / 8
}
