//! Connections: so many at once, heads in time and within bounds, and a good-bye to all at the end.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::limits::Limits;
use super::{Context, guard, routes};

/// Held as long as a connection lasts, by its WebSocket too once it has become one.
pub(super) type Place = Arc<OwnedSemaphorePermit>;

/// How long a full process waits before it takes the next connection.
const FULL_PAUSE: Duration = Duration::from_millis(50);
/// The kernel gives a silent peer up a little after the server would have.
const KERNEL_SLACK: Duration = Duration::from_secs(5);

/// What one too many is told, by hand: its request is not even read.
fn full() -> String {
    let body = "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\
                \"detail\":\"too many connections; come later\"}";
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 5\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Ends the server.
pub(super) struct Stop {
    tell: watch::Sender<bool>,
    places: Arc<Semaphore>,
    count: usize,
}

impl Stop {
    /// Takes no more connections and waits for those there are; true if all have ended in time.
    pub(super) async fn finish(&self, within: Duration) -> bool {
        self.tell.send_replace(true);
        let all = self.places.acquire_many(self.count as u32);
        tokio::time::timeout(within, all).await.is_ok()
    }
}

/// Takes connections until it is stopped.
pub(super) fn start(listener: std::net::TcpListener, context: Arc<Context>) -> Result<Stop> {
    let listener = TcpListener::from_std(listener).context("setting up the listener")?;
    let count = context.limits.connections_max;
    let places = Arc::new(Semaphore::new(count));
    let (tell, told) = watch::channel(false);
    tokio::spawn(accept(listener, context, places.clone(), told));
    Ok(Stop {
        tell,
        places,
        count,
    })
}

async fn accept(
    listener: TcpListener,
    context: Arc<Context>,
    places: Arc<Semaphore>,
    mut told: watch::Receiver<bool>,
) {
    let service = warp::service(routes::routes(&context));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut told) => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file handles, most likely: some will be given back.
                tracing::warn!("cannot take a connection: {error}");
                tokio::time::sleep(FULL_PAUSE).await;
                continue;
            }
        };
        match places.clone().try_acquire_owned() {
            Ok(place) => {
                let (context, service) = (context.clone(), service.clone());
                let place = Arc::new(place);
                tokio::spawn(converse(stream, context, service, place, told.clone()));
            }
            Err(_) => {
                context.counters.turn_away();
                tokio::spawn(turn_away(stream));
            }
        }
    }
}

/// Waits for the end.
pub(super) async fn stopped(told: &mut watch::Receiver<bool>) {
    // The sender being gone is an end too.
    let _ = told.wait_for(|stop| *stop).await;
}

async fn turn_away(mut stream: TcpStream) {
    let answer = full();
    let said = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        // To close on a request that has not been read would take the answer back.
        let mut asked = stream.take(Limits::HEAD_BYTES_MAX as u64);
        tokio::io::copy(&mut asked, &mut tokio::io::sink()).await
    };
    // Whoever does not hear it in time finds the connection closed.
    let _ = tokio::time::timeout(Duration::from_secs(1), said).await;
}

/// One connection, request after request.
async fn converse<S>(
    stream: TcpStream,
    context: Arc<Context>,
    service: S,
    place: Place,
    mut told: watch::Receiver<bool>,
) where
    S: tower_service::Service<
            warp::http::Request<hyper::body::Incoming>,
            Response = warp::reply::Response,
            Error = std::convert::Infallible,
        > + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    settle(&stream, context.limits.stall_time);
    let _counted = context.counters.connection();
    let limits = context.limits.clone();
    let answer = service_fn(move |mut request: warp::http::Request<_>| {
        request.extensions_mut().insert(place.clone());
        guard::handle(context.clone(), service.clone(), request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(Limits::HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut told) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended early: {error}");
    }
}

/// Small messages leave at once; a peer that is gone is noticed without our writing to it.
fn settle(stream: &TcpStream, stall_time: Duration) {
    let given_up = (stall_time + KERNEL_SLACK).as_millis() as u32;
    let settled = stream.set_nodelay(true).and_then(|()| {
        rustix::net::sockopt::set_tcp_user_timeout(stream, given_up)?;
        rustix::net::sockopt::set_tcp_keepidle(stream, stall_time)?;
        rustix::net::sockopt::set_socket_keepalive(stream, true)?;
        Ok(())
    });
    if let Err(error) = settled {
        tracing::debug!("a connection goes on with the system's settings: {error}");
    }
}
