//! Where the time goes, in CPU nanoseconds an event on one thread.
//!
//! What cannot be run alone is a difference of two runs, and its name says so.

use std::fs::File;
use std::hint::black_box;

use anyhow::{Context, Result};
use dataflows::event::{Event, Kind};

use super::measure::measured;
use super::sources::Lines;
use super::throughput::{Log, log, source};
use super::workload::{KEY, Mix};
use super::{Bench, Row, options, run_whole};
use crate::ingest::admit::{Admitter, Decoded};
use crate::ingest::block::{Block, Payload};
use crate::ingest::json::JsonDecoder;
use crate::ingest::source::Source;

const GROUP: &str = "stages";
const BLOCK_BYTES: usize = 256 * 1024;
const LARGE_EPOCH: usize = 100_000;
const SMALL_EPOCH: usize = 2_000;

/// Best CPU nanoseconds an event of `work` on every block of the file, reading included.
fn per_block(bench: &Bench, mix: Mix, mut work: impl FnMut(&Block) -> Result<()>) -> Result<f64> {
    let path = bench.file(mix)?;
    let mut best = f64::MAX;
    for _ in 0..bench.rounds() {
        let mut lines = Lines::new(File::open(&path)?, BLOCK_BYTES);
        let ((), usage) = measured(|| {
            let mut buffer = Vec::new();
            while let Some(block) = lines.next(std::mem::take(&mut buffer))? {
                work(&block)?;
                if let Payload::Json(mut bytes) = block.payload {
                    bytes.clear();
                    buffer = bytes;
                }
            }
            Ok(())
        })?;
        best = best.min(usage.cpu * 1e9 / mix.events as f64);
    }
    Ok(best)
}

/// Calls `work` for every line of a block.
fn lines(block: &Block, mut work: impl FnMut(&str)) -> Result<()> {
    if let Payload::Json(bytes) = &block.payload {
        let text = simdutf8::basic::from_utf8(bytes).context("lines that are not UTF-8")?;
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            work(&text[start..end]);
            start = end + 1;
        }
    }
    Ok(())
}

/// From bytes to events.
fn edge(bench: &Bench, mix: Mix) -> Result<Vec<Row>> {
    let read = per_block(bench, mix, |block| {
        lines(block, |line| {
            black_box(line);
        })
    })?;
    let mut json = JsonDecoder::new();
    let decode = per_block(bench, mix, |block| {
        lines(block, |line| {
            black_box(json.decode_str(line).is_ok());
        })
    })?;
    let mut admitter = Admitter::new(KEY, 3, usize::MAX);
    let mut decoded = Decoded::default();
    let admit = per_block(bench, mix, |block| {
        admitter.decode(block, &mut decoded);
        Ok(())
    })?;
    Ok(vec![
        Row::new(GROUP, "read the file, check UTF-8, split", read, "ns"),
        Row::new(GROUP, "decode JSON (less the above)", decode - read, "ns"),
        Row::new(
            GROUP,
            "hash and name (admission less the above)",
            admit - decode,
            "ns",
        ),
    ])
}

/// Best CPU nanoseconds an event of a whole run of one worker over decoded events.
fn flow(bench: &Bench, mix: Mix, log: &Log, epoch: usize) -> Result<f64> {
    let mut best = f64::MAX;
    for _ in 0..bench.rounds() {
        let options = options(&mix, 1, epoch as u64);
        let (_, usage) = run_whole(source(log, epoch), &options, mix.events)?;
        best = best.min(usage.cpu * 1e9 / mix.events as f64);
    }
    Ok(best)
}

/// The same events, none of which is a touch or conversion.
fn without_kinds(log: &Log) -> Log {
    let plain = |event: &Option<Event>| {
        event.map(|event| Event {
            kind: Kind::Other,
            value: 0,
            ..event
        })
    };
    log.iter().map(plain).collect()
}

/// From events to rows.
fn dataflow(bench: &Bench, mix: Mix) -> Result<Vec<Row>> {
    let log = log(mix);
    let whole = flow(bench, mix, &log, LARGE_EPOCH)?;
    let small = flow(bench, mix, &log, SMALL_EPOCH)?;
    let sessions = flow(bench, mix, &without_kinds(&log), LARGE_EPOCH)?;
    let more_epochs = 1.0 / SMALL_EPOCH as f64 - 1.0 / LARGE_EPOCH as f64;
    Ok(vec![
        Row::new(
            GROUP,
            "admit decoded, exchange, dedupe, sessions (run without touches)",
            sessions,
            "ns",
        ),
        Row::new(
            GROUP,
            "edges to rows (whole run less that)",
            whole - sessions,
            "ns",
        ),
        Row::new(
            GROUP,
            "whole run of decoded events, epochs of 100000",
            whole,
            "ns",
        ),
        Row::new(GROUP, "the same, epochs of 2000", small, "ns"),
        Row::new(
            GROUP,
            "an epoch as such: refresh of 22 chains, rows out (by difference)",
            (small - whole) / more_epochs / 1e3,
            "us an epoch",
        ),
    ])
}

pub(super) fn stages(bench: &Bench) -> Result<Vec<Row>> {
    let mix = bench.mix();
    let mut rows = edge(bench, mix)?;
    rows.extend(dataflow(bench, mix)?);
    Ok(rows)
}
