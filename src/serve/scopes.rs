//! `GET /api/v1/scopes`: what chains can be named by.

use std::sync::Arc;

use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::Context;
use super::answer::{Problem, stamped};
use super::routes::{Answers, Asked, Doc};
use crate::frames::json::ScopesRow;

pub(super) static DOC: Doc = Doc::get(
    "/api/v1/scopes",
    "advertisers, dimensions, windows",
    &[],
    Answers::Json("Scopes"),
);

pub(super) fn route(context: &Arc<Context>) -> BoxedFilter<(Response,)> {
    super::routes::route(&DOC, context, answer)
}

async fn answer(context: Arc<Context>, _: Asked) -> Result<Response, Problem> {
    let (epoch, advertisers) = {
        let frames = context.frames();
        let advertisers: Vec<_> = frames.advertisers().cloned().collect();
        (frames.as_of_epoch, advertisers)
    };
    Ok(stamped(context.stamp(epoch), &ScopesRow::new(&advertisers)))
}
