//! `GET /api/v1/attribution`: credit of one chain.

use std::sync::Arc;

use dataflows::attribution::Attribution;
use dataflows::epochs::Epoch;
use dataflows::transitions::{ChainKey, Window};
use serde::Serialize;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::Context;
use super::answer::{Problem, cell, csv, stamped};
use super::chain::{ChainName, PARAMETERS};
use super::query::Format;
use super::routes::{Answers, Asked, Doc};
use crate::frames::json::AttributionRow;

pub(super) static DOC: Doc = Doc::get(
    "/api/v1/attribution",
    "credit of one chain",
    PARAMETERS,
    Answers::JsonOrCsv("Attribution"),
);

const HEADER: [&str; 5] = [
    "state",
    "removal_effect",
    "removal_effect_value",
    "attributed_conversions",
    "attributed_value",
];

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    chain: ChainName,
    #[serde(flatten)]
    row: AttributionRow,
}

pub(super) fn route(context: &Arc<Context>) -> BoxedFilter<(Response,)> {
    super::routes::route(&DOC, context, answer)
}

async fn answer(context: Arc<Context>, asked: Asked) -> Result<Response, Problem> {
    let (chain, window) = asked.query.chain()?;
    let (at, format) = (asked.query.at_epoch()?, asked.query.format()?);
    let (epoch, row) = attribution(&context, chain, window, at).await?;
    let name = context.chain_name(chain, window)?;
    let labels = context.frames().labels().clone();
    let row = row.map_or_else(AttributionRow::default, |row| {
        AttributionRow::new(&row, &labels)
    });
    let stamp = context.stamp(epoch);
    Ok(match format {
        Format::Json => stamped(stamp, &Answer { chain: name, row }),
        Format::Csv => csv(
            stamp,
            HEADER,
            row.credits.into_iter().map(|credit| {
                [
                    credit.state,
                    cell(credit.removal_effect),
                    cell(credit.removal_effect_value),
                    cell(credit.attributed_conversions),
                    cell(credit.attributed_value),
                ]
            }),
        ),
    })
}

/// The row as of the last closed epoch is at hand; that of another one is asked for.
async fn attribution(
    context: &Context,
    chain: ChainKey,
    window: Window,
    at: Option<Epoch>,
) -> Result<(Epoch, Option<Attribution>), Problem> {
    if at.is_none() {
        let frames = context.frames();
        return Ok((
            frames.as_of_epoch,
            frames.attribution(chain, window).cloned(),
        ));
    }
    let (epoch, counted) = context.counted(chain, at).await?;
    let [all, day, hour] = counted.windows;
    let row = match window {
        Window::All => all,
        Window::Day => day,
        Window::Hour => hour,
    };
    Ok((epoch, row))
}
