//! What each subcommand does, one module a command.

pub mod ask;
pub mod bench;
pub mod completions;
pub mod config;
pub mod replay;
pub mod run;
pub mod schema;
pub mod simulate;
pub mod verify;
