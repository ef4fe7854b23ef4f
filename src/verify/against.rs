//! `--against COUNTS.csv`: the transitions of somebody else's program beside ours.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, ensure};

use crate::report::Report;

/// So many differing rows are listed.
const ROWS_SHOWN: usize = 20;

/// Advertiser, from and to, as the transitions CSV writes them.
type Row = [String; 3];

/// Counts by row.
pub type Counts = BTreeMap<[String; 3], i64>;

/// What the comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Rows that both sides have with the same count.
    pub equal: usize,
    /// The rows that differ, as text.
    pub differing: Vec<String>,
    /// What was left out of the comparison and why.
    pub note: Option<String>,
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (equal, differing) = (self.equal, self.differing.len());
        if let Some(note) = &self.note {
            writeln!(f, "against  {note}")?;
        }
        writeln!(f, "against  {equal} rows equal, {differing} DIFFER")?;
        for row in self.differing.iter().take(ROWS_SHOWN) {
            writeln!(f, "         {row}")?;
        }
        if differing > ROWS_SHOWN {
            writeln!(f, "         and {} more", differing - ROWS_SHOWN)?;
        }
        Ok(())
    }
}

/// Compares the transitions of a report with [counts](read_counts) of somebody else.
///
/// Some programs do not count conversions without a touch. Those rows are left out if the file has none at all, and
/// only then: one that is missing among others is a difference.
pub fn compare(report: &Report, theirs: &Counts) -> Comparison {
    let mut ours: BTreeMap<Row, i64> = report.transition_rows().into_iter().collect();
    let mut comparison = Comparison::default();
    if !theirs.keys().any(is_untouched) {
        let before = ours.len();
        ours.retain(|row, _| !is_untouched(row));
        if ours.len() < before {
            comparison.note = Some(format!(
                "the file has no rows from start to conversion: {} such rows of ours left out",
                before - ours.len()
            ));
        }
    }
    let only_theirs = theirs.keys().filter(|row| !ours.contains_key(*row));
    for row in ours.keys().chain(only_theirs) {
        let [ours, theirs] = [&ours, theirs].map(|side| side.get(row).copied().unwrap_or(0));
        if ours == theirs {
            comparison.equal += 1;
        } else {
            let row = row.join(",");
            comparison
                .differing
                .push(format!("{row}: {ours} here, {theirs} in the file"));
        }
    }
    comparison
}

fn is_untouched([_, from, to]: &Row) -> bool {
    from == "start" && to == "conversion"
}

/// The counts by row of a transitions CSV, with or without its header; rows of count 0 say nothing.
///
/// # Errors
/// Names the row that is none, or comes twice.
pub fn read_counts(text: &str) -> anyhow::Result<Counts> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut counts = BTreeMap::new();
    for (place, record) in reader.records().enumerate() {
        let row = place + 1;
        let record = record.with_context(|| format!("row {row}"))?;
        if place == 0 && record.iter().eq(crate::report::TRANSITIONS_HEADER) {
            continue;
        }
        ensure!(
            record.len() == 4,
            "row {row} has {} fields, not advertiser,from,to,count",
            record.len()
        );
        let count: i64 = record[3]
            .parse()
            .with_context(|| format!("row {row}: {:?} is no count", &record[3]))?;
        let key = [0, 1, 2].map(|field| record[field].to_owned());
        let seen = counts.insert(key, count);
        ensure!(seen.is_none(), "row {row} repeats an earlier one");
    }
    counts.retain(|_, count| *count != 0);
    Ok(counts)
}
