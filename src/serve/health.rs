//! `/healthz`: alive. `/readyz`: answers are fresh, so send readers here.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::reply::Response;

use super::Context;
use super::answer::{Problem, response};
use super::routes::{Answers, Doc, route};

pub(super) static ALIVE: Doc = Doc::get("/healthz", "alive", &[], Answers::Text);
pub(super) static READY: Doc = Doc::get("/readyz", "caught up", &[], Answers::Text);

/// Answers are stale when no epoch has closed for so long.
const STALE: Duration = Duration::from_secs(2);

impl Context {
    /// `None` if it is ready.
    pub(super) fn not_ready_because(&self) -> Option<&'static str> {
        if self.is_draining.load(Ordering::Relaxed) {
            return Some("it stops");
        }
        match self.doors.meter.since_closed() {
            None => Some("no epoch has closed yet"),
            Some(age) if age >= STALE => Some("no epoch has closed for 2 s"),
            Some(_) if !self.doors.meter.is_caught_up() => {
                Some("it has not caught up with its source")
            }
            Some(_) => None,
        }
    }
}

pub(super) fn alive(context: &Arc<Context>) -> BoxedFilter<(Response,)> {
    route(&ALIVE, context, |_, _| async { Ok(text("alive\n")) })
}

pub(super) fn ready(context: &Arc<Context>) -> BoxedFilter<(Response,)> {
    route(&READY, context, |context, _| async move {
        match context.not_ready_because() {
            None => Ok(text("ready\n")),
            Some(why) => Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("not ready: {why}"),
            )),
        }
    })
}

fn text(text: &'static str) -> Response {
    response(StatusCode::OK, "text/plain; charset=utf-8", text)
}
