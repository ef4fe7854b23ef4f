//! Lays entries over the defaults one by one, so that whatever does not fit is blamed on its own origin.
//!
//! What must hold: `values` always reads as a valid [`Config`]; an entry that does not fit changes nothing.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::Deserialize;
use toml::{Table, Value};

use super::nearest::nearest;
use super::sources::{Entry, Given, Origin, PREFIX, Problem};
use super::values::Columns;
use super::{Config, print};

/// The bounds of whole numbers, by `section.key`.
pub(super) const RANGES: [(&str, RangeInclusive<i64>); 13] = [
    // An epoch waits in memory for its end.
    ("epochs.events", 1..=10_000_000),
    ("epochs.in_flight", 1..=100_000),
    ("epochs.interval_ms", 1..=60_000),
    ("ingest.block_bytes", 4_096..=268_435_456),
    ("ingest.record_bytes_max", 64..=1_073_741_824),
    ("lateness.watermark_support", 1..=1_000),
    ("serve.body_bytes_max", 1_024..=268_435_456),
    ("serve.connections_max", 1..=1_000_000),
    ("simulator.events", 0..=i64::MAX),
    ("simulator.seed", 0..=i64::MAX),
    // No more workers than key groups: the rest would hold no users.
    ("workers.process", 0..=1_023),
    ("workers.processes", 1..=1_024),
    ("workers.threads", 1..=1_024),
];

/// A config in the making.
pub(super) struct Merge {
    values: Table,
    defaults: Table,
    pub origins: BTreeMap<(String, String), Origin>,
    pub problems: Vec<Problem>,
}

impl Merge {
    pub(super) fn new() -> Merge {
        let defaults = print::table(&Config::default());
        Merge {
            values: defaults.clone(),
            defaults,
            origins: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    pub(super) fn apply(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            if let Err(message) = self.set(&entry) {
                self.problems.push(Problem::at(&entry.origin, message));
            }
        }
    }

    fn set(&mut self, entry: &Entry) -> Result<(), String> {
        let Some(Value::Table(section)) = self.defaults.get(&entry.section) else {
            return Err(self.unknown_section(entry));
        };
        let Some(key) = &entry.key else {
            return match &entry.given {
                Given::Typed(Value::Table(_)) => Ok(()),
                _ => Err(format!("[{}] is a section, not a value", entry.section)),
            };
        };
        let Some(default) = section.get(key) else {
            return Err(self.unknown_key(entry, key, section));
        };
        let value = match &entry.given {
            Given::Typed(value) => value.clone(),
            Given::Text(text) => typed(text, default)?,
        };
        let name = format!("{}.{key}", entry.section);
        in_range(&name, &value)?;
        let mut changed = self.values.clone();
        if let Some(Value::Table(section)) = changed.get_mut(&entry.section) {
            section.insert(key.clone(), value.clone());
        }
        Config::deserialize(changed.clone()).map_err(|e| misfit(&name, &value, default, &e))?;
        self.values = changed;
        let place = (entry.section.clone(), key.clone());
        self.origins.insert(place, entry.origin.clone());
        Ok(())
    }

    /// The config of all entries that fitted.
    pub(super) fn config(&self) -> Config {
        // Every change was read as a Config before it was kept.
        Config::deserialize(self.values.clone()).unwrap_or_default()
    }

    fn unknown_section(&self, entry: &Entry) -> String {
        let name = &entry.section;
        let sections = || self.defaults.keys().map(String::as_str);
        if entry.key.is_none()
            && let Some(home) = sections().find(|section| self.holds(section, name))
        {
            return format!("`{name}` stands outside its section; it belongs under [{home}]");
        }
        if let Some(meant) = nearest(name, sections()) {
            let meant = match (&entry.origin, &entry.key) {
                (Origin::Environment(_), Some(key)) => spell(&entry.origin, meant, key),
                _ => format!("[{meant}]"),
            };
            return format!("unknown section `{name}`; did you mean {meant}?");
        }
        let all = sections().collect::<Vec<_>>().join(", ");
        format!("unknown section `{name}`; the sections are {all}")
    }

    fn unknown_key(&self, entry: &Entry, key: &str, section: &Table) -> String {
        let mut sections = self.defaults.keys().map(String::as_str);
        let hint = if let Some(home) = sections.find(|home| self.holds(home, key)) {
            format!(
                "it belongs under [{home}]: {}",
                spell(&entry.origin, home, key)
            )
        } else if let Some(meant) = nearest(key, section.keys().map(String::as_str)) {
            format!(
                "did you mean {}?",
                spell(&entry.origin, &entry.section, meant)
            )
        } else {
            let all: Vec<&str> = section.keys().map(String::as_str).collect();
            format!("its keys are {}", all.join(", "))
        };
        format!("unknown key `{key}` in [{}]; {hint}", entry.section)
    }

    fn holds(&self, section: &str, key: &str) -> bool {
        let keys = self.defaults.get(section).and_then(Value::as_table);
        keys.is_some_and(|keys| keys.contains_key(key))
    }
}

/// A key as it is written where the mistake was made.
fn spell(origin: &Origin, section: &str, key: &str) -> String {
    match origin {
        Origin::Environment(_) => {
            format!("{PREFIX}{}__{}", section.to_uppercase(), key.to_uppercase())
        }
        _ => format!("`{key}`"),
    }
}

/// Text from a variable or flag as a value of the default's type; what fits none stays text and is refused later.
fn typed(text: &str, default: &Value) -> Result<Value, String> {
    let written = || text.trim().parse::<Value>().ok();
    Ok(match default {
        Value::String(_) => Value::from(text),
        Value::Array(_) => written()
            .filter(Value::is_array)
            .unwrap_or_else(|| list(text)),
        Value::Table(_) if text.trim_start().starts_with('{') => {
            written().unwrap_or(Value::from(text))
        }
        Value::Table(_) => {
            let columns: Columns = text.parse().map_err(|e| format!("{e}"))?;
            Value::try_from(columns).map_err(|e| e.to_string())?
        }
        _ => written().unwrap_or(Value::from(text)),
    })
}

/// `a:1,b:2` as a list of texts.
fn list(text: &str) -> Value {
    let items = text.split(',').map(str::trim);
    Value::Array(
        items
            .filter(|item| !item.is_empty())
            .map(Value::from)
            .collect(),
    )
}

fn in_range(name: &str, value: &Value) -> Result<(), String> {
    let range = RANGES.iter().find(|(known, _)| *known == name);
    match (range, value) {
        (Some((_, range)), Value::Integer(number)) if !range.contains(number) => {
            let (least, most) = (range.start(), range.end());
            Err(match *most {
                i64::MAX => format!("{name} must be at least {least}, not {number}"),
                _ => format!("{name} must lie in {least} to {most}, not {number}"),
            })
        }
        _ => Ok(()),
    }
}

/// Why a value does not fit its key, in words.
fn misfit(name: &str, value: &Value, default: &Value, error: &toml::de::Error) -> String {
    let expected = kind(default);
    if expected == kind(value) || error.message().contains(" or \"") {
        return format!("{name}: {}", error.message().replace('\n', ", "));
    }
    let sample = match (name, default) {
        (print::SECRET, _) => return format!("{name} must be text in quotes"),
        (_, Value::Array(_)) => "[\"a\", \"b\"]".to_owned(),
        (_, Value::Table(_)) => "{ user = \"user_id\" }".to_owned(),
        _ => default.to_string(),
    };
    format!(
        "{name} must be {expected} such as {sample}, not {} {value}",
        kind(value)
    )
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a decimal number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}
