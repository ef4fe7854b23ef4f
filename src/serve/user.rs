//! `POST /api/v1/user`: live sessions and journeys of one user.
//!
//! What must hold: the raw id is hashed here and goes no further, neither into logs nor into messages of errors.

use std::sync::Arc;

use dataflows::answer::{Body, Journey, Point, User};
use dataflows::control::Subject;
use dataflows::event::Kind;
use serde::{Deserialize, Serialize};
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::reply::Response;

use super::Context;
use super::answer::{Problem, stamped};
use super::routes::{Asked, Doc};
use crate::frames::Labels;
use crate::frames::json::units;
use crate::ingest::admit::pseudonym;

pub(super) static DOC: Doc = Doc::post(
    "/api/v1/user",
    "live sessions and journeys of one user",
    "User",
);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    user_id: Option<String>,
    anonymous_id: Option<String>,
}

#[derive(Serialize)]
struct UserAnswer {
    /// What is older may have been forgotten; null: nothing has been.
    complete_since_ms: Option<i64>,
    sessions: Vec<SessionAnswer>,
    journeys: Vec<JourneyAnswer>,
}

#[derive(Serialize)]
struct SessionAnswer {
    first_ms: i64,
    last_ms: i64,
    activities: u64,
    is_open: bool,
}

#[derive(Serialize)]
struct JourneyAnswer {
    advertiser: String,
    is_open: bool,
    is_converted: bool,
    points: Vec<PointAnswer>,
}

#[derive(Serialize)]
struct PointAnswer {
    time_ms: i64,
    kind: &'static str,
    is_touch: bool,
    channel: String,
    campaign: String,
    value: f64,
}

pub(super) fn route(context: &Arc<Context>) -> BoxedFilter<(Response,)> {
    super::routes::route(&DOC, context, answer)
}

async fn answer(context: Arc<Context>, asked: Asked) -> Result<Response, Problem> {
    let user = pseudonym(&context.facts.key, &raw_id(&asked.body)?);
    let answered = context.ask(Subject::User(user), None).await?;
    let mut answers = answered.answers.into_iter();
    let found = answers.find_map(|answer| match answer.body {
        Body::User(user) => Some(user),
        _ => None,
    });
    let user = found.ok_or_else(|| {
        let detail =
            "nothing is held of this user: no event came, or all are older than what is kept";
        Problem::new(StatusCode::NOT_FOUND, detail)
    })?;
    let labels = context.frames().labels().clone();
    Ok(stamped(
        context.stamp(answered.as_of_epoch),
        &shaped(user, &labels),
    ))
}

/// The id in the body; what is wrong with the body is said without repeating it.
fn raw_id(body: &[u8]) -> Result<String, Problem> {
    let advice = "the body is {\"user_id\": \"..\"} or {\"anonymous_id\": \"..\"}";
    let wanted: Wanted = serde_json::from_slice(body).map_err(|_| Problem::bad(advice))?;
    match (wanted.user_id, wanted.anonymous_id) {
        (Some(id), None) | (None, Some(id)) if !id.is_empty() => Ok(id),
        _ => Err(Problem::bad(advice)),
    }
}

fn shaped(user: User, labels: &Labels) -> UserAnswer {
    let sessions = user.sessions.into_iter().map(|session| SessionAnswer {
        first_ms: session.first_ms,
        last_ms: session.last_ms,
        activities: session.activities,
        is_open: session.is_open,
    });
    let journeys = user.journeys.into_iter();
    UserAnswer {
        complete_since_ms: user.complete_since_ms,
        sessions: sessions.collect(),
        journeys: journeys
            .map(|journey| shaped_journey(journey, labels))
            .collect(),
    }
}

fn shaped_journey(journey: Journey, labels: &Labels) -> JourneyAnswer {
    let is_conversion = |point: &Point| point.kind == Kind::Conversion;
    let points = journey.points.iter().map(|point| PointAnswer {
        time_ms: point.time_ms,
        kind: match point.kind {
            Kind::Other => "other",
            Kind::Impression => "impression",
            Kind::Click => "click",
            Kind::Conversion => "conversion",
        },
        is_touch: point.is_touch,
        channel: labels.text(point.channel).to_string(),
        campaign: labels.text(point.campaign).to_string(),
        value: units(point.value.into()),
    });
    JourneyAnswer {
        advertiser: labels.text(journey.advertiser).to_string(),
        is_open: journey.is_open,
        is_converted: journey.points.last().is_some_and(is_conversion),
        points: points.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::raw_id;

    #[test]
    fn a_wrong_body_is_not_repeated() {
        for body in [
            &b"{\"user\": \"secret-7\"}"[..],
            b"secret-7",
            b"{\"user_id\": 7}",
        ] {
            let problem = raw_id(body).unwrap_err();
            assert!(!problem.detail.contains('7'), "{}", problem.detail);
        }
        assert_eq!(raw_id(b"{\"anonymous_id\":\"x\"}").unwrap(), "x");
    }
}
