//! Reads the parts of an ordinary line: keys that are foreseen, strings without escapes, numbers without exponents.
//!
//! Everything else is `None`. What is rare is kept out of line and works on a copy of the scanner: the scanner itself
//! then stays in registers.

use dataflows::event::{EventType, Micros, TimeMs};
use serde_json::value::RawValue;

use super::full::{MAX_DEPTH, is_deeper};
use super::keys::{KeyOrder, Pattern, START};
use super::words::{LANES, eight_digits, far_special, first_special};
use crate::ingest::decimal::{is_within, parse_integer, parse_micros};
use crate::ingest::schema::MEASURE_LIMIT;
use crate::ingest::time::parse_time;

/// Where in a line a value stands: how many bytes of the line are left where it starts, and its length.
#[derive(Clone, Copy, Default)]
pub(super) struct Span {
    left: usize,
    pub(super) len: usize,
}

impl Span {
    #[inline(always)]
    pub(super) fn of(self, line: &str) -> Option<&str> {
        let start = line.len() - self.left;
        line.get(start..start + self.len)
    }
}

/// A place in a line. Every method leaves it behind what it read.
#[derive(Clone, Copy)]
pub(super) struct Scanner<'a> {
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
    pub(super) fn new(line: &'a str) -> Scanner<'a> {
        let rest = line.as_bytes();
        Scanner { line, rest }
    }

    /// Only the brace that closes an object is left.
    #[inline(always)]
    pub(super) fn is_last_brace(&self) -> bool {
        self.rest == b"}"
    }

    /// Reads on a copy of the place.
    #[inline(always)]
    pub(super) fn aside<T>(&mut self, read: impl FnOnce(&mut Scanner<'a>) -> T) -> T {
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
    pub(super) fn skip(&mut self, len: usize) -> Option<()> {
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
    pub(super) fn ahead(&self) -> u128 {
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
    pub(super) fn skip_spaced(&mut self, foreseen: &Pattern) -> bool {
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
    pub(super) fn first_key(&mut self, order: &mut KeyOrder) -> Option<&'static Pattern> {
        self.expect(b'{')?;
        self.spaced_key(order, START)
    }

    /// The next key, up to its value, with spaces or not foreseen; `Some(None)` at the end of the line.
    #[inline(never)]
    pub(super) fn next_key(
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
        Some(order.learn(last, key))
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
    pub(super) fn text(&mut self) -> Option<Span> {
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
    pub(super) fn event_type(&mut self) -> Option<EventType> {
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
    pub(super) fn time(&mut self) -> Option<TimeMs> {
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
    pub(super) fn money(&mut self) -> Option<Option<Micros>> {
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
    pub(super) fn integer(&mut self) -> Option<Option<i64>> {
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
    pub(super) fn measure(&mut self) -> Option<()> {
        self.skip_spaces();
        if self.peek() == b'n' {
            return self.null();
        }
        is_within(self.number()?.span.of(self.line)?, MEASURE_LIMIT).then_some(())
    }

    /// Any value; serde_json checks all but strings.
    #[inline(never)]
    pub(super) fn skip_value(&mut self) -> Option<()> {
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
