//! Frames as they change: the same messages over WebSocket, as server-sent events, and one at a time.
//!
//! In: the frames. Out: a snapshot, then deltas at a client's tick. What must hold: equal subscriptions share one
//! message; a slow reader gets fewer and larger deltas, never a queue; what it has after any of them is what a fresh
//! snapshot would say.

mod channel;
mod hub;
mod message;
mod reader;
mod shape;
mod socket;
mod stream;

use std::sync::Arc;

use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::reply::Response;

use super::Context;
use super::answer::{self, Problem};
use super::query::Query;
use super::routes::{Answers, Asked, Doc, at, query, route};
use crate::frames::Since;

pub(super) use hub::Hub;

use shape::{Request, Shape};

/// The subprotocol of the WebSocket.
pub(super) const PROTOCOL: &str = "tributary.v1.json";

const PARAMETERS: &[&str] = &["topics", "scope", "dimension", "window", "tick_ms"];

pub(super) static SOCKET: Doc = Doc::get(
    "/ws",
    "frames over a WebSocket, subprotocol tributary.v1.json",
    &[],
    Answers::WebSocket,
);
pub(super) static STREAM: Doc = Doc::get(
    "/api/v1/stream",
    "the same frames as server-sent events",
    PARAMETERS,
    Answers::EventStream,
);
pub(super) static FRAME: Doc = Doc::get(
    "/api/v1/frame",
    "one snapshot: what a subscriber would get first",
    PARAMETERS,
    Answers::Json("Snapshot"),
);

pub(super) fn routes(context: &Arc<Context>) -> BoxedFilter<(Response,)> {
    let frame = route(&FRAME, context, |context, asked| async move {
        frame(&context, &asked)
    });
    socket_route(context)
        .or(stream_route(context))
        .unify()
        .or(frame)
        .unify()
        .boxed()
}

fn socket_route(context: &Arc<Context>) -> BoxedFilter<(Response,)> {
    let context = context.clone();
    at(&SOCKET)
        .and(query())
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional())
        .and(warp::ext::optional())
        .map(move |query: String, headers, upgrade, place| {
            Query::parse(&query, SOCKET.parameters)
                .and_then(|_| socket::open(&context, &headers, upgrade, place))
                .unwrap_or_else(Problem::into_response)
        })
        .boxed()
}

fn stream_route(context: &Arc<Context>) -> BoxedFilter<(Response,)> {
    let context = context.clone();
    at(&STREAM)
        .and(query())
        .and(warp::header::optional("last-event-id"))
        .map(move |query: String, last: Option<String>| {
            let shape = Query::parse(&query, PARAMETERS).and_then(|query| shape_of(&query));
            shape.map_or_else(Problem::into_response, |shape| {
                stream::open(&context, shape, last.as_deref())
            })
        })
        .boxed()
}

/// One snapshot.
fn frame(context: &Context, asked: &Asked) -> Result<Response, Problem> {
    let shape = shape_of(&asked.query)?;
    let selected = context.frames().select(&shape.selection, Since::Nothing);
    let message = message::Body::of(&selected).snapshot(context.facts.generation, selected.mark);
    let body = message.to_bytes();
    Ok(answer::response(StatusCode::OK, "application/json", body))
}

/// The subscription that query parameters ask for.
fn shape_of(query: &Query) -> Result<Shape, Problem> {
    let request = Request {
        topics: query
            .get("topics")
            .map(|topics| topics.split(',').map(str::to_owned).collect()),
        scope: query.get("scope").map(str::to_owned),
        dimension: query.get("dimension").map(str::to_owned),
        window: query.get("window").map(str::to_owned),
        tick_ms: query.number("tick_ms")?,
    };
    request.shape().map_err(Problem::bad)
}

/// Where a client stands that says where it was; nothing if that was another run.
fn since(mine: u64, generation: u64, epoch: u64) -> Since {
    match generation == mine {
        true => Since::Epoch(epoch),
        false => Since::Nothing,
    }
}
