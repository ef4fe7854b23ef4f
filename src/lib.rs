//! Tributary: runs and serves the dataflows. The modules in the data's order.

pub mod allocator;
pub mod bench;
pub mod cli;
pub mod cluster;
pub mod commands;
pub mod config;
pub mod exit;
pub mod frames;
pub mod ingest;
pub mod logging;
pub mod meter;
pub mod oracle;
pub mod panics;
pub mod questions;
pub mod report;
pub mod results;
pub mod run;
pub mod serve;
mod terminal;
pub mod verify;
pub mod worker;
