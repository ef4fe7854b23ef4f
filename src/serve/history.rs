//! `GET /api/v1/history`: credit over the last six hours of event time, by minute.

use std::sync::Arc;

use serde::Serialize;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::Context;
use super::answer::{Problem, csv, stamped};
use super::chain::ChainName;
use super::query::Format;
use super::routes::{Answers, Asked, Doc};
use crate::frames::json::PointRow;

const POINTS_MAX: u64 = 720;

pub(super) static DOC: Doc = Doc::get(
    "/api/v1/history",
    "credit over the last six hours of event time, by minute",
    &["scope", "dimension", "window", "format", "points"],
    Answers::JsonOrCsv("History"),
);

const HEADER: [&str; 10] = [
    "at_ms",
    "events_per_second",
    "journeys",
    "conversions",
    "untouched",
    "value",
    "untouched_value",
    "state",
    "attributed_conversions",
    "attributed_value",
];

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    chain: ChainName,
    points: Vec<PointRow>,
}

pub(super) fn route(context: &Arc<Context>) -> BoxedFilter<(Response,)> {
    super::routes::route(&DOC, context, answer)
}

async fn answer(context: Arc<Context>, asked: Asked) -> Result<Response, Problem> {
    let (chain, window) = asked.query.chain()?;
    let format = asked.query.format()?;
    let wanted = asked.query.number("points")?.unwrap_or(POINTS_MAX);
    if !(1..=POINTS_MAX).contains(&wanted) {
        return Err(Problem::bad(format!(
            "points must be 1 to {POINTS_MAX}, not {wanted}"
        )));
    }
    let name = context.chain_name(chain, window)?;
    let (epoch, points, labels) = {
        let frames = context.frames();
        let points = frames.points(chain, window);
        (frames.as_of_epoch, points, frames.labels().clone())
    };
    let points: Vec<PointRow> = thinned(points.len(), wanted as usize)
        .map(|i| PointRow::new(&points[i], &labels))
        .collect();
    let stamp = context.stamp(epoch);
    Ok(match format {
        Format::Json => stamped(
            stamp,
            &Answer {
                chain: name,
                points,
            },
        ),
        Format::Csv => csv(stamp, HEADER, points.iter().flat_map(rows)),
    })
}

/// So many places of `count`, evenly spread, the last among them: it is the newest.
fn thinned(count: usize, wanted: usize) -> impl Iterator<Item = usize> {
    let kept = count.min(wanted);
    (0..kept).map(move |i| (i + 1) * count / kept - 1)
}

/// A row for each state at that minute; one without a state where nothing is credited.
fn rows(point: &PointRow) -> Vec<[String; 10]> {
    let row = |state: &str, conversions: Option<f64>, value: Option<f64>| {
        [
            point.at_ms.to_string(),
            point.events_per_second.to_string(),
            point.journeys.to_string(),
            point.conversions.to_string(),
            point.untouched.to_string(),
            point.value.to_string(),
            point.untouched_value.to_string(),
            state.to_owned(),
            super::answer::cell(conversions),
            super::answer::cell(value),
        ]
    };
    if point.credits.is_empty() {
        return vec![row("", None, None)];
    }
    let credits = point.credits.iter();
    credits
        .map(|(state, [conversions, value, _])| row(state, *conversions, *value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::thinned;

    #[test]
    fn thinning_keeps_the_newest() {
        assert_eq!(thinned(6, 3).collect::<Vec<_>>(), [1, 3, 5]);
        assert_eq!(thinned(2, 9).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(thinned(0, 9).count(), 0);
        assert_eq!(thinned(7, 1).collect::<Vec<_>>(), [6]);
    }
}
