//! What each subcommand does, one module a command.

pub mod bench;
pub mod completions;
pub mod config;
