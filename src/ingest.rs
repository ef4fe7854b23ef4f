//! Sources: from bytes to events, with a disposition for every record.

pub mod csv;
pub mod decimal;
pub mod json;
pub mod record;
pub mod schema;
pub mod time;
