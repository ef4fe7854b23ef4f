//! What each subcommand does, one module a command, and what several of them share.

pub mod ask;
pub mod bench;
pub mod completions;
pub mod config;
mod outputs;
pub mod replay;
pub mod run;
pub mod schema;
pub mod simulate;
pub mod verify;
