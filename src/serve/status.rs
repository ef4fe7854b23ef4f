//! `GET /api/v1/status`: which program this is, how fresh it is, and the settings that matter to a reader.

use std::sync::Arc;

use dataflows::settings::{JourneyRule, NO_GAP_MS, Settings};
use serde::Serialize;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::Context;
use super::answer::{Problem, stamped};
use super::routes::{Answers, Asked, Doc};

pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Of the source it was built from; `unknown` outside a repository.
pub(super) const COMMIT: &str = env!("TRIBUTARY_COMMIT");

pub(super) static DOC: Doc = Doc::get(
    "/api/v1/status",
    "version, generation, epoch, staleness, source, settings that matter to a reader",
    &[],
    Answers::Json("Status"),
);

#[derive(Serialize)]
struct Status<'a> {
    version: &'static str,
    commit: &'static str,
    uptime_ms: u64,
    is_ready: bool,
    /// Why it is not ready.
    not_ready_because: Option<&'static str>,
    source: &'a str,
    process: usize,
    processes: usize,
    workers: usize,
    event_time_ms: Option<i64>,
    /// Anyone who reaches the port may ask.
    insecure: bool,
    /// User ids are hashed with the public development key, which protects nobody.
    development_key: bool,
    settings: Rules,
}

/// Lengths in milliseconds; null: without bound.
#[derive(Serialize)]
struct Rules {
    session_gap_ms: Option<i64>,
    journeys: &'static str,
    journey_gap_ms: Option<i64>,
    allowed_lateness_ms: Option<i64>,
    watermark_support: usize,
}

impl From<&Settings> for Rules {
    fn from(settings: &Settings) -> Rules {
        let (journeys, journey_gap_ms) = match settings.journeys {
            JourneyRule::Session => ("session", None),
            JourneyRule::GapMs(gap_ms) => ("gap", Some(gap_ms)),
        };
        Rules {
            session_gap_ms: Some(settings.session_gap_ms).filter(|&gap_ms| gap_ms != NO_GAP_MS),
            journeys,
            journey_gap_ms,
            allowed_lateness_ms: settings.allowed_lateness_ms,
            watermark_support: settings.watermark_support,
        }
    }
}

pub(super) fn route(context: &Arc<Context>) -> BoxedFilter<(Response,)> {
    super::routes::route(&DOC, context, answer)
}

async fn answer(context: Arc<Context>, _: Asked) -> Result<Response, Problem> {
    let (epoch, event_time_ms) = {
        let frames = context.frames();
        let event_time_ms = frames.clock.and_then(|clock| clock.now_ms);
        (frames.as_of_epoch, event_time_ms)
    };
    let facts = &context.facts;
    let not_ready_because = context.not_ready_because();
    let status = Status {
        version: VERSION,
        commit: COMMIT,
        uptime_ms: context.began.elapsed().as_millis() as u64,
        is_ready: not_ready_because.is_none(),
        not_ready_because,
        source: &facts.source,
        process: facts.process,
        processes: facts.processes,
        workers: facts.threads,
        event_time_ms,
        insecure: facts.is_insecure,
        development_key: facts.is_development_key,
        settings: Rules::from(&facts.settings),
    };
    Ok(stamped(context.stamp(epoch), &status))
}
