//! Server-sent events: the messages of the WebSocket for clients that only listen.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, stream};
use warp::Reply;
use warp::http::StatusCode;
use warp::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use warp::reply::Response;

use super::message::{self, Message};
use super::reader::{Next, Reader};
use super::shape::Shape;
use crate::frames::Since;
use crate::serve::Context;
use crate::serve::counters::Counted;

/// How soon a browser comes back.
const RETRY: &str = "retry: 1000\n";

/// Where a listener stands.
struct Listener {
    reader: Reader,
    since: Since,
    at: u64,
    state: State,
    context: Arc<Context>,
    _counted: Counted,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Greeted,
    Listening,
    Ended,
}

/// Begins to tell a listener, from its last event on if it names one that is still known.
pub(super) fn open(context: &Arc<Context>, shape: Shape, last: Option<&str>) -> Response {
    let hub = &context.hub;
    let (since, at) = last
        .and_then(parse)
        .map_or((Since::Nothing, 0), |(generation, epoch)| {
            (super::since(hub.generation, generation, epoch), epoch)
        });
    let listener = Listener {
        reader: hub.join(shape),
        since,
        at,
        state: State::New,
        context: context.clone(),
        _counted: context.counters.listener(),
    };
    let mut response = warp::reply::stream(events(listener)).into_response();
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    let event_stream = HeaderValue::from_static("text/event-stream");
    headers.insert(CONTENT_TYPE, event_stream);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that would collect the stream are told not to.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// `generation-epoch`.
fn parse(id: &str) -> Option<(u64, u64)> {
    let (generation, epoch) = id.split_once('-')?;
    Some((generation.parse().ok()?, epoch.parse().ok()?))
}

type Part = Result<Bytes, std::convert::Infallible>;

fn events(listener: Listener) -> impl Stream<Item = Part> + Send + Sync {
    stream::unfold(listener, |mut listener| async move {
        let message = listener.next().await?;
        listener.context.counters.sent(message.len());
        let text = event(&message, listener.context.hub.generation);
        Some((Ok(text), listener))
    })
}

impl Listener {
    async fn next(&mut self) -> Option<Message> {
        match self.state {
            State::New => {
                self.state = State::Greeted;
                let hub = &self.context.hub;
                Some(message::hello(hub.generation, hub.mark().epoch))
            }
            State::Greeted => {
                self.state = State::Listening;
                Some(self.reader.first(self.since, self.at))
            }
            State::Listening => match self.reader.next().await {
                Next::Message(message) => Some(message),
                Next::Last(message) => {
                    self.state = State::Ended;
                    message
                }
            },
            State::Ended => None,
        }
    }
}

fn event(message: &Message, generation: u64) -> Bytes {
    let mut text = Vec::with_capacity(message.len() + 64);
    text.extend_from_slice(match message.kind {
        "hello" => RETRY.as_bytes(),
        _ => b"",
    });
    text.extend_from_slice(format!("event: {}\n", message.kind).as_bytes());
    if let Some(epoch) = message.epoch {
        text.extend_from_slice(format!("id: {generation}-{epoch}\n").as_bytes());
    }
    // JSON has no line breaks outside of strings, and in them they are escaped.
    text.extend_from_slice(b"data: ");
    text.extend_from_slice(&message.head);
    text.extend_from_slice(&message.body);
    text.extend_from_slice(b"\n\n");
    text.into()
}
