//! What the intake did with each file's records: counts, and the dead letters.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;

use crate::exit::Failure;
use crate::ingest::admit::Rejected;
use crate::ingest::record::Reason;

/// Counts of one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FileCounts {
    pub(super) records: u64,
    pub(super) late: u64,
}

/// Kept by all workers of the process while they run.
pub(super) struct Ledger {
    files: Vec<PathBuf>,
    counts: Mutex<Counts>,
    dead_letters: Option<(PathBuf, Mutex<Letters>)>,
}

#[derive(Default)]
struct Counts {
    files: BTreeMap<u32, FileCounts>,
    reasons: BTreeMap<Reason, u64>,
    unknown_fields: u64,
}

struct Letters {
    file: BufWriter<File>,
    failed: io::Result<()>,
}

impl Ledger {
    pub(super) fn new(files: &[PathBuf], dead_letter: Option<&Path>) -> Result<Ledger> {
        let dead_letters = match dead_letter {
            Some(path) => {
                let file = File::create(path).map_err(|error| Failure::create(path, &error))?;
                let letters = Letters {
                    file: BufWriter::new(file),
                    failed: Ok(()),
                };
                Some((path.to_owned(), Mutex::new(letters)))
            }
            None => None,
        };
        Ok(Ledger {
            files: files.to_vec(),
            counts: Mutex::default(),
            dead_letters,
        })
    }

    pub(super) fn count(&self, partition: u32, records: u64, late: u64, unknown_fields: u64) {
        let mut counts = self
            .counts
            .lock()
            .expect("a thread that panics ends the process");
        let file = counts.files.entry(partition).or_default();
        file.records += records;
        file.late += late;
        counts.unknown_fields += unknown_fields;
    }

    pub(super) fn reject(&self, partition: u32, records_before: u64, rejected: &[Rejected]) {
        let mut counts = self
            .counts
            .lock()
            .expect("a thread that panics ends the process");
        for record in rejected {
            *counts.reasons.entry(record.reason).or_default() += 1;
        }
        drop(counts);
        if let Some((_, letters)) = &self.dead_letters {
            let mut letters = letters
                .lock()
                .expect("a thread that panics ends the process");
            for record in rejected {
                let line = self.letter(partition, records_before, record);
                let written = writeln!(letters.file, "{line}");
                letters.failed = std::mem::replace(&mut letters.failed, Ok(())).and(written);
            }
        }
    }

    /// Records are numbered from 1 in their file, blank lines and the header aside.
    fn letter(
        &self,
        partition: u32,
        records_before: u64,
        rejected: &Rejected,
    ) -> serde_json::Value {
        json!({
            "reason": rejected.reason.name(),
            "source": self.files[partition as usize].display().to_string(),
            "partition": partition,
            "record": records_before + rejected.record + 1,
            "bytes": BASE64.encode(&rejected.bytes),
        })
    }

    /// Completes the dead letters.
    pub(super) fn finish(&self) -> Result<()> {
        if let Some((path, letters)) = &self.dead_letters {
            let mut letters = letters
                .lock()
                .expect("a thread that panics ends the process");
            let failed = std::mem::replace(&mut letters.failed, Ok(()));
            failed
                .and_then(|()| letters.file.flush())
                .map_err(|error| Failure::write(path, &error))?;
        }
        Ok(())
    }

    pub(super) fn reasons(&self) -> BTreeMap<Reason, u64> {
        self.counts.lock().expect("the run is over").reasons.clone()
    }

    pub(super) fn unknown_fields(&self) -> u64 {
        self.counts.lock().expect("the run is over").unknown_fields
    }

    /// Files of which more than 1 % of the records were late.
    pub(super) fn often_late(&self) -> Vec<(PathBuf, FileCounts)> {
        let counts = self.counts.lock().expect("the run is over");
        let often = |&(_, counts): &(&u32, &FileCounts)| counts.late * 100 > counts.records;
        counts
            .files
            .iter()
            .filter(often)
            .map(|(&p, &counts)| (self.files[p as usize].clone(), counts))
            .collect()
    }
}
