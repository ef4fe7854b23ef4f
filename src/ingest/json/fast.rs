//! The fast way: a scanner that expects the keys in the order in which it last saw them.
//!
//! In: a line. Out: the record, or `None` for anything out of the ordinary (an escape, an exponent, a key given twice,
//! any invalid value), which the full way then looks at. What it takes, it must read as the full way does.
//! What is rare is kept out of line, and works on a copy of the scanner: the scanner itself then stays in registers.

use dataflows::event::{EventType, Micros, TimeMs};
use serde_json::value::RawValue;

use super::full::{MAX_DEPTH, is_deeper};
use crate::ingest::decimal::{is_within, parse_integer, parse_micros};
use crate::ingest::record::Record;
use crate::ingest::schema::{FIELDS, Field, FieldKind, MEASURE_LIMIT, NAMES};
use crate::ingest::time::{is_valid, parse_time};

/// Bytes that are looked at together.
const LANES: usize = 16;
/// A one in each byte of a word.
const ONES: u64 = u64::from_le_bytes([1; 8]);
/// Room for the indices of [`NAMES`] and of what stands for no name; a power of two, so that a mask bounds them.
const SLOTS: usize = 32;
/// A key that is none of [`NAMES`].
const UNKNOWN: usize = NAMES.len();
/// The start of a line.
const START: usize = NAMES.len() + 1;

/// Which key followed which the last time: an index of [`PATTERNS`] by the index of the one before. A field that comes
/// and goes costs one look-up where it does, and the rest of the line is still foreseen.
#[derive(Debug)]
pub(super) struct KeyOrder([u8; SLOTS]);

impl Default for KeyOrder {
    fn default() -> KeyOrder {
        KeyOrder([UNKNOWN as u8; SLOTS])
    }
}

impl KeyOrder {
    /// What followed the last time.
    #[inline(always)]
    fn after(&self, index: usize) -> &'static Pattern {
        &PATTERNS[usize::from(self.0[index % SLOTS]) % SLOTS]
    }
}

/// A key as it stands in a line, from the comma before it to the colon behind.
#[derive(Clone, Copy)]
struct Pattern {
    bytes: u128,
    mask: u128,
    len: usize,
    /// One bit for each field; none for an unknown key.
    bit: u32,
    index: u8,
    field: Field,
    kind: FieldKind,
}

/// By the index of [`NAMES`], and behind them for an unknown key.
static PATTERNS: [Pattern; SLOTS] = {
    let mut patterns = [pattern(UNKNOWN); SLOTS];
    let mut at = 0;
    while at < NAMES.len() {
        patterns[at] = pattern(at);
        at += 1;
    }
    patterns
};

const fn pattern(index: usize) -> Pattern {
    if index == UNKNOWN {
        // No text has such bytes: it never is where it is expected.
        let (bytes, mask) = (u128::MAX, u128::MAX);
        let (field, kind) = (Field::Attributes, FieldKind::Ignored);
        return Pattern {
            bytes,
            mask,
            len: LANES,
            bit: 0,
            index: UNKNOWN as u8,
            field,
            kind,
        };
    }
    let (name, field) = NAMES[index];
    let name = name.as_bytes();
    let mut bytes = [0; LANES];
    bytes[0] = b',';
    bytes[1] = b'"';
    let mut i = 0;
    while i < name.len() {
        bytes[i + 2] = name[i];
        i += 1;
    }
    bytes[name.len() + 2] = b'"';
    // Fails to compile for a name that is too long to be compared at once.
    bytes[name.len() + 3] = b':';
    let len = name.len() + 4;
    Pattern {
        bytes: u128::from_le_bytes(bytes),
        mask: u128::MAX >> (128 - 8 * len),
        len,
        bit: 1 << field as u32,
        index: index as u8,
        field,
        kind: FIELDS[field as usize].kind,
    }
}

impl Pattern {
    /// Whether these bytes are it, with `first` in the place of the comma.
    #[inline(always)]
    fn is(&self, bytes: u128, first: u8) -> bool {
        let expected = self.bytes ^ u128::from(first ^ b',');
        (bytes ^ expected) & self.mask == 0
    }

    /// Whether these bytes are it without the comma.
    #[inline(always)]
    fn is_bare(&self, bytes: u128) -> bool {
        (bytes ^ (self.bytes >> 8)) & (self.mask >> 8) == 0
    }
}

/// Decodes a line if it is valid and looks ordinary.
pub(super) fn scan<'a>(order: &mut KeyOrder, line: &'a str) -> Option<Record<'a>> {
    let mut scanner = Scanner {
        line,
        rest: line.as_bytes(),
    };
    let mut draft = Draft::default();
    let mut pattern = order.after(START);
    if pattern.is(scanner.ahead(), b'{') {
        scanner.skip(pattern.len)?;
    } else {
        pattern = scanner.aside(|aside| aside.first_key(order))?;
    }
    loop {
        if draft.seen & pattern.bit != 0 {
            return None;
        }
        draft.seen |= pattern.bit;
        draft.take(pattern, &mut scanner)?;
        let foreseen = order.after(usize::from(pattern.index));
        if foreseen.is(scanner.ahead(), b',') {
            scanner.skip(foreseen.len)?;
            pattern = foreseen;
        } else if scanner.skip_spaced(foreseen) {
            pattern = foreseen;
        } else if scanner.rest == b"}" {
            return draft.record(line);
        } else {
            match scanner.aside(|aside| aside.next_key(order, pattern))? {
                Some(next) => pattern = next,
                None => return draft.record(line),
            }
        }
    }
}

/// Where in a line a value stands: how many bytes of the line are left where it starts, and its length.
#[derive(Clone, Copy, Default)]
struct Span {
    left: usize,
    len: usize,
}

impl Span {
    #[inline(always)]
    fn of(self, line: &str) -> Option<&str> {
        let start = line.len() - self.left;
        line.get(start..start + self.len)
    }
}

/// Texts that a record keeps: the fields before this one, some of which are no texts.
const KEPT: usize = Field::Channel as usize + 1;

/// What has been read of a record.
#[derive(Default)]
struct Draft {
    /// By [`Pattern::bit`].
    seen: u32,
    /// By field; of length 0 where absent.
    texts: [Span; KEPT],
    event_type: Option<EventType>,
    time: Option<TimeMs>,
    sequence: Option<i64>,
    revenue: Option<Micros>,
    cost: Option<Micros>,
    unknown: u32,
}

impl Draft {
    /// Reads the value of a key.
    #[inline(always)]
    fn take(&mut self, pattern: &Pattern, scanner: &mut Scanner) -> Option<()> {
        if pattern.kind == FieldKind::Text {
            let text = scanner.text()?;
            if let Some(kept) = self.texts.get_mut(pattern.field as usize) {
                *kept = text;
            }
            return Some(());
        }
        match pattern.kind {
            FieldKind::Type => self.event_type = Some(scanner.event_type()?),
            FieldKind::Time => self.time = Some(scanner.time()?),
            FieldKind::Integer => self.sequence = scanner.aside(Scanner::integer)?,
            FieldKind::Money if pattern.field == Field::Revenue => {
                self.revenue = scanner.money()?
            }
            FieldKind::Money => self.cost = scanner.money()?,
            FieldKind::Measure => scanner.aside(Scanner::measure)?,
            FieldKind::Ignored | FieldKind::Text => {
                self.unknown += u32::from(pattern.bit == 0);
                scanner.aside(Scanner::skip_value)?;
            }
        }
        Some(())
    }

    #[inline(always)]
    fn record<'a>(&self, line: &'a str) -> Option<Record<'a>> {
        let text = |field: Field| match self.texts[field as usize] {
            Span { len: 0, .. } => None,
            text => text.of(line),
        };
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
#[derive(Clone, Copy)]
struct Scanner<'a> {
    line: &'a str,
    /// The bytes of the line from the place on.
    rest: &'a [u8],
}

/// A number as it is written, with its digits as one integer and how many of them stand behind the point.
struct Number {
    span: Span,
    negative: bool,
    digits: u64,
    places: usize,
}

impl<'a> Scanner<'a> {
    /// Reads on a copy of the place.
    #[inline(always)]
    fn aside<T>(&mut self, read: impl FnOnce(&mut Scanner<'a>) -> T) -> T {
        let mut aside = *self;
        let value = read(&mut aside);
        self.rest = aside.rest;
        value
    }

    /// The next byte, 0 at the end (which JSON has nowhere outside strings).
    #[inline(always)]
    fn peek(&self) -> u8 {
        self.rest.first().copied().unwrap_or(0)
    }

    #[inline(always)]
    fn skip(&mut self, len: usize) -> Option<()> {
        self.rest = self.rest.get(len..)?;
        Some(())
    }

    #[inline(always)]
    fn expect(&mut self, byte: u8) -> Option<()> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        (*first == byte).then_some(())
    }

    fn skip_spaces(&mut self) {
        while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// The bytes from here on, zeros behind the end.
    #[inline(always)]
    fn ahead(&self) -> u128 {
        if let Some(chunk) = self.rest.first_chunk() {
            return u128::from_le_bytes(*chunk);
        }
        // The end of the line, moved down over what is behind this place.
        let end = self
            .line
            .as_bytes()
            .last_chunk()
            .copied()
            .unwrap_or_default();
        let behind = 8 * (LANES - self.rest.len()) as u32;
        u128::from_le_bytes(end).checked_shr(behind).unwrap_or(0)
    }

    /// Skips a key as many programs write it, with a space before and behind.
    #[inline(always)]
    fn skip_spaced(&mut self, foreseen: &Pattern) -> bool {
        let Some(key) = self.rest.strip_prefix(b", ") else {
            return false;
        };
        let ahead = Scanner { rest: key, ..*self }.ahead();
        // The pattern counts a comma, here it is the space behind.
        let found = foreseen.is_bare(ahead) && key.get(foreseen.len - 1) == Some(&b' ');
        found && self.skip(2 + foreseen.len).is_some()
    }

    /// The first key of a line, up to its value.
    #[inline(never)]
    fn first_key(&mut self, order: &mut KeyOrder) -> Option<&'static Pattern> {
        self.expect(b'{')?;
        self.spaced_key(order, START)
    }

    /// The next key, up to its value, with spaces or not foreseen; `Some(None)` at the end of the line.
    #[inline(never)]
    fn next_key(
        &mut self,
        order: &mut KeyOrder,
        last: &Pattern,
    ) -> Option<Option<&'static Pattern>> {
        self.skip_spaces();
        if self.peek() == b'}' {
            self.skip(1)?;
            self.skip_spaces();
            return self.rest.is_empty().then_some(None);
        }
        self.expect(b',')?;
        self.spaced_key(order, usize::from(last.index)).map(Some)
    }

    /// A key without the comma before it; learns that it comes after `last`.
    #[inline(always)]
    fn spaced_key(&mut self, order: &mut KeyOrder, last: usize) -> Option<&'static Pattern> {
        self.skip_spaces();
        let foreseen = order.after(last);
        if foreseen.is_bare(self.ahead()) {
            self.skip(foreseen.len - 1)?;
            self.skip_spaces();
            return Some(foreseen);
        }
        let key = self.string()?;
        self.skip_spaces();
        self.expect(b':')?;
        self.skip_spaces();
        let key = key.of(self.line)?;
        let found = NAMES.iter().position(|(name, _)| *name == key);
        let index = found.unwrap_or(UNKNOWN);
        order.0[last] = index as u8;
        Some(&PATTERNS[index])
    }

    /// A string without escapes: what is between its quotes.
    #[inline(always)]
    fn string(&mut self) -> Option<Span> {
        self.expect(b'"')?;
        let left = self.rest.len();
        let len = match self.rest.first_chunk().map(first_special) {
            Some(place) if place < LANES => place,
            _ => far_special(self.rest),
        };
        self.skip(len)?;
        self.expect(b'"')?;
        Some(Span { left, len })
    }

    /// Text, or an integer as it is written; of length 0 when absent.
    #[inline(always)]
    fn text(&mut self) -> Option<Span> {
        if self.peek() == b'"' {
            self.string()
        } else {
            self.aside(Scanner::other_text)
        }
    }

    #[inline(never)]
    fn other_text(&mut self) -> Option<Span> {
        self.skip_spaces();
        match self.peek() {
            b'"' => self.string(),
            b'n' => self.null().map(|()| Span::default()),
            _ => {
                let number = self.number()?;
                (number.places == 0).then_some(number.span)
            }
        }
    }

    #[inline(always)]
    fn event_type(&mut self) -> Option<EventType> {
        if self.peek() != b'"' {
            self.skip_spaces();
        }
        let name = self.string()?;
        let start = self.line.len() - name.left;
        EventType::parse(self.line.as_bytes().get(start..start + name.len)?)
    }

    fn null(&mut self) -> Option<()> {
        self.rest = self.rest.strip_prefix(b"null")?;
        Some(())
    }

    /// A number of at most 18 digits without an exponent.
    #[inline(always)]
    fn number(&mut self) -> Option<Number> {
        let left = self.rest.len();
        let negative = self.peek() == b'-';
        self.skip(usize::from(negative))?;
        let zero = self.peek() == b'0';
        let (whole, mut digits) = self.digits(0);
        let mut places = 0;
        if self.peek() == b'.' {
            self.skip(1)?;
            (places, digits) = self.digits(digits);
            if places == 0 {
                return None;
            }
        }
        if whole == 0 || (whole > 1 && zero) || whole + places > 18 {
            return None;
        }
        let span = Span {
            left,
            len: left - self.rest.len(),
        };
        Some(Number {
            span,
            negative,
            digits,
            places,
        })
    }

    /// Appends digits to a number, which wraps where they are too many; says how many they are.
    #[inline(always)]
    fn digits(&mut self, mut number: u64) -> (usize, u64) {
        let before = self.rest.len();
        while let Some(chunk) = self.rest.first_chunk()
            && let Some(eight) = eight_digits(u64::from_le_bytes(*chunk))
        {
            number = number.wrapping_mul(100_000_000).wrapping_add(eight);
            self.rest = &self.rest[8..];
        }
        while let Some((digit, rest)) = self.rest.split_first()
            && digit.is_ascii_digit()
        {
            number = number
                .wrapping_mul(10)
                .wrapping_add(u64::from(digit - b'0'));
            self.rest = rest;
        }
        (before - self.rest.len(), number)
    }

    #[inline(always)]
    fn time(&mut self) -> Option<TimeMs> {
        if !self.peek().is_ascii_digit() {
            return self.aside(Scanner::other_time);
        }
        let number = self.number()?;
        if number.places == 0 {
            Some(number.digits as i64)
        } else {
            parse_time(number.span.of(self.line)?)
        }
    }

    #[inline(never)]
    fn other_time(&mut self) -> Option<TimeMs> {
        self.skip_spaces();
        if self.peek() == b'"' {
            return parse_time(self.string()?.of(self.line)?);
        }
        parse_time(self.number()?.span.of(self.line)?)
    }

    #[inline(always)]
    fn money(&mut self) -> Option<Option<Micros>> {
        if !self.peek().is_ascii_digit() {
            return self.aside(|aside| aside.other_number(parse_micros));
        }
        let number = self.number()?;
        match number.micros() {
            Some(micros) => Some(Some(micros)),
            None => parse_micros(number.span.of(self.line)?).map(Some),
        }
    }

    #[inline(never)]
    fn integer(&mut self) -> Option<Option<i64>> {
        self.other_number(parse_integer)
    }

    /// A number, also as text; null and empty text are an absent value.
    #[inline(never)]
    fn other_number(&mut self, parse: fn(&str) -> Option<i64>) -> Option<Option<i64>> {
        self.skip_spaces();
        let span = match self.peek() {
            b'n' => return self.null().map(|()| None),
            b'"' => self.string()?,
            _ => self.number()?.span,
        };
        match span.of(self.line)? {
            "" => Some(None),
            text => parse(text).map(Some),
        }
    }

    #[inline(never)]
    fn measure(&mut self) -> Option<()> {
        self.skip_spaces();
        if self.peek() == b'n' {
            return self.null();
        }
        is_within(self.number()?.span.of(self.line)?, MEASURE_LIMIT).then_some(())
    }

    /// Any value; serde_json checks all but strings.
    #[inline(never)]
    fn skip_value(&mut self) -> Option<()> {
        self.skip_spaces();
        if self.peek() == b'"' {
            return self.string().map(drop);
        }
        let rest = self.line.get(self.line.len() - self.rest.len()..)?;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        let value = values.next()?.ok()?.get();
        self.skip(values.byte_offset())?;
        (!is_deeper(value.as_bytes(), MAX_DEPTH - 1)).then_some(())
    }
}

impl Number {
    /// Micro-units of an ordinary amount, which has no sign.
    #[inline(always)]
    fn micros(&self) -> Option<Micros> {
        const SCALE: [u64; 7] = [1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
        // Up to a billion it is within the limit, however few of the digits stand behind the point.
        let ordinary = !self.negative && self.digits <= 1_000_000_000;
        let scale = SCALE.get(self.places).filter(|_| ordinary)?;
        Some((self.digits * scale) as Micros)
    }
}

/// The place of the first special byte, however far it is.
#[inline(never)]
fn far_special(text: &[u8]) -> usize {
    let mut rest = text;
    while let Some((chunk, behind)) = rest.split_first_chunk()
        && first_special(chunk) == LANES
    {
        rest = behind;
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    text.len() - rest.len() + rest.iter().position(special).unwrap_or(rest.len())
}

/// The place of the first quote, backslash or control character; [`LANES`] if there is none.
#[inline(always)]
fn first_special(chunk: &[u8; LANES]) -> usize {
    // Words, not vectors: a mask is out of a vector only by way of memory, and the next key waits for it.
    let bytes = u128::from_le_bytes(*chunk);
    let (low, high) = (
        special_marks(bytes as u64),
        special_marks((bytes >> 64) as u64),
    );
    let (low_place, high_place) = (low.trailing_zeros(), 64 + high.trailing_zeros());
    (if low == 0 { high_place } else { low_place }) as usize / 8
}

/// The high bit of the first special byte; bits above it mean nothing.
#[inline(always)]
fn special_marks(bytes: u64) -> u64 {
    let zeros = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    let quotes = zeros(bytes ^ (ONES * b'"' as u64));
    let backslashes = zeros(bytes ^ (ONES * b'\\' as u64));
    let controls = bytes.wrapping_sub(ONES * 0x20) & !bytes;
    // A borrow only reaches bytes above one that is rightly marked, so the lowest mark is right.
    (quotes | backslashes | controls) & (ONES << 7)
}

/// The number that eight digits make, if all are.
#[inline(always)]
fn eight_digits(bytes: u64) -> Option<u64> {
    let digits = bytes ^ (ONES * b'0' as u64);
    // The high bit of a byte above 9; a carry can only come from such a byte.
    if (digits.wrapping_add(ONES * 0x76) | digits) & (ONES << 7) != 0 {
        return None;
    }
    // The first digit is the lowest byte. Neighbours are added up, three times.
    let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours * 10_000 + (fours >> 32)) & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_special_byte_is_found(text in prop::collection::vec(any::<u8>(), 0..60), clean in 0..60usize) {
            let clean = clean.min(text.len());
            let mut text = text;
            text[..clean].fill(b'x');
            let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
            let first = text.iter().position(special);
            prop_assert_eq!(far_special(&text), first.unwrap_or(text.len()));
            if let Some(chunk) = text.first_chunk() {
                prop_assert_eq!(first_special(chunk), first.unwrap_or(LANES).min(LANES));
            }
        }

        #[test]
        fn eight_digits_are_read(bytes: [u8; 8], digits in "[0-9]{8}", at in 0..8usize, byte: u8) {
            let mut mutated: [u8; 8] = digits.as_bytes().try_into().unwrap();
            mutated[at] = byte;
            for bytes in [bytes, mutated] {
                let text = std::str::from_utf8(&bytes).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
                prop_assert_eq!(eight_digits(u64::from_le_bytes(bytes)), text.map(|text| text.parse().unwrap()));
            }
        }
    }
}
