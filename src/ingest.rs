//! Sources: from bytes to events, with a disposition for every record.

pub mod admit;
pub mod block;
pub mod intake;
pub mod record;
pub mod watermark;
