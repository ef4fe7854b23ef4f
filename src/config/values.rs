//! The types of single config values: each has one text form, shared by files, environment and flags.
//!
//! What must hold: `value.to_string().parse()` gives the value back, except for a [`UserKey`], which never prints itself.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use dataflows::settings::{JourneyRule, NO_GAP_MS};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

use super::duration::Duration;
use super::nearest::nearest;

/// A value whose text says nothing the program understands; the message says what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub(super) String);

/// `TryFrom<String>` and `Into<String>` out of `FromStr` and `Display`, for serde.
macro_rules! text_form {
    ($($type:ty),+) => {$(
        impl TryFrom<String> for $type {
            type Error = $crate::config::values::Malformed;
            fn try_from(text: String) -> Result<Self, $crate::config::values::Malformed> {
                text.parse()
            }
        }
        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.to_string()
            }
        }
    )+};
}
pub(super) use text_form;

/// A duration, or the word that stands for having no bound.
fn duration_or(word: &str, text: &str) -> Result<Option<Duration>, Malformed> {
    if text == word {
        return Ok(None);
    }
    let explained = |e: Malformed| Malformed(format!("{e} (or `{word}`)"));
    text.parse().map(Some).map_err(explained)
}

/// When a session ends: `30m`, or `none` for one session of each user for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SessionGap {
    Never,
    After(Duration),
}

impl SessionGap {
    /// The gap in milliseconds as the dataflows take it.
    pub fn ms(self) -> i64 {
        match self {
            SessionGap::Never => NO_GAP_MS,
            SessionGap::After(gap) => gap.ms(),
        }
    }
}

impl FromStr for SessionGap {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<SessionGap, Malformed> {
        Ok(duration_or("none", text)?.map_or(SessionGap::Never, SessionGap::After))
    }
}

impl fmt::Display for SessionGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SessionGap::Never => f.write_str("none"),
            SessionGap::After(gap) => gap.fmt(f),
        }
    }
}

/// How late a record may be: `10m`, or `unbounded`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Lateness {
    Unbounded,
    Within(Duration),
}

impl Lateness {
    /// Milliseconds; `None`: nothing is ever late.
    pub fn ms(self) -> Option<i64> {
        match self {
            Lateness::Unbounded => None,
            Lateness::Within(bound) => Some(bound.ms()),
        }
    }
}

impl FromStr for Lateness {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Lateness, Malformed> {
        Ok(duration_or("unbounded", text)?.map_or(Lateness::Unbounded, Lateness::Within))
    }
}

impl fmt::Display for Lateness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lateness::Unbounded => f.write_str("unbounded"),
            Lateness::Within(bound) => bound.fmt(f),
        }
    }
}

/// When a journey breaks besides at its conversion: `session`, or `gap:7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Journeys {
    Session,
    Gap(Duration),
}

impl From<Journeys> for JourneyRule {
    fn from(journeys: Journeys) -> JourneyRule {
        match journeys {
            Journeys::Session => JourneyRule::Session,
            Journeys::Gap(gap) => JourneyRule::GapMs(gap.ms()),
        }
    }
}

impl FromStr for Journeys {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Journeys, Malformed> {
        match text.strip_prefix("gap:") {
            Some(gap) => Ok(Journeys::Gap(gap.parse()?)),
            None if text == "session" => Ok(Journeys::Session),
            None if text.parse::<Duration>().is_ok() => Err(Malformed(format!(
                "unknown rule `{text}`; did you mean `gap:{text}`?"
            ))),
            None => Err(Malformed(format!(
                "unknown rule `{text}`: write `session`, or `gap:` and a duration such as gap:7d"
            ))),
        }
    }
}

impl fmt::Display for Journeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Journeys::Session => f.write_str("session"),
            Journeys::Gap(gap) => write!(f, "gap:{gap}"),
        }
    }
}

text_form!(
    SessionGap, Lateness, Journeys, LogFormat, LogLevel, RunSource
);

/// The word of a closed list that `text` is; the error names the nearest.
fn word<T: ValueEnum>(what: &str, text: &str) -> Result<T, Malformed> {
    T::from_str(text, false).map_err(|_| {
        let values: Vec<_> = T::value_variants()
            .iter()
            .filter_map(T::to_possible_value)
            .collect();
        let names: Vec<&str> = values.iter().map(|value| value.get_name()).collect();
        let hint = match nearest(text, names.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("it is one of {}", names.join(", ")),
        };
        Malformed(format!("unknown {what} `{text}`; {hint}"))
    })
}

/// `FromStr` and `Display` of a closed list of words, its names taken from clap.
macro_rules! words {
    ($($type:ty = $what:literal),+) => {$(
        impl FromStr for $type {
            type Err = Malformed;
            fn from_str(text: &str) -> Result<Self, Malformed> {
                word($what, text)
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.to_possible_value().map_or(Ok(()), |value| f.write_str(value.get_name()))
            }
        }
    )+};
}

words!(
    LogFormat = "log format",
    LogLevel = "log level",
    RunSource = "source",
    Field = "field"
);

/// Where a run takes events from, besides those that are posted to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(try_from = "String", into = "String")]
pub enum RunSource {
    /// Only what is posted.
    None,
    Simulator,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(try_from = "String", into = "String")]
pub enum LogFormat {
    Text,
    Json,
}

/// The least severe line that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(try_from = "String", into = "String")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// A field of a record that a column can be mapped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub enum Field {
    User,
    Anonymous,
    Time,
    Id,
    Sequence,
    Type,
    Advertiser,
    Campaign,
    Channel,
    /// 0 or 1: whether the row is a conversion.
    Conversion,
    /// What kind of contact the row is, in words such as impression or click.
    Interaction,
    Value,
}

/// Which column of a source holds which field; fields that are not named keep the schema's own names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns(BTreeMap<Field, String>);

impl Columns {
    /// The column that holds `field`, if one was named.
    pub fn get(&self, field: Field) -> Option<&str> {
        self.0.get(&field).map(String::as_str)
    }

    pub fn iter(&self) -> impl Iterator<Item = (Field, &str)> {
        self.0.iter().map(|(field, name)| (*field, name.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn of_pairs<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Columns, Malformed> {
        let mut columns = BTreeMap::new();
        for (field, column) in pairs {
            let known: Field = field.parse()?;
            if column.is_empty() {
                return Err(Malformed(format!("no column named for field `{field}`")));
            }
            if columns.insert(known, column.to_owned()).is_some() {
                return Err(Malformed(format!("field `{field}` is mapped twice")));
            }
        }
        Ok(Columns(columns))
    }
}

impl FromStr for Columns {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Columns, Malformed> {
        let pair = |part: &'_ str| -> Result<(String, String), Malformed> {
            let (field, column) = part.split_once('=').ok_or_else(|| {
                Malformed(format!(
                    "`{part}` is no mapping: write field=column, such as user=user_id"
                ))
            })?;
            Ok((field.trim().to_owned(), column.trim().to_owned()))
        };
        let parts = text.split(',').filter(|part| !part.trim().is_empty());
        let pairs = parts.map(pair).collect::<Result<Vec<_>, _>>()?;
        Columns::of_pairs(pairs.iter().map(|(f, c)| (f.as_str(), c.as_str())))
    }
}

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (field, column)) in self.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            write!(f, "{comma}{field}={column}")?;
        }
        Ok(())
    }
}

impl Serialize for Columns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.iter()
                .map(|(field, column)| (field.to_string(), column)),
        )
    }
}

impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Columns, D::Error> {
        let map = BTreeMap::<String, String>::deserialize(deserializer)?;
        Columns::of_pairs(map.iter().map(|(f, c)| (f.as_str(), c.as_str())))
            .map_err(de::Error::custom)
    }
}
