//! `GET /api/v1/transitions`: how often each transition of a chain happened, and how probable it is.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use dataflows::row::Matrix;

use super::Context;
use super::answer::{Problem, csv, stamped};
use super::chain::{ChainName, PARAMETERS};
use super::query::Format;
use super::routes::{Answers, Asked, Doc};
use crate::frames::json::TransitionsRow;

pub(super) static DOC: Doc = Doc::get(
    "/api/v1/transitions",
    "transition counts and probabilities of one chain",
    PARAMETERS,
    Answers::JsonOrCsv("Transitions"),
);

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    chain: ChainName,
    #[serde(flatten)]
    row: TransitionsRow,
    /// From, to, and the share of what leaves `from`; in the order of the counts.
    probabilities: Vec<(String, String, f64)>,
}

pub(super) fn route(context: &Arc<Context>) -> BoxedFilter<(Response,)> {
    super::routes::route(&DOC, context, answer)
}

async fn answer(context: Arc<Context>, asked: Asked) -> Result<Response, Problem> {
    let (chain, window) = asked.query.chain()?;
    let (at, format) = (asked.query.at_epoch()?, asked.query.format()?);
    let (epoch, counted) = context.counted(chain, at).await?;
    let name = context.chain_name(chain, window)?;
    let matrix = Matrix {
        chain,
        counts: counted.counts,
    };
    let labels = context.frames().labels().clone();
    let row = TransitionsRow::new(&matrix, window, &labels);
    let probabilities = probabilities(&row.counts);
    let stamp = context.stamp(epoch);
    Ok(match format {
        Format::Json => stamped(
            stamp,
            &Answer {
                chain: name,
                row,
                probabilities,
            },
        ),
        Format::Csv => {
            let rows = row.counts.into_iter().zip(probabilities);
            let rows = rows.map(|((from, to, count), (_, _, probability))| {
                [from, to, count.to_string(), probability.to_string()]
            });
            csv(stamp, ["from", "to", "count", "probability"], rows)
        }
    })
}

fn probabilities(counts: &[(String, String, i64)]) -> Vec<(String, String, f64)> {
    let mut leaving: HashMap<&str, i64> = HashMap::new();
    for (from, _, count) in counts {
        *leaving.entry(from).or_default() += count;
    }
    counts
        .iter()
        .map(|(from, to, count)| {
            let share = *count as f64 / leaving[from.as_str()] as f64;
            (from.clone(), to.clone(), share)
        })
        .collect()
}
