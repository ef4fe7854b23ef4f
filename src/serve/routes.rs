//! Every route: what it is called, what it takes, who handles it.
//!
//! The list is the one source for routing, for `/api/v1/openapi.json` and for the counters of `/metrics`.

use std::future::Future;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use tokio::sync::Semaphore;
use warp::filters::BoxedFilter;
use warp::http::{Method, StatusCode};
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::answer::Problem;
use super::limits::Limits;
use super::query::Query;
use super::{
    Context, assets, attribution, cluster, dispositions, events, fundamental, health, history,
    live, metrics, openapi, scopes, status, transitions, user,
};

/// What a route says of itself.
#[derive(Debug)]
pub(crate) struct Doc {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) parameters: &'static [&'static str],
    pub(crate) answers: Answers,
}

/// What a route answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    /// A JSON object of that schema.
    Json(&'static str),
    /// The same, or a table if `format=csv` asks for it.
    JsonOrCsv(&'static str),
    Text,
    Page,
    EventStream,
    WebSocket,
}

impl Doc {
    pub(crate) const fn get(
        path: &'static str,
        summary: &'static str,
        parameters: &'static [&'static str],
        answers: Answers,
    ) -> Doc {
        Doc {
            method: Method::GET,
            path,
            summary,
            parameters,
            answers,
        }
    }

    pub(crate) const fn post(
        path: &'static str,
        summary: &'static str,
        schema: &'static str,
    ) -> Doc {
        Doc {
            method: Method::POST,
            path,
            summary,
            parameters: &[],
            answers: Answers::Json(schema),
        }
    }
}

/// How many there are.
pub(crate) const COUNT: usize = 18;

/// All of them.
pub(crate) static ROUTES: [&Doc; COUNT] = [
    &assets::DOC,
    &live::SOCKET,
    &live::STREAM,
    &live::FRAME,
    &status::DOC,
    &scopes::DOC,
    &attribution::DOC,
    &transitions::DOC,
    &fundamental::DOC,
    &history::DOC,
    &dispositions::DOC,
    &cluster::DOC,
    &user::DOC,
    &events::DOC,
    &openapi::DOC,
    &health::ALIVE,
    &health::READY,
    &metrics::DOC,
];

/// The place of a path in [`ROUTES`], with a slash at its end or without.
pub(super) fn index_of(path: &str) -> Option<usize> {
    let path = match path.strip_suffix('/') {
        None | Some("") => path,
        Some(path) => path,
    };
    ROUTES.iter().position(|doc| doc.path == path)
}

/// What a handler is given.
pub(super) struct Asked {
    pub(super) query: Query,
    pub(super) body: Bytes,
}

/// All routes as one filter.
pub(super) fn routes(context: &Arc<Context>) -> BoxedFilter<(Response,)> {
    live::routes(context)
        .or(answers(context))
        .unify()
        .or(assets::route())
        .unify()
        .recover(refused)
        .unify()
        .boxed()
}

fn answers(context: &Arc<Context>) -> BoxedFilter<(Response,)> {
    let all = [
        status::route(context),
        scopes::route(context),
        attribution::route(context),
        transitions::route(context),
        fundamental::route(context),
        history::route(context),
        dispositions::route(context),
        cluster::route(context),
        user::route(context),
        events::route(context),
        openapi::route(context),
        health::alive(context),
        health::ready(context),
        metrics::route(context),
    ];
    let either = |a: BoxedFilter<(Response,)>, b: BoxedFilter<(Response,)>| a.or(b).unify().boxed();
    all.into_iter()
        .reduce(either)
        .expect("there are routes in the list")
}

/// A filter that is boxed, since `or` nests types beyond what compiles in reasonable time.
pub(super) fn route<H, F>(
    doc: &'static Doc,
    context: &Arc<Context>,
    handler: H,
) -> BoxedFilter<(Response,)>
where
    H: Fn(Arc<Context>, Asked) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    let context = context.clone();
    at(doc)
        .and(query())
        .and(warp::body::stream())
        .then(move |query: String, body| {
            let (context, handler) = (context.clone(), handler.clone());
            async move {
                let limits = &context.limits;
                let answered = async {
                    let query = Query::parse(&query, doc.parameters)?;
                    let body = collect(body, limits.body_bytes_max, &context.room);
                    let body = in_time(limits, body, SLOW_BODY).await?;
                    let answer = handler(context.clone(), Asked { query, body });
                    in_time(limits, answer, SLOW_ANSWER).await
                };
                answered.await.unwrap_or_else(Problem::into_response)
            }
        })
        .boxed()
}

/// Lets requests of that method and path pass.
pub(super) fn at(doc: &'static Doc) -> BoxedFilter<()> {
    let parts = doc.path.split('/').filter(|part| !part.is_empty());
    let path = parts.fold(warp::any().boxed(), |path, part| {
        path.and(warp::path(part)).boxed()
    });
    let path = path.and(warp::path::end());
    match doc.method {
        Method::POST => path.and(warp::post()).boxed(),
        _ => path.and(warp::get()).boxed(),
    }
}

/// The query string; empty if there is none.
pub(super) fn query() -> BoxedFilter<(String,)> {
    let none = warp::any().map(String::new);
    warp::query::raw().or(none).unify().boxed()
}

const SLOW_BODY: (StatusCode, &str) = (
    StatusCode::REQUEST_TIMEOUT,
    "the body was not here in time; send it again, in smaller parts",
);
const SLOW_ANSWER: (StatusCode, &str) = (
    StatusCode::SERVICE_UNAVAILABLE,
    "no answer was found in time; ask again",
);

/// What comes in the time of a request, or else the problem that it did not.
async fn in_time<T>(
    limits: &Limits,
    coming: impl Future<Output = Result<T, Problem>>,
    (status, detail): (StatusCode, &str),
) -> Result<T, Problem> {
    let come = tokio::time::timeout(limits.request_time, coming).await;
    come.unwrap_or_else(|_| Err(Problem::new(status, detail)))
}

async fn collect(
    body: impl Stream<Item = Result<impl Buf, warp::Error>>,
    bytes_max: usize,
    room: &Semaphore,
) -> Result<Bytes, Problem> {
    let mut body = std::pin::pin!(body);
    let mut whole = BytesMut::new();
    let mut places = Vec::new();
    while let Some(chunk) = body.next().await {
        let mut chunk =
            chunk.map_err(|error| Problem::bad(format!("cannot read the body: {error}")))?;
        if whole.len() + chunk.remaining() > bytes_max {
            return Err(Problem::too_large(bytes_max));
        }
        let place = room.try_acquire_many(chunk.remaining() as u32);
        places.push(place.map_err(|_| too_many_bodies())?);
        while chunk.has_remaining() {
            let part = chunk.chunk();
            whole.extend_from_slice(part);
            let taken = part.len();
            chunk.advance(taken);
        }
    }
    Ok(whole.freeze())
}

fn too_many_bodies() -> Problem {
    let detail = "too many bodies are under way; send it again in a second";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
}

/// What no route takes. Wrong methods have been answered before, so this is a path that is none.
async fn refused(rejection: Rejection) -> Result<Response, std::convert::Infallible> {
    let problem = if rejection.is_not_found() {
        Problem::new(
            StatusCode::NOT_FOUND,
            "there is nothing of this name; /api/v1/openapi.json lists what there is",
        )
    } else {
        Problem::bad("the request is not one that this path takes")
    };
    Ok(problem.into_response())
}
