//! The server over its socket: real connections, made-up frames.
//!
//! `TRIBUTARY_LONG=1` runs the random readers for minutes.

#[path = "serve/engine.rs"]
mod engine;
#[path = "serve/hostile.rs"]
mod hostile;
#[path = "serve/live.rs"]
mod live;
#[path = "serve/made_up.rs"]
mod made_up;
#[path = "serve/protocol.rs"]
mod protocol;
#[path = "serve/rest.rs"]
mod rest;
