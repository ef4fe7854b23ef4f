//! Where settings come from: one file, the environment, flags. Each becomes entries that know their origin.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

/// `TRIBUTARY__SECTION__KEY`. Two underscores, as one is what Kubernetes puts into the variables of a service.
pub const PREFIX: &str = "TRIBUTARY__";

/// What a config is loaded from, the weakest first.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    pub file: Option<PathBuf>,
    /// Variables of other names than `TRIBUTARY__..` are ignored.
    pub environment: Vec<(OsString, OsString)>,
    pub flags: Vec<Flag>,
}

/// A flag that was given, and the key it sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    /// With its dashes: `--gap`.
    pub name: &'static str,
    pub section: &'static str,
    pub key: &'static str,
    pub text: String,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    File { path: PathBuf, line: usize },
    Environment(String),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Environment(name) => f.write_str(name),
            Origin::Flag(name) => f.write_str(name),
        }
    }
}

/// What is wrong with a config, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct Problem {
    /// An [`Origin`], or the path of a file that could not be read.
    pub place: String,
    pub message: String,
}

impl Problem {
    pub(super) fn at(place: impl fmt::Display, message: impl Into<String>) -> Problem {
        Problem {
            place: place.to_string(),
            message: message.into(),
        }
    }
}

/// All that is wrong, a line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);

/// What was given for a key: typed by TOML, or text whose type the key decides.
#[derive(Clone, Debug)]
pub(super) enum Given {
    Typed(Value),
    Text(String),
}

/// One setting on its way into the config. `key` is `None` where something else than a table stands for a section.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub section: String,
    pub key: Option<String>,
    pub given: Given,
    pub origin: Origin,
}

/// The entries of a file in the order of its lines.
pub(super) fn of_file(path: &Path) -> Result<Vec<Entry>, Problem> {
    let bytes = std::fs::read(path).map_err(|e| {
        let message = format!("cannot read the config file: {e}; name another with --config");
        Problem::at(path.display(), message)
    })?;
    let text = String::from_utf8(bytes).map_err(|e| {
        let line = line_of(e.as_bytes(), e.utf8_error().valid_up_to());
        Problem::at(
            at_line(path, line),
            "the file is not UTF-8 text from here on",
        )
    })?;
    entries(path, &text).map_err(|e| {
        let line = line_of(text.as_bytes(), e.span().map_or(0, |span| span.start));
        let message = format!("no valid TOML: {}", e.message().replace('\n', ", "));
        Problem::at(at_line(path, line), message)
    })
}

fn at_line(path: &Path, line: usize) -> Origin {
    let path = path.to_path_buf();
    Origin::File { path, line }
}

fn line_of(text: &[u8], offset: usize) -> usize {
    1 + text.iter().take(offset).filter(|&&b| b == b'\n').count()
}

fn entries(path: &Path, text: &str) -> Result<Vec<Entry>, toml::de::Error> {
    let lines = lines(text)?;
    let line = |section: &str, key: &str| {
        let known = lines.get(&(section.to_owned(), key.to_owned()));
        at_line(path, known.copied().unwrap_or(1))
    };
    let mut entries = Vec::new();
    for (section, value) in toml::from_str::<Table>(text)? {
        let Value::Table(keys) = value else {
            let origin = line(&section, "");
            let given = Given::Typed(value);
            entries.push(Entry {
                section,
                key: None,
                given,
                origin,
            });
            continue;
        };
        if keys.is_empty() {
            // So that an unknown section without keys is found as well.
            let origin = line(&section, "");
            let given = Given::Typed(Value::Table(keys));
            entries.push(Entry {
                section,
                key: None,
                given,
                origin,
            });
            continue;
        }
        for (key, value) in keys {
            let origin = line(&section, &key);
            let (section, given) = (section.clone(), Given::Typed(value));
            entries.push(Entry {
                section,
                key: Some(key),
                given,
                origin,
            });
        }
    }
    entries.sort_by_key(|entry| match entry.origin {
        Origin::File { line, .. } => line,
        _ => 0,
    });
    Ok(entries)
}

/// The line of each (section, key); that of the section itself under the key "".
fn lines(text: &str) -> Result<BTreeMap<(String, String), usize>, toml::de::Error> {
    let mut lines = BTreeMap::new();
    for (section, value) in DeTable::parse(text)?.get_ref() {
        let name = section.get_ref().to_string();
        let line = |offset| line_of(text.as_bytes(), offset);
        lines.insert((name.clone(), String::new()), line(section.span().start));
        if let DeValue::Table(keys) = value.get_ref() {
            for key in keys.keys() {
                let found = (name.clone(), key.get_ref().to_string());
                lines.insert(found, line(key.span().start));
            }
        }
    }
    Ok(lines)
}

/// The entries of all `TRIBUTARY__` variables, by name.
pub(super) fn of_environment(variables: &[(OsString, OsString)]) -> (Vec<Entry>, Vec<Problem>) {
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    for (name, value) in variables {
        let name = name.to_string_lossy().into_owned();
        let Some(path) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let (Some((section, key)), Some(text)) = (path.split_once("__"), value.to_str()) else {
            let message = match value.to_str() {
                Some(_) => format!("no section and key in the name: write {PREFIX}SECTION__KEY"),
                None => "the value is not UTF-8 text".to_owned(),
            };
            problems.push(Problem::at(name, message));
            continue;
        };
        entries.push(Entry {
            section: section.to_lowercase(),
            key: Some(key.to_lowercase()),
            given: Given::Text(text.to_owned()),
            origin: Origin::Environment(name.clone()),
        });
    }
    entries.sort_by_key(|entry| entry.origin.to_string());
    (entries, problems)
}

pub(super) fn of_flags(flags: &[Flag]) -> Vec<Entry> {
    let entry = |flag: &Flag| Entry {
        section: flag.section.to_owned(),
        key: Some(flag.key.to_owned()),
        given: Given::Text(flag.text.clone()),
        origin: Origin::Flag(flag.name),
    };
    flags.iter().map(entry).collect()
}
