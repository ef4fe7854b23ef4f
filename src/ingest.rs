//! Sources: from bytes to events, with a disposition for every record.

pub mod admit;
pub mod block;
pub mod csv;
pub mod decimal;
pub mod http;
pub mod intake;
pub mod json;
pub mod record;
pub mod replay;
pub mod schema;
pub mod simulator;
pub mod source;
pub mod time;
pub mod watermark;
