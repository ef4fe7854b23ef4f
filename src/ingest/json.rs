//! Lines of JSON to records.
//!
//! In: one line without its end. Out: a [`Record`] that borrows from the line, or from the decoder where escapes had to
//! be resolved, or the [`Reason`] why there is none. Two ways lead there: [`fast`] scans lines that look like the ones
//! before; whatever it does not take goes the full way through serde_json, which alone gives reasons. The fast way
//! takes nothing that the full way refuses, and reads the same.
//!
//! Of several reasons the first of this order counts: encoding, depth, syntax, bad text, bad number, missing type,
//! unknown type, missing time, bad time, time range. Of a key given twice, also by its alias, only the last value counts.

mod fast;
mod full;
mod keys;
mod scanner;
mod words;

use super::record::{Reason, Record};

/// Decodes line by line; remembers the order of the keys and holds unescaped text.
#[derive(Debug, Default)]
pub struct JsonDecoder {
    order: keys::KeyOrder,
    unescaped: String,
}

impl JsonDecoder {
    pub fn new() -> JsonDecoder {
        JsonDecoder::default()
    }

    /// Decodes a line that may not be UTF-8.
    pub fn decode<'a>(&'a mut self, line: &'a [u8]) -> Result<Record<'a>, Reason> {
        self.decode_str(simdutf8::basic::from_utf8(line).map_err(|_| Reason::Encoding)?)
    }

    /// Decodes a line of a block that was validated as a whole.
    pub fn decode_str<'a>(&'a mut self, line: &'a str) -> Result<Record<'a>, Reason> {
        match fast::scan(&mut self.order, line) {
            Some(record) => Ok(record),
            None => full::parse(&mut self.unescaped, line),
        }
    }
}

#[cfg(test)]
mod tests;
