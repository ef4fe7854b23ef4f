//! Sources: from bytes to events, with a disposition for every record.

pub mod record;
pub mod simulator;
