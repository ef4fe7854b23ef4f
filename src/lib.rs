//! Tributary: runs and serves the dataflows. The modules in the data's order.

pub mod ingest;
pub mod oracle;
pub mod report;
pub mod verify;
