//! The server: one port for browsers, programs and probes; docs/API.md says what it speaks.
//!
//! In: the doors of a running engine. Out: frames over WebSocket and server-sent events, answers over REST. What must
//! hold: an answer is of one closed epoch and says which; no request, however odd, stops or slows the engine; a raw
//! user id is never logged. This is the only place that talks HTTP.

mod accept;
mod answer;
mod assets;
mod attribution;
mod chain;
mod cluster;
mod counters;
mod dispositions;
mod engine;
mod events;
mod fundamental;
mod guard;
mod health;
mod history;
mod limits;
mod live;
mod metrics;
mod openapi;
mod query;
mod routes;
mod scopes;
mod status;
mod transitions;
mod user;

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use dataflows::settings::Settings;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

use crate::frames::Frames;
use crate::run::Doors;

pub use limits::Limits;

use counters::Counters;
use live::Hub;

/// Threads that talk to clients. More would take the processor from the workers.
const THREADS: usize = 2;

/// What does not change while the server runs.
/// Not to be printed: it has the key.
#[derive(Clone)]
pub struct Facts {
    /// Milliseconds since 1970 at which this run began: epochs of another generation are other epochs.
    pub generation: u64,
    /// Where records come from, for readers.
    pub source: String,
    pub settings: Settings,
    pub key: [u8; 32],
    /// The public development key is in use.
    pub is_development_key: bool,
    pub process: usize,
    /// The addresses of the processes; one of them may have none.
    pub processes: usize,
    pub threads: usize,
    /// Reachable from other machines without authentication, as somebody has asked for.
    pub is_insecure: bool,
}

/// What all handlers share.
pub(crate) struct Context {
    doors: Doors,
    facts: Facts,
    limits: Limits,
    hub: Arc<Hub>,
    counters: Counters,
    began: Instant,
    /// Bytes of bodies that may still be taken in before some have been dealt with.
    room: Semaphore,
    is_draining: AtomicBool,
}

impl Context {
    fn frames(&self) -> MutexGuard<'_, Frames> {
        self.doors.frames.lock().expect("nobody panics with it")
    }
}

/// A server that runs until it is stopped.
pub struct Server {
    runtime: Runtime,
    context: Arc<Context>,
    address: SocketAddr,
    stop: accept::Stop,
}

/// Takes the address that the server will listen at.
///
/// # Errors
/// When it is in use or not this machine's.
pub fn bind(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).with_context(|| {
        format!("cannot listen at {address}; choose another with serve.address or --address")
    })?;
    listener
        .set_nonblocking(true)
        .context("setting up the listener")?;
    Ok(listener)
}

/// Serves `doors` at `listener`.
///
/// # Errors
/// When the system gives no threads.
pub fn start(listener: TcpListener, limits: Limits, doors: Doors, facts: Facts) -> Result<Server> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("serve")
        .enable_all()
        .build()
        .context("starting the threads of the server")?;
    let address = listener.local_addr().context("asking for the address")?;
    let _entered = runtime.enter();
    let hub = Hub::new(&doors, facts.generation);
    let room = Semaphore::new(limits.bodies_bytes_max());
    let context = Arc::new(Context {
        doors,
        facts,
        limits,
        hub,
        counters: Counters::default(),
        began: Instant::now(),
        room,
        is_draining: AtomicBool::new(false),
    });
    runtime.spawn(engine::tell(Arc::downgrade(&context)));
    let stop = accept::start(listener, context.clone())?;
    Ok(Server {
        runtime,
        context,
        address,
        stop,
    })
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on `/readyz` says no, so that nobody new is sent here.
    pub fn drain(&self) {
        self.context.is_draining.store(true, Ordering::Relaxed);
    }

    /// Sends every client the last frame and says good-bye; true if all heard it in time.
    pub fn stop(self, within: Duration) -> bool {
        self.drain();
        self.context.hub.stop();
        let is_clean = self.runtime.block_on(self.stop.finish(within));
        self.runtime.shutdown_timeout(Duration::from_millis(100));
        is_clean
    }
}
