//! The full way: any JSON, and the reason why a line is no record.

use std::fmt;
use std::ops::Range;

use dataflows::event::{EventType, Micros, TimeMs};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::ingest::decimal::{is_within, parse_integer, parse_micros};
use crate::ingest::record::{Reason, Record};
use crate::ingest::schema::{FIELDS, Field, FieldKind, MEASURE_LIMIT};
use crate::ingest::time::event_time;

/// Levels of nesting that a line may have, its own object included.
pub(super) const MAX_DEPTH: usize = 32;

/// Decodes a line; text with escapes is kept in `unescaped`.
pub(super) fn parse<'a>(unescaped: &'a mut String, line: &'a str) -> Result<Record<'a>, Reason> {
    // Some programs begin a file with a byte order mark.
    let line = line.strip_prefix('\u{feff}').unwrap_or(line);
    if is_deeper(line.as_bytes(), MAX_DEPTH) {
        return Err(Reason::Depth);
    }
    let raw = RawFields::parse(line).map_err(|_| Reason::Syntax)?;
    let ranges = raw.unescape(unescaped)?;
    raw.values(&ranges, unescaped).record(raw.unknown)
}

/// Whether brackets outside strings nest deeper than `limit`. Parsing must not come first: it may recurse.
pub(super) fn is_deeper(json: &[u8], limit: usize) -> bool {
    let brackets = json
        .iter()
        .filter(|byte| matches!(byte, b'[' | b'{'))
        .count();
    // Most lines have too few brackets to begin with.
    brackets > limit && depth(json) > limit
}

fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for &byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The text of every known field's last value, as it stands in the line.
struct RawFields<'a> {
    values: [Option<&'a str>; FIELDS.len()],
    unknown: u32,
}

impl<'a> RawFields<'a> {
    fn parse(line: &'a str) -> serde_json::Result<RawFields<'a>> {
        let mut parser = serde_json::Deserializer::from_str(line);
        let fields = serde::Deserializer::deserialize_map(&mut parser, FieldsVisitor)?;
        parser.end()?;
        Ok(fields)
    }

    /// Where each value that has escapes lies in `unescaped`. Half a surrogate pair is no text: bad syntax.
    fn unescape(
        &self,
        unescaped: &mut String,
    ) -> Result<[Option<Range<usize>>; FIELDS.len()], Reason> {
        unescaped.clear();
        let mut ranges = [const { None }; FIELDS.len()];
        for (spec, range) in FIELDS.iter().zip(&mut ranges) {
            let kept = spec.kind != FieldKind::Ignored;
            if let Some(raw) = self.values[spec.field as usize]
                && kept
                && raw.starts_with('"')
                && raw.contains('\\')
            {
                let text: String = serde_json::from_str(raw).map_err(|_| Reason::Syntax)?;
                let start = unescaped.len();
                unescaped.push_str(&text);
                *range = Some(start..unescaped.len());
            }
        }
        Ok(ranges)
    }

    fn values(
        &self,
        ranges: &[Option<Range<usize>>; FIELDS.len()],
        unescaped: &'a str,
    ) -> Values<'a> {
        Values(std::array::from_fn(|at| {
            match (&ranges[at], self.values[at]) {
                (Some(range), _) => Value::text(&unescaped[range.clone()]),
                (None, Some(raw)) => Value::of(raw),
                (None, None) => Value::Absent,
            }
        }))
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = RawFields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawFields<'de>, A::Error> {
        let mut fields = RawFields {
            values: [None; FIELDS.len()],
            unknown: 0,
        };
        while let Some(key) = map.next_key_seed(KeySeed)? {
            match key {
                Some(field) => {
                    fields.values[field as usize] = Some(map.next_value::<&'de RawValue>()?.get());
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                    fields.unknown = fields.unknown.saturating_add(1);
                }
            }
        }
        Ok(fields)
    }
}

/// Looks a key up without keeping it.
struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Option<Field>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        parser: D,
    ) -> Result<Option<Field>, D::Error> {
        parser.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Option<Field>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Option<Field>, E> {
        Ok(Field::of(key))
    }
}

/// A value as far as a record cares.
#[derive(Clone, Copy)]
enum Value<'a> {
    /// Also null and empty text.
    Absent,
    Text(&'a str),
    /// As written.
    Number(&'a str),
    /// A bool, an array or an object.
    Other,
}

impl<'a> Value<'a> {
    /// Of well-formed JSON without escapes.
    fn of(raw: &'a str) -> Value<'a> {
        match raw.as_bytes().first() {
            Some(b'"') => Value::text(&raw[1..raw.len() - 1]),
            Some(b'-' | b'0'..=b'9') => Value::Number(raw),
            Some(b'n') => Value::Absent,
            _ => Value::Other,
        }
    }

    fn text(text: &'a str) -> Value<'a> {
        if text.is_empty() {
            Value::Absent
        } else {
            Value::Text(text)
        }
    }
}

/// The values by [`Field`].
struct Values<'a>([Value<'a>; FIELDS.len()]);

impl<'a> Values<'a> {
    fn record(&self, unknown_fields: u32) -> Result<Record<'a>, Reason> {
        // One kind after the other: the order of the reasons.
        self.check(FieldKind::Text, |value| text(value).map(drop))?;
        let event_type = text(self.value(Field::EventType))?;
        let sequence = integer(self.value(Field::Sequence))?;
        let revenue = money(self.value(Field::Revenue))?;
        let cost = money(self.value(Field::Cost))?;
        self.check(FieldKind::Measure, measure)?;
        let event_type = event_type.ok_or(Reason::MissingType)?;
        Ok(Record {
            event_type: EventType::parse(event_type.as_bytes()).ok_or(Reason::UnknownType)?,
            event_time: time(self.value(Field::EventTime))?,
            event_id: text(self.value(Field::EventId))?,
            user: text(self.value(Field::UserId))?.or(text(self.value(Field::AnonymousId))?),
            advertiser: text(self.value(Field::Advertiser))?,
            campaign: text(self.value(Field::Campaign))?,
            channel: text(self.value(Field::Channel))?,
            sequence,
            revenue,
            cost,
            touches: false,
            unknown_fields,
        })
    }

    fn value(&self, field: Field) -> Value<'a> {
        self.0[field as usize]
    }

    fn check(
        &self,
        kind: FieldKind,
        check: impl Fn(Value<'a>) -> Result<(), Reason>,
    ) -> Result<(), Reason> {
        let mut fields = FIELDS.iter().filter(|spec| spec.kind == kind);
        fields.try_for_each(|spec| check(self.value(spec.field)))
    }
}

/// Text, or an integer as it is written.
fn text(value: Value<'_>) -> Result<Option<&str>, Reason> {
    match value {
        Value::Absent => Ok(None),
        Value::Text(text) => Ok(Some(text)),
        Value::Number(number) if !number.contains(['.', 'e', 'E']) => Ok(Some(number)),
        Value::Number(_) | Value::Other => Err(Reason::BadText),
    }
}

fn integer(value: Value) -> Result<Option<i64>, Reason> {
    number_or_text(value, parse_integer)
}

fn money(value: Value) -> Result<Option<Micros>, Reason> {
    number_or_text(value, parse_micros)
}

fn number_or_text<T>(value: Value, parse: fn(&str) -> Option<T>) -> Result<Option<T>, Reason> {
    match value {
        Value::Absent => Ok(None),
        Value::Text(text) | Value::Number(text) => parse(text).map(Some).ok_or(Reason::BadNumber),
        Value::Other => Err(Reason::BadNumber),
    }
}

fn measure(value: Value) -> Result<(), Reason> {
    match value {
        Value::Absent => Ok(()),
        Value::Number(number) if is_within(number, MEASURE_LIMIT) => Ok(()),
        _ => Err(Reason::BadNumber),
    }
}

fn time(value: Value) -> Result<TimeMs, Reason> {
    match value {
        Value::Absent => Err(Reason::MissingTime),
        Value::Text(text) | Value::Number(text) => event_time(text),
        Value::Other => Err(Reason::BadTime),
    }
}
