//! Query parameters: each known by name, anything else refused.

use std::collections::BTreeMap;

use dataflows::epochs::Epoch;
use dataflows::transitions::{ChainKey, Window};

use super::answer::Problem;
use crate::frames::chain_of;

/// The parameters of a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Query(BTreeMap<String, String>);

/// How a table is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Csv,
}

impl Query {
    /// Reads a query string, of which only `known` parameters may be there, each once.
    pub(super) fn parse(text: &str, known: &[&str]) -> Result<Query, Problem> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(text)
            .map_err(|error| Problem::bad(format!("cannot read the query: {error}")))?;
        let mut parameters = BTreeMap::new();
        for (name, value) in pairs {
            if !known.contains(&name.as_str()) {
                let all = match known {
                    [] => "none is taken here".to_owned(),
                    _ => format!("there are {}", known.join(", ")),
                };
                return Err(Problem::bad(format!("unknown parameter {name:?}; {all}")));
            }
            if parameters.contains_key(&name) {
                return Err(Problem::bad(format!("parameter {name:?} is given twice")));
            }
            parameters.insert(name, value);
        }
        Ok(Query(parameters))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A whole number, if it is given.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let number = text.parse();
        number
            .map(Some)
            .map_err(|_| Problem::bad(format!("{name} is a whole number, not {text:?}")))
    }

    /// The chain that `scope`, `dimension` and `window` name.
    pub(super) fn chain(&self) -> Result<(ChainKey, Window), Problem> {
        chain_of(self.get("scope"), self.get("dimension"), self.get("window")).map_err(Problem::bad)
    }

    pub(super) fn at_epoch(&self) -> Result<Option<Epoch>, Problem> {
        self.number("at_epoch")
    }

    pub(super) fn format(&self) -> Result<Format, Problem> {
        match self.get("format").unwrap_or("json") {
            "json" => Ok(Format::Json),
            "csv" => Ok(Format::Csv),
            other => Err(Problem::bad(format!(
                "format is json or csv, not {other:?}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_refused() {
        let detail = |text| Query::parse(text, &["scope"]).unwrap_err().detail;
        assert!(detail("scop=a").contains("there are scope"));
        assert!(detail("scope=a&scope=b").contains("twice"));
        let query = Query::parse("scope=a%2Fb+c", &["scope"]).unwrap();
        assert_eq!(query.get("scope"), Some("a/b c"));
        assert!(query.number("scope").is_err());
    }
}
