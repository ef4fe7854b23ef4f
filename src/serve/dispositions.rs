//! `GET /api/v1/dispositions`: what became of the records.

use std::sync::Arc;

use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::Context;
use super::answer::{Problem, csv, stamped};
use super::query::Format;
use super::routes::{Answers, Asked, Doc};
use crate::frames::json::DispositionsRow;

pub(super) static DOC: Doc = Doc::get(
    "/api/v1/dispositions",
    "what became of the records",
    &["format"],
    Answers::JsonOrCsv("Dispositions"),
);

pub(super) fn route(context: &Arc<Context>) -> BoxedFilter<(Response,)> {
    super::routes::route(&DOC, context, answer)
}

async fn answer(context: Arc<Context>, asked: Asked) -> Result<Response, Problem> {
    let (epoch, counted) = {
        let frames = context.frames();
        (frames.as_of_epoch, frames.dispositions)
    };
    let row = DispositionsRow::from(&counted);
    let stamp = context.stamp(epoch);
    Ok(match asked.query.format()? {
        Format::Json => stamped(stamp, &row),
        Format::Csv => csv(stamp, ["disposition", "records"], named(&row)),
    })
}

/// The five that add up to what was read.
fn named(row: &DispositionsRow) -> [[String; 2]; 5] {
    [
        ("accepted", row.accepted),
        ("duplicate", row.duplicate),
        ("late", row.late),
        ("invalid", row.invalid),
        ("no_consent", row.no_consent),
    ]
    .map(|(name, count)| [name.to_owned(), count.to_string()])
}
