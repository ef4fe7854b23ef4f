//! `tributary schema`: the JSON Schema of events.

use std::io::{self, Write};

use anyhow::Result;

use crate::exit::Exit;
use crate::ingest::schema::json_schema;

pub fn run() -> Result<Exit> {
    writeln!(io::stdout(), "{:#}", json_schema())?;
    Ok(Exit::Ok)
}
