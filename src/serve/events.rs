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
use crate::ingest::http::{Receipt, Refused};

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
    let receipt = context
        .doors
        .door
        .post(asked.body.to_vec())
        .map_err(refused)?;
    match tokio::time::timeout(WAIT, receipt).await {
        Ok(receipt) => Ok(taken(&context, receipt)),
        Err(_) => {
            let later = json!({
                "generation": context.facts.generation,
                "epoch": context.frames().as_of_epoch,
            });
            Ok(answer::json(StatusCode::ACCEPTED, &later))
        }
    }
}

fn taken(context: &Context, receipt: Receipt) -> Response {
    let body = ReceiptAnswer {
        read: receipt.read,
        accepted: receipt.accepted,
        duplicate: receipt.duplicate,
        late: receipt.late,
        invalid: receipt.invalid,
        no_consent: receipt.no_consent,
    };
    stamped(context.stamp(receipt.epoch), &body)
}

fn refused(refused: Refused) -> Problem {
    match refused {
        Refused::Behind => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "the engine is behind; send the same lines again in a second",
        ),
        Refused::Stopped => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the engine stops; send the same lines to it again once it runs",
        ),
    }
}
