//! Which column means what: by a mapping such as `user=cookie,time=time`, or by the names of the header.

use std::str::FromStr;

use crate::ingest::schema::Field;
use crate::terminal::printable;

macro_rules! cell_kinds {
    ($($kind:ident = $key:literal),+ $(,)?) => {
        /// What a cell can mean. The names are the keys of a mapping.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum CellKind { $($kind),+ }

        impl CellKind {
            /// Every kind, in the order of the enum.
            pub const ALL: &[CellKind] = &[$(CellKind::$kind),+];
            pub const COUNT: usize = CellKind::ALL.len();

            /// The key in a mapping.
            pub fn key(self) -> &'static str {
                match self { $(CellKind::$kind => $key),+ }
            }
        }
    };
}

cell_kinds! {
    User = "user", Anonymous = "anonymous", Time = "time", Type = "type", Id = "id", Advertiser = "advertiser",
    Campaign = "campaign", Channel = "channel", Sequence = "sequence", Interaction = "interaction",
    Conversion = "conversion", Value = "value", Cost = "cost",
}

impl CellKind {
    fn of_key(key: &str) -> Option<CellKind> {
        CellKind::ALL.iter().copied().find(|kind| kind.key() == key)
    }

    /// The kind of a column that no mapping names: by the schema, or by a name that is widespread.
    fn of_column(name: &str) -> Option<CellKind> {
        match name {
            "cookie" => Some(CellKind::User),
            "time" => Some(CellKind::Time),
            "interaction" => Some(CellKind::Interaction),
            "conversion" => Some(CellKind::Conversion),
            "conversion_value" => Some(CellKind::Value),
            "seq" => Some(CellKind::Sequence),
            _ => CellKind::of_field(Field::of(name)?),
        }
    }

    fn of_field(field: Field) -> Option<CellKind> {
        match field {
            Field::EventType => Some(CellKind::Type),
            Field::EventTime => Some(CellKind::Time),
            Field::EventId => Some(CellKind::Id),
            Field::UserId => Some(CellKind::User),
            Field::AnonymousId => Some(CellKind::Anonymous),
            Field::Advertiser => Some(CellKind::Advertiser),
            Field::Campaign => Some(CellKind::Campaign),
            Field::Channel => Some(CellKind::Channel),
            Field::Sequence => Some(CellKind::Sequence),
            Field::Revenue => Some(CellKind::Value),
            Field::Cost => Some(CellKind::Cost),
            _ => None,
        }
    }
}

/// Why a mapping or a header can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnsError {
    #[error("`{0}` is not of the form key=column")]
    Form(String),
    #[error("unknown key `{key}`, did you mean `{nearest}`?")]
    UnknownKey { key: String, nearest: &'static str },
    #[error("key `{0}` is given twice")]
    DuplicateKey(&'static str),
    #[error("column `{0}` is given two meanings")]
    DuplicateColumn(String),
    #[error("no column is the time; name one as time=<column>; the header has: {0}")]
    NoTime(String),
    #[error("no column `{column}` for `{key}`; the header has: {header}")]
    MissingColumn {
        key: &'static str,
        column: String,
        header: String,
    },
    #[error(
        "columns `{first}` and `{second}` could both be the {key}; name the right one in a mapping"
    )]
    Ambiguous {
        key: &'static str,
        first: String,
        second: String,
    },
    #[error("the header is not one row of UTF-8")]
    Header,
}

/// A mapping of meanings to column names; others are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns(Vec<(CellKind, String)>);

impl FromStr for Columns {
    type Err = ColumnsError;

    fn from_str(text: &str) -> Result<Columns, ColumnsError> {
        let mut columns = Columns::default();
        for pair in text.split(',') {
            let (key, column) = pair
                .split_once('=')
                .ok_or_else(|| ColumnsError::Form(pair.trim().into()))?;
            columns.add(key.trim(), column.trim())?;
        }
        Ok(columns)
    }
}

impl Columns {
    fn add(&mut self, key: &str, column: &str) -> Result<(), ColumnsError> {
        let kind = CellKind::of_key(key).ok_or_else(|| ColumnsError::UnknownKey {
            key: key.into(),
            nearest: nearest_key(key),
        })?;
        if column.is_empty() {
            return Err(ColumnsError::Form(format!("{key}=")));
        }
        if self.0.iter().any(|(known, _)| *known == kind) {
            return Err(ColumnsError::DuplicateKey(kind.key()));
        }
        if self.0.iter().any(|(_, known)| known == column) {
            return Err(ColumnsError::DuplicateColumn(column.into()));
        }
        self.0.push((kind, column.into()));
        Ok(())
    }

    /// What each column of a header means.
    pub(super) fn kinds(&self, header: &[String]) -> Result<Vec<Option<CellKind>>, ColumnsError> {
        let mut kinds = vec![None; header.len()];
        for (kind, column) in &self.0 {
            let at = header
                .iter()
                .position(|name| name == column)
                .ok_or_else(|| ColumnsError::MissingColumn {
                    key: kind.key(),
                    column: column.clone(),
                    header: printable(&header.join(", ")),
                })?;
            kinds[at] = Some(*kind);
        }
        with_time(kinds, header)
    }
}

/// What each column of a header means by its name alone.
pub(super) fn known_kinds(header: &[String]) -> Result<Vec<Option<CellKind>>, ColumnsError> {
    let kinds: Vec<_> = header
        .iter()
        .map(|name| CellKind::of_column(name))
        .collect();
    for (at, kind) in kinds.iter().enumerate() {
        let before = kinds[..at]
            .iter()
            .position(|other| kind.is_some() && other == kind);
        if let (Some(kind), Some(first)) = (kind, before) {
            return Err(ColumnsError::Ambiguous {
                key: kind.key(),
                first: printable(&header[first]),
                second: printable(&header[at]),
            });
        }
    }
    with_time(kinds, header)
}

/// Of all columns only the time is indispensable.
fn with_time(
    kinds: Vec<Option<CellKind>>,
    header: &[String],
) -> Result<Vec<Option<CellKind>>, ColumnsError> {
    if kinds.contains(&Some(CellKind::Time)) {
        Ok(kinds)
    } else {
        Err(ColumnsError::NoTime(printable(&header.join(", "))))
    }
}

/// The names of the columns, without a byte order mark and the spaces around them.
pub(super) fn header_names(line: &[u8]) -> Result<Vec<String>, ColumnsError> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(line);
    let row = reader.records().next();
    let row = row.and_then(Result::ok).ok_or(ColumnsError::Header)?;
    Ok(row.iter().map(String::from).collect())
}

fn nearest_key(key: &str) -> &'static str {
    let keys = CellKind::ALL.iter().map(|kind| kind.key());
    let likeness = |candidate: &&str| strsim::jaro_winkler(candidate, key);
    keys.max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .unwrap_or_default()
}
