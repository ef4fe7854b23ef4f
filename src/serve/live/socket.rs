//! The WebSocket: handshake, what clients say, and sending without holding memory for a slow reader.
//!
//! warp's own WebSocket leaves tungstenite's buffers at 128 KiB and more a client, so only the routing is warp's.
//! Large messages are sent in fragments: the library keeps its output buffer at the size of the largest frame.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::protocol::{Message as Wire, Role, WebSocketConfig};
use warp::http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use warp::http::{HeaderMap, HeaderName, HeaderValue, Response as HttpResponse, StatusCode};
use warp::reply::Response;

use super::PROTOCOL;
use super::message::{self, Message};
use super::reader::{Next, Reader};
use super::shape::{Request, Shape};
use crate::frames::Since;
use crate::serve::Context;
use crate::serve::accept::Place;
use crate::serve::answer::Problem;
use crate::serve::limits::Limits;

/// How long a new client has for its first message before it gets the usual subscription. Longer than the way to any
/// place on earth and back: who has said something must not get the usual rows first.
const FIRST_WORD: Duration = Duration::from_secs(1);
/// The shortest time from one subscription of a client to its next.
const WISH_PAUSE: Duration = Duration::from_millis(50);
/// How long the closing handshake may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// Bytes of a frame that is sent.
const FRAGMENT_BYTES: usize = 16 << 10;
/// Bytes of a client's key: 16 in base64.
const KEY_BYTES: usize = 24;
/// Bytes read at once: what clients say is short.
const READ_BYTES: usize = 1 << 10;

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Said {
    Subscribe {
        #[serde(flatten)]
        request: Request,
    },
    Resume {
        generation: u64,
        epoch: u64,
        #[serde(flatten)]
        request: Request,
    },
}

/// Answers the handshake and goes on with the socket once it is one.
pub(super) fn open(
    context: &Arc<Context>,
    headers: &HeaderMap,
    upgrade: Option<OnUpgrade>,
    place: Option<Place>,
) -> Result<Response, Problem> {
    let (key, protocol) = handshake(headers)?;
    let upgrade = upgrade.ok_or_else(|| Problem::bad("this connection cannot be upgraded"))?;
    let context = context.clone();
    tokio::spawn(async move {
        // Held until the client is gone, so that it counts as a connection.
        let _place = place;
        match upgrade.await {
            Ok(upgraded) => serve(&context, upgraded).await,
            Err(error) => tracing::debug!("a WebSocket ended before it began: {error}"),
        }
    });
    let mut response = HttpResponse::new(Vec::<u8>::new().into());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let answers = response.headers_mut();
    answers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    answers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    answers.insert(SEC_WEBSOCKET_ACCEPT, key);
    if let Some(protocol) = protocol {
        answers.insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    Ok(response)
}

type Accepted = (HeaderValue, Option<HeaderValue>);

/// The accepting key, and the subprotocol if the client names any.
fn handshake(headers: &HeaderMap) -> Result<Accepted, Problem> {
    let has =
        |name: HeaderName, word: &str| list(headers, &name).any(|w| w.eq_ignore_ascii_case(word));
    if !has(CONNECTION, "upgrade") || !has(UPGRADE, "websocket") {
        let advice = "this path speaks WebSocket only; without one use /api/v1/stream";
        return Err(Problem::new(StatusCode::UPGRADE_REQUIRED, advice));
    }
    if headers
        .get(SEC_WEBSOCKET_VERSION)
        .map(HeaderValue::as_bytes)
        != Some(b"13")
    {
        return Err(Problem::bad("sec-websocket-version must be 13"));
    }
    let key = headers
        .get(SEC_WEBSOCKET_KEY)
        .filter(|key| key.len() == KEY_BYTES)
        .ok_or_else(|| Problem::bad("sec-websocket-key must be 16 bytes in base64"))?;
    let accepted = HeaderValue::from_str(&derive_accept_key(key.as_bytes()))
        .map_err(|_| Problem::bad("sec-websocket-key is not a key"))?;
    let offered = headers.contains_key(SEC_WEBSOCKET_PROTOCOL);
    if offered && !list(headers, &SEC_WEBSOCKET_PROTOCOL).any(|name| name == PROTOCOL) {
        return Err(Problem::bad(format!(
            "the subprotocol spoken here is {PROTOCOL}"
        )));
    }
    let protocol = offered.then(|| HeaderValue::from_static(PROTOCOL));
    Ok((accepted, protocol))
}

/// The words of a header that is a list.
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).map(str::trim)
}

/// Why a conversation ends.
enum End {
    /// The peer has gone, or broken the protocol of WebSockets.
    Lost,
    /// The peer says good-bye.
    Closed,
    Close(CloseCode, Cow<'static, str>),
}

impl From<Error> for End {
    fn from(error: Error) -> End {
        match error {
            Error::Capacity(_) => End::Close(
                CloseCode::Size,
                format!("at most {} bytes", Limits::MESSAGE_BYTES_MAX).into(),
            ),
            Error::Utf8(_) => End::Close(CloseCode::Invalid, "text must be UTF-8".into()),
            Error::Protocol(_) => End::Close(CloseCode::Protocol, "no WebSocket frame".into()),
            _ => End::Lost,
        }
    }
}

async fn serve(context: &Arc<Context>, upgraded: Upgraded) {
    let _counted = context.counters.socket();
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(FRAGMENT_BYTES)
        .max_write_buffer_size(4 * FRAGMENT_BYTES)
        .max_message_size(Some(Limits::MESSAGE_BYTES_MAX))
        .max_frame_size(Some(Limits::MESSAGE_BYTES_MAX));
    let stream = TokioIo::new(upgraded);
    let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    let mut client = Client {
        context: context.clone(),
        socket,
        is_new: true,
        next_wish: Instant::now(),
    };
    match client.converse().await {
        Err(End::Close(code, reason)) => client.close(code, reason).await,
        Err(End::Closed) => client.hear_out().await,
        Err(End::Lost) | Ok(()) => {}
    }
}

struct Client {
    context: Arc<Context>,
    socket: WebSocketStream<TokioIo<Upgraded>>,
    /// It has had no rows yet, so what it says to know is what it knows.
    is_new: bool,
    /// When it may subscribe again: a snapshot costs more than asking for it.
    next_wish: Instant,
}

impl Client {
    /// Talks until either side ends it.
    async fn converse(&mut self) -> Result<(), End> {
        let hub = self.context.hub.clone();
        let hello = message::hello(hub.generation, hub.mark().epoch);
        self.send(&hello).await?;
        let mut reader = match tokio::time::timeout(FIRST_WORD, self.said()).await {
            Ok(said) => {
                let said = said?;
                self.subscribe(said).await?
            }
            Err(_) => self.subscribe(Ok(Said::usual())).await?,
        };
        loop {
            tokio::select! {
                said = self.said() => {
                    let said = said?;
                    reader = self.subscribe(said).await?;
                }
                next = reader.next() => match next {
                    Next::Message(message) => self.send(&message).await?,
                    Next::Last(message) => {
                        if let Some(message) = message {
                            self.send(&message).await?;
                        }
                        return Err(End::Close(CloseCode::Away, "the server stops".into()));
                    }
                },
            }
        }
    }

    /// Waits for the client to say something; what is wrong with it, if it makes no sense. Pings are answered
    /// underneath. May be dropped at any await without losing anything.
    async fn said(&mut self) -> Result<Result<Said, String>, End> {
        loop {
            match self.socket.next().await.ok_or(End::Lost)?? {
                Wire::Text(text) => {
                    let said = serde_json::from_str(text.as_str());
                    return Ok(said.map_err(|error| format!("no message of {PROTOCOL}: {error}")));
                }
                Wire::Binary(_) => return Ok(Err("messages are text, not binary".to_owned())),
                Wire::Close(_) => return Err(End::Closed),
                Wire::Ping(_) | Wire::Pong(_) | Wire::Frame(_) => {}
            }
        }
    }

    /// A new subscription in place of the old one, and its first message.
    async fn subscribe(&mut self, said: Result<Said, String>) -> Result<Reader, End> {
        tokio::time::sleep_until(self.next_wish).await;
        self.next_wish = Instant::now() + WISH_PAUSE;
        let hub = &self.context.hub;
        match said.and_then(|said| said.wish(hub.generation)) {
            Ok((shape, since, at)) => {
                let is_first = std::mem::replace(&mut self.is_new, false);
                let since = if is_first { since } else { Since::Nothing };
                let mut reader = hub.join(shape);
                let first = reader.first(since, at);
                self.send(&first).await?;
                Ok(reader)
            }
            Err(title) => {
                self.send(&message::error(&title)).await?;
                Err(End::Close(CloseCode::Policy, "see the error before".into()))
            }
        }
    }

    /// Sends a message in frames that are small enough.
    async fn send(&mut self, message: &Message) -> Result<(), End> {
        self.context.counters.sent(message.len());
        let last = message.body.len().div_ceil(FRAGMENT_BYTES);
        let head = std::iter::once(message.head.clone());
        let body = (0..last).map(|i| {
            let end = message.body.len().min((i + 1) * FRAGMENT_BYTES);
            message.body.slice(i * FRAGMENT_BYTES..end)
        });
        for (i, part) in head.chain(body).enumerate() {
            let code = match i {
                0 => Data::Text,
                _ => Data::Continue,
            };
            let frame = Frame::message(part, OpCode::Data(code), i == last);
            self.push(Some(Wire::Frame(frame))).await?;
        }
        self.push(None).await
    }

    /// Hands a frame over, or what is left of those before, in the time that a reader has.
    async fn push(&mut self, frame: Option<Wire>) -> Result<(), End> {
        let pushed = async {
            match frame {
                Some(frame) => self.socket.feed(frame).await,
                None => self.socket.flush().await,
            }
        };
        match tokio::time::timeout(self.context.limits.stall_time, pushed).await {
            Ok(pushed) => Ok(pushed?),
            Err(_) => {
                self.context.counters.stall();
                Err(End::Close(CloseCode::Again, "nothing was taken".into()))
            }
        }
    }

    /// Says good-bye and hears out the answer.
    async fn close(&mut self, code: CloseCode, reason: Cow<'static, str>) {
        let frame = CloseFrame {
            code,
            reason: reason.as_ref().into(),
        };
        let said = tokio::time::timeout(FAREWELL, self.socket.close(Some(frame))).await;
        if matches!(said, Ok(Ok(()))) {
            self.hear_out().await;
        }
    }

    /// Reads to the end, if it comes soon; underneath, that answers a good-bye.
    async fn hear_out(&mut self) {
        let heard = async { while let Some(Ok(_)) = self.socket.next().await {} };
        // Whoever does not end in time is cut off.
        let _ = tokio::time::timeout(FAREWELL, heard).await;
    }
}

impl Said {
    fn usual() -> Said {
        Said::Subscribe {
            request: Request::default(),
        }
    }

    /// What is subscribed to, what the client knows, and the epoch it is at.
    fn wish(self, mine: u64) -> Result<(Shape, Since, u64), String> {
        match self {
            Said::Subscribe { request } => Ok((request.shape()?, Since::Nothing, 0)),
            Said::Resume {
                generation,
                epoch,
                request,
            } => Ok((
                request.shape()?,
                super::since(mine, generation, epoch),
                epoch,
            )),
        }
    }
}
