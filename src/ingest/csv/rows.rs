//! Where rows end: a newline inside quotes belongs to its cell.
//!
//! A quote opens a cell only where the cell begins, as RFC 4180 has it, so that `5" screen` does not swallow the rows
//! behind it.

use memchr::{memchr, memchr2, memrchr};

/// Where in a file a chunk ends or the next begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Where a row or a cell begins.
    #[default]
    CellStart,
    /// In a cell, outside quotes.
    Plain,
    Quoted,
    /// Behind a quote that closes the cell, or is the first of a doubled one.
    Closing,
}

impl Place {
    fn after(self, byte: u8) -> Place {
        match (self, byte) {
            (Place::CellStart | Place::Closing, b'"') => Place::Quoted,
            (Place::Quoted, b'"') => Place::Closing,
            (Place::Quoted, _) => Place::Quoted,
            (_, b',' | b'\n') => Place::CellStart,
            _ => Place::Plain,
        }
    }
}

/// Behind the last row of `chunk` that is complete; `None` if none ends in it. `place` is where the chunk begins, and
/// becomes where it ends.
pub fn last_record_end(chunk: &[u8], place: &mut Place) -> Option<usize> {
    let outside = matches!(place, Place::CellStart | Place::Plain);
    if outside && memchr(b'"', chunk).is_none() {
        *place = chunk
            .last()
            .map_or(*place, |&byte| Place::Plain.after(byte));
        return memrchr(b'\n', chunk).map(|at| at + 1);
    }
    let mut end = None;
    for (at, &byte) in chunk.iter().enumerate() {
        *place = place.after(byte);
        if byte == b'\n' && *place == Place::CellStart {
            end = Some(at + 1);
        }
    }
    end
}

/// The rows of a block that begins with one, without their newlines; the last may lack its newline.
pub fn rows(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let quoted = memchr(b'"', block).is_some();
    let mut rest = block;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = if quoted {
            row_end(rest)
        } else {
            memchr(b'\n', rest)
        };
        let (row, behind) = rest.split_at(end.unwrap_or(rest.len()));
        rest = behind.get(1..).unwrap_or_default();
        Some(row)
    })
}

/// The newline that ends the row with which `rows` begins.
fn row_end(rows: &[u8]) -> Option<usize> {
    let first = memchr2(b'"', b'\n', rows)?;
    if rows[first] == b'\n' {
        return Some(first);
    }
    let mut place = Place::Plain;
    if first == 0 || rows[first - 1] == b',' {
        place = Place::CellStart;
    }
    for (at, &byte) in rows.iter().enumerate().skip(first) {
        place = place.after(byte);
        if byte == b'\n' && place == Place::CellStart {
            return Some(at);
        }
    }
    None
}

/// Whether a row ends within quotes.
pub(super) fn ends_in_quotes(row: &[u8]) -> bool {
    row.iter()
        .fold(Place::CellStart, |place, &byte| place.after(byte))
        == Place::Quoted
}
