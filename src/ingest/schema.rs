//! The fields of an event: one table from which JSON keys and CSV headers are looked up and the JSON Schema is made.

use dataflows::event::{EventType, MAX_MICROS, SCHEMA_VERSION};
use serde_json::{Map, Value, json};

/// What a field may hold. Null and empty text mean that it is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// The name of an [`EventType`].
    Type,
    /// See [`super::time`].
    Time,
    /// Text, or an integer that is taken as it is written.
    Text,
    /// A 64-bit integer, or its text.
    Integer,
    /// A decimal within ± a billion, or its text.
    Money,
    /// A number within ± [`MEASURE_LIMIT`]; checked, not kept.
    Measure,
    /// Anything; not kept.
    Ignored,
}

/// Numbers that are only checked must lie within ± this.
pub const MEASURE_LIMIT: u64 = 1_000_000_000_000_000;

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct FieldSpec {
    pub field: Field,
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub kind: FieldKind,
    pub description: &'static str,
}

macro_rules! fields {
    ($($field:ident = $name:literal $(| $alias:literal)*: $kind:ident, $description:literal;)+) => {
        /// A field of an event. A decoder keeps what it found by `field as usize`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Field { $($field),+ }

        /// Every field, in the order of [`Field`].
        pub const FIELDS: &[FieldSpec] = &[$(FieldSpec {
            field: Field::$field,
            name: $name,
            aliases: &[$($alias),*],
            kind: FieldKind::$kind,
            description: $description,
        }),+];

        /// Every key that is known, aliases included, with its field.
        pub const NAMES: &[(&str, Field)] =
            &[$(($name, Field::$field), $(($alias, Field::$field),)*)+];
    };
}

fields! {
    EventType = "event_type" | "type": Type, "What happened.";
    EventTime = "event_time" | "ts" | "timestamp": Time,
        "When it happened: milliseconds since 1970, RFC 3339 with any offset, or YYYY-MM-DD HH:MM:SS[.fff] in UTC; within 2000-2100.";
    EventId = "event_id": Text,
        "Identifies the event within its user and time; two records that agree in all three are one event.";
    UserId = "user_id": Text, "Whose event it is; hashed at the edge.";
    AnonymousId = "anonymous_id": Text, "Stands in where there is no user_id.";
    Advertiser = "advertiser": Text, "Whose chain the event belongs to.";
    Campaign = "campaign": Text, "The campaign of the ad.";
    Channel = "channel": Text, "The channel of the ad, such as search or email.";
    Ad = "ad": Text, "The ad.";
    Creative = "creative": Text, "The creative of the ad.";
    Content = "content": Text, "What was watched or read.";
    Region = "region": Text, "Where.";
    Device = "device": Text, "On what kind of device.";
    Partner = "partner": Text, "The partner that delivered the event.";
    Sequence = "sequence": Integer, "Orders events of one user and time.";
    Revenue = "revenue": Money, "The value of a conversion in currency units, kept to six places.";
    Cost = "cost": Money, "What the event cost in currency units, kept to six places.";
    Position = "position": Measure, "Position in the content, in seconds.";
    Duration = "duration": Measure, "Duration in seconds.";
    Bitrate = "bitrate": Measure, "Bits per second.";
    Attributes = "attributes": Ignored, "Anything else about the event.";
}

impl Field {
    /// The field of that name or alias.
    pub fn of(name: &str) -> Option<Field> {
        NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, field)| *field)
    }

    pub fn spec(self) -> &'static FieldSpec {
        &FIELDS[self as usize]
    }
}

/// The JSON Schema of an event, draft 2020-12.
pub fn json_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:tributary:event:{SCHEMA_VERSION}"),
        "title": "Event",
        "description": "One ad event: a line of JSON Lines, a message, or an element of a request.",
        "version": SCHEMA_VERSION,
        "type": "object",
        "properties": properties(),
        "allOf": [present(Field::EventType), present(Field::EventTime)],
        "additionalProperties": true,
    })
}

fn properties() -> Map<String, Value> {
    let mut properties = Map::new();
    for spec in FIELDS {
        properties.insert(spec.name.into(), property(spec, spec.description.into()));
        for &alias in spec.aliases {
            properties.insert(
                alias.into(),
                property(spec, format!("Same as {}.", spec.name)),
            );
        }
    }
    properties
}

fn property(spec: &FieldSpec, description: String) -> Value {
    let mut property = match spec.kind {
        FieldKind::Type => json!({ "type": "string", "enum": type_names() }),
        FieldKind::Time => json!({ "type": ["integer", "string"] }),
        FieldKind::Text => json!({ "type": ["string", "integer", "null"] }),
        FieldKind::Integer => json!({
            "type": ["integer", "string", "null"],
            "minimum": i64::MIN,
            "maximum": i64::MAX,
            "pattern": "^([+-]?[0-9]+)?$",
        }),
        FieldKind::Money => json!({
            "type": ["number", "string", "null"],
            "minimum": -MAX_MICROS / 1_000_000,
            "maximum": MAX_MICROS / 1_000_000,
            "pattern": "^([+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?)?$",
        }),
        FieldKind::Measure => json!({
            "type": ["number", "null"],
            "minimum": -(MEASURE_LIMIT as i64),
            "maximum": MEASURE_LIMIT,
        }),
        FieldKind::Ignored => json!({ "type": ["object", "null"] }),
    };
    property["description"] = description.into();
    property
}

/// The names of all types and, behind them, the short names that stand for some.
fn type_names() -> Vec<&'static str> {
    let names = EventType::ALL.iter().map(|event_type| event_type.name());
    let short = EventType::ALL.iter().filter_map(|&event_type| {
        let short = event_type.name().strip_prefix("ad_")?;
        (EventType::parse(short.as_bytes()) == Some(event_type)).then_some(short)
    });
    names.chain(short).collect()
}

/// Requires one of a field's names.
fn present(field: Field) -> Value {
    let spec = field.spec();
    let names = std::iter::once(&spec.name).chain(spec.aliases);
    let any: Vec<Value> = names.map(|name| json!({ "required": [name] })).collect();
    json!({ "anyOf": any })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::json::JsonDecoder;
    use crate::ingest::record::{Reason, Record};

    fn decode_with(key: &str, value: &Value) -> Result<u32, Reason> {
        let mut line = json!({ "event_type": "click", "event_time": 1_760_000_000_014_i64 });
        let field = Field::of(key).unwrap_or(Field::Attributes);
        for (name, _) in NAMES.iter().filter(|(_, same)| *same == field) {
            line.as_object_mut().unwrap().remove(*name);
        }
        line[key] = value.clone();
        JsonDecoder::new()
            .decode_str(&line.to_string())
            .map(|record: Record| record.unknown_fields)
    }

    fn examples(kind: FieldKind) -> Vec<Value> {
        match kind {
            FieldKind::Type => type_names().into_iter().map(Value::from).collect(),
            FieldKind::Time => vec![json!(1_760_000_000_014_i64), json!("2025-10-09T08:53:20Z")],
            FieldKind::Text => vec![json!("a"), json!(7), json!(null)],
            FieldKind::Integer => vec![json!(7), json!("-7"), json!(i64::MIN), json!(null)],
            FieldKind::Money => vec![json!(-1e9), json!("1.25"), json!(null)],
            FieldKind::Measure => vec![json!(1.5), json!(MEASURE_LIMIT), json!(null)],
            FieldKind::Ignored => vec![json!({ "a": [1, { "b": null }] }), json!(null)],
        }
    }

    #[test]
    fn every_field_of_the_schema_is_accepted_by_the_decoder() {
        let schema = json_schema();
        let properties = schema["properties"].as_object().unwrap();
        assert_eq!(properties.len(), NAMES.len());
        for key in properties.keys() {
            let kind = Field::of(key).unwrap().spec().kind;
            for value in examples(kind) {
                assert_eq!(decode_with(key, &value), Ok(0), "{key}: {value}");
            }
        }
        assert_eq!(decode_with("colour", &json!({ "a": 1 })), Ok(1));
    }

    #[test]
    fn the_table_is_in_the_order_of_the_fields() {
        for (index, spec) in FIELDS.iter().enumerate() {
            assert_eq!(spec.field as usize, index);
            assert_eq!(Field::of(spec.name), Some(spec.field));
        }
    }

    #[test]
    fn the_schema_names_every_event_type_and_the_version() {
        let schema = json_schema();
        let names = schema["properties"]["type"]["enum"].as_array().unwrap();
        assert_eq!(names.len(), EventType::ALL.len() + 2);
        assert!(names.contains(&json!("impression")) && names.contains(&json!("click")));
        assert_eq!(schema["version"], SCHEMA_VERSION);
        assert_eq!(schema["additionalProperties"], true);
    }
}
