//! `GET /api/v1/cluster`: processes and workers.

use std::sync::Arc;

use serde::Serialize;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::Context;
use super::answer::{Problem, stamped};
use super::engine::Worker;
use super::routes::{Answers, Asked, Doc};

pub(super) static DOC: Doc = Doc::get(
    "/api/v1/cluster",
    "processes and workers",
    &[],
    Answers::Json("Cluster"),
);

#[derive(Serialize)]
struct Cluster {
    /// The process that answers.
    process: usize,
    processes: Vec<Process>,
    workers: Vec<Worker>,
}

#[derive(Serialize)]
struct Process {
    process: usize,
    workers: usize,
    events_per_second: f64,
    /// Mean of its workers; null until they have told.
    busy_share: Option<f64>,
}

pub(super) fn route(context: &Arc<Context>) -> BoxedFilter<(Response,)> {
    super::routes::route(&DOC, context, answer)
}

async fn answer(context: Arc<Context>, _: Asked) -> Result<Response, Problem> {
    let workers = context.engine().workers;
    let facts = &context.facts;
    let process = |process| {
        let own: Vec<&Worker> = workers.iter().filter(|w| w.process == process).collect();
        let busy: f64 = own.iter().map(|worker| worker.busy_share).sum();
        Process {
            process,
            workers: facts.threads,
            events_per_second: own.iter().map(|worker| worker.events_per_second).sum(),
            busy_share: (!own.is_empty()).then(|| busy / own.len() as f64),
        }
    };
    let epoch = context.frames().as_of_epoch;
    let cluster = Cluster {
        process: facts.process,
        processes: (0..facts.processes).map(process).collect(),
        workers: workers.clone(),
    };
    Ok(stamped(context.stamp(epoch), &cluster))
}
