//! What a client subscribes to, and how often it wants to hear.

use std::time::Duration;

use serde::Deserialize;

use crate::frames::{Selection, Topic, chain_of};

const TICK_MS: u64 = 250;
const TICK_MS_MIN: u64 = 20;
const TICK_MS_MAX: u64 = 5_000;

/// A subscription; equal ones share their messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    pub(super) selection: Selection,
    pub(super) tick: Duration,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape {
            selection: Selection::default(),
            tick: Duration::from_millis(TICK_MS),
        }
    }
}

/// A subscription as clients write it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Request {
    pub(super) topics: Option<Vec<String>>,
    pub(super) scope: Option<String>,
    pub(super) dimension: Option<String>,
    pub(super) window: Option<String>,
    pub(super) tick_ms: Option<u64>,
}

impl Request {
    /// # Errors
    /// Says what is asked for that there is not.
    pub(super) fn shape(&self) -> Result<Shape, String> {
        let tick_ms = self.tick_ms.unwrap_or(TICK_MS);
        if !(TICK_MS_MIN..=TICK_MS_MAX).contains(&tick_ms) {
            return Err(format!(
                "tick_ms must be {TICK_MS_MIN} to {TICK_MS_MAX}, not {tick_ms}"
            ));
        }
        let chain = [&self.scope, &self.dimension, &self.window].map(Option::as_deref);
        let topics = match &self.topics {
            Some(names) => topics(names)?,
            None => Selection::default().topics,
        };
        Ok(Shape {
            selection: Selection {
                topics,
                chain: chain_of(chain[0], chain[1], chain[2])?,
                every_chain: chain == [None; 3],
            },
            tick: Duration::from_millis(tick_ms),
        })
    }
}

fn topics(names: &[String]) -> Result<Vec<Topic>, String> {
    let mut topics = Vec::new();
    for name in names {
        let topic = Topic::ALL.into_iter().find(|topic| topic.name() == name);
        topics.push(topic.ok_or_else(|| {
            let all = Topic::ALL.map(Topic::name).join(", ");
            format!("unknown topic {name:?}; there are {all}")
        })?);
    }
    topics.sort();
    topics.dedup();
    Ok(topics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_wishes_have_one_shape() {
        let wish = |topics: &[&str]| Request {
            topics: Some(topics.iter().map(|&topic| topic.to_owned()).collect()),
            ..Request::default()
        };
        let shape = wish(&["history", "engine", "engine"]).shape().unwrap();
        assert_eq!(shape, wish(&["engine", "history"]).shape().unwrap());
        assert_eq!(Request::default().shape().unwrap(), Shape::default());
        assert!(
            wish(&["engin"])
                .shape()
                .unwrap_err()
                .contains("there are engine")
        );
    }

    #[test]
    fn ticks_have_bounds() {
        for (tick_ms, is_good) in [(19, false), (20, true), (5_000, true), (5_001, false)] {
            let request = Request {
                tick_ms: Some(tick_ms),
                ..Request::default()
            };
            assert_eq!(request.shape().is_ok(), is_good);
        }
    }
}
