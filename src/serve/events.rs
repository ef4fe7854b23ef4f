//! `POST /api/v1/events`: takes in JSON lines, and says what became of them if that is known soon.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::reply::Response;

use super::Context;
use super::answer::{self, Problem, stamped};
use super::routes::{Asked, Doc};
use crate::ingest::http::{Became, Progress};
use crate::ingest::intake::NotPosted;

pub(super) static DOC: Doc = Doc::post("/api/v1/events", "take in JSON lines", "Receipt");

/// How long a sender waits for its receipt.
const WAIT: Duration = Duration::from_millis(250);

#[derive(Serialize)]
struct ReceiptAnswer {
    read: u64,
    accepted: u64,
    duplicate: u64,
    late: u64,
    invalid: u64,
    no_consent: u64,
}

pub(super) fn route(context: &Arc<Context>) -> BoxedFilter<(Response,)> {
    super::routes::route(&DOC, context, take)
}

async fn take(context: Arc<Context>, asked: Asked) -> Result<Response, Problem> {
    let door = &context.doors.door;
    let posted = door.post(asked.body.to_vec()).map_err(refused)?;
    let epoch = match posted.within(WAIT).await {
        Progress::Closed(became) => return Ok(taken(&context, became)),
        Progress::Entered(epoch) => Some(epoch),
        Progress::Waiting => None,
    };
    let later = json!({ "generation": context.facts.generation, "epoch": epoch });
    Ok(answer::json(StatusCode::ACCEPTED, &later))
}

fn taken(context: &Context, became: Became) -> Response {
    let body = ReceiptAnswer {
        read: became.read,
        accepted: became.accepted,
        duplicate: became.duplicate,
        late: became.late,
        invalid: became.invalid,
        no_consent: became.no_consent,
    };
    stamped(context.stamp(became.as_of_epoch), &body)
}

fn refused(refused: NotPosted) -> Problem {
    match refused {
        NotPosted::Full => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "the engine is behind; send the same lines again in a second",
        ),
        NotPosted::Stopped => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the engine stops; send the same lines to it again once it runs",
        ),
    }
}
