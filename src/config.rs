//! The typed form of `config/*.toml`, the only reader of settings.
//!
//! In: defaults < a file < `TRIBUTARY__SECTION__KEY` < flags. Out: a [`Config`] that knows where each value came from,
//! or all [`Problems`] at once. What must hold: an unknown key is refused, never ignored; the user key is never printed.

pub mod duration;
pub mod key;
mod merge;
pub mod nearest;
pub mod numbers;
mod print;
mod serve;
pub mod sources;
pub mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::path::Path;

use dataflows::settings::Settings;
use serde::{Deserialize, Serialize};

pub use duration::Duration;
pub use key::{DEVELOPMENT_KEY, UserKey};
pub use numbers::{Rate, Share, Speed};
pub use serve::{Run, Serve};
pub use sources::{Flag, Origin, Problem, Problems, Sources};
pub use values::{Columns, Field, Journeys, Lateness, LogFormat, LogLevel, RunSource, SessionGap};

use crate::ingest::intake::EpochPolicy;
use merge::Merge;

/// Every setting; `config/development.toml` says what each is for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub sessions: Sessions,
    pub journeys: JourneyRules,
    pub lateness: LatenessRules,
    pub epochs: Epochs,
    pub workers: Workers,
    pub ingest: Ingest,
    pub replay: Replay,
    pub simulator: Simulator,
    pub run: Run,
    pub serve: Serve,
    pub privacy: Privacy,
    pub log: Log,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sessions {
    pub gap: SessionGap,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JourneyRules {
    pub rule: Journeys,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LatenessRules {
    pub allowed: Lateness,
    pub watermark_support: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Epochs {
    /// Records in an epoch when replaying flat out.
    pub events: usize,
    pub interval_ms: u64,
    pub in_flight: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Workers {
    /// In each process.
    pub threads: usize,
    pub processes: usize,
    /// This process, counted from 0.
    pub process: usize,
    /// One `host:port` a process; empty: see [`Workers::addresses`].
    pub hosts: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ingest {
    pub block_bytes: usize,
    pub record_bytes_max: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Replay {
    pub columns: Columns,
    pub speed: Speed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Simulator {
    /// A name in `config/scenarios/`, or a path.
    pub scenario: String,
    pub seed: u64,
    pub events: u64,
    pub events_per_second: Rate,
    pub speed: Speed,
    pub out_of_order_share: Share,
    pub duplicate_share: Share,
    pub late_share: Share,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Privacy {
    pub user_key: UserKey,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub level: LogLevel,
}

impl Default for Sessions {
    fn default() -> Sessions {
        Sessions {
            gap: SessionGap::After(Duration::of_minutes(30)),
        }
    }
}

impl Default for JourneyRules {
    fn default() -> JourneyRules {
        JourneyRules {
            rule: Journeys::Session,
        }
    }
}

impl Default for LatenessRules {
    fn default() -> LatenessRules {
        LatenessRules {
            allowed: Lateness::Within(Duration::of_minutes(10)),
            watermark_support: 3,
        }
    }
}

impl Epochs {
    /// Of epochs that end by time.
    pub fn policy(&self) -> EpochPolicy {
        EpochPolicy {
            records: self.events as u64,
            interval: Some(std::time::Duration::from_millis(self.interval_ms)),
            in_flight: self.in_flight as u64,
        }
    }
}

impl Default for Epochs {
    fn default() -> Epochs {
        Epochs {
            events: 100_000,
            interval_ms: 8,
            in_flight: 20,
        }
    }
}

impl Default for Workers {
    fn default() -> Workers {
        Workers {
            threads: 1,
            processes: 1,
            process: 0,
            hosts: Vec::new(),
        }
    }
}

impl Default for Ingest {
    fn default() -> Ingest {
        Ingest {
            block_bytes: 256 << 10,
            record_bytes_max: 16 << 20,
        }
    }
}

impl Default for Simulator {
    fn default() -> Simulator {
        Simulator {
            scenario: "normal".to_owned(),
            seed: 1,
            events: 1_000_000,
            events_per_second: Rate::default(),
            speed: Speed::default(),
            out_of_order_share: Share::default(),
            duplicate_share: Share::default(),
            late_share: Share::default(),
        }
    }
}

impl Default for Log {
    fn default() -> Log {
        Log {
            format: LogFormat::Text,
            level: LogLevel::Info,
        }
    }
}

impl Workers {
    /// Port of process 0 where no hosts are named.
    pub const FIRST_PORT: usize = 2101;

    /// The address of each process; without hosts, all on this machine on ports from [`Workers::FIRST_PORT`] on.
    pub fn addresses(&self) -> Vec<String> {
        if !self.hosts.is_empty() {
            return self.hosts.clone();
        }
        let port = |process| format!("127.0.0.1:{}", Self::FIRST_PORT + process);
        (0..self.processes).map(port).collect()
    }
}

impl Privacy {
    /// The key of user pseudonyms, or the public [`DEVELOPMENT_KEY`] with a warning in the log.
    pub fn key_or_development(&self) -> &[u8; 32] {
        self.user_key.secret().unwrap_or_else(|| {
            tracing::warn!("user ids are hashed with the public development key; set privacy.user_key to protect them");
            &DEVELOPMENT_KEY
        })
    }
}

impl Config {
    /// Reads all sources and lays them over each other; fails with everything that is wrong in them.
    pub fn load(sources: &Sources) -> Result<Loaded, Problems> {
        let mut merge = Merge::new();
        match sources.file.as_deref().map(sources::of_file) {
            Some(Ok(entries)) => merge.apply(entries),
            Some(Err(problem)) => merge.problems.push(problem),
            None => {}
        }
        let (entries, problems) = sources::of_environment(&sources.environment);
        merge.problems.extend(problems);
        merge.apply(entries);
        merge.apply(sources::of_flags(&sources.flags));
        let loaded = Loaded {
            config: merge.config(),
            origins: merge.origins,
        };
        merge.problems.extend(loaded.contradictions());
        match merge.problems.is_empty() {
            true => Ok(loaded),
            false => Err(Problems(merge.problems)),
        }
    }

    /// The defaults with one file over them, whatever environment and flags say.
    pub fn load_file(path: &Path) -> Result<Loaded, Problems> {
        Config::load(&Sources {
            file: Some(path.to_path_buf()),
            ..Sources::default()
        })
    }

    /// What the dataflows are told.
    pub fn settings(&self) -> Settings {
        Settings {
            session_gap_ms: self.sessions.gap.ms(),
            journeys: self.journeys.rule.into(),
            allowed_lateness_ms: self.lateness.allowed.ms(),
            watermark_support: self.lateness.watermark_support,
            processes: self.workers.processes,
        }
    }
}

/// A config, and where each of its values came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Config,
    origins: BTreeMap<(String, String), Origin>,
}

impl Loaded {
    /// Where the value of a key came from.
    pub fn origin(&self, section: &str, key: &str) -> &Origin {
        let place = (section.to_owned(), key.to_owned());
        self.origins.get(&place).unwrap_or(&Origin::Default)
    }

    /// TOML with the origin of each value as a comment; the user key is left out.
    pub fn printed(&self) -> String {
        print::printed(self)
    }

    /// Values that are right one by one, but not together.
    fn contradictions(&self) -> Vec<Problem> {
        let workers = &self.config.workers;
        let (processes, hosts) = (workers.processes, workers.hosts.len());
        let mut found = Vec::new();
        let mut report =
            |key, message| found.push(Problem::at(self.origin("workers", key), message));
        if workers.process >= processes {
            let last = processes.saturating_sub(1);
            let process = workers.process;
            report(
                "process",
                format!(
                    "workers.process is {process}, but with {processes} processes the last is {last}"
                ),
            );
        }
        if hosts > 0 && hosts != processes {
            report(
                "hosts",
                format!(
                    "workers.hosts has {hosts} entries for {processes} processes; name one host:port each"
                ),
            );
        }
        for host in &workers.hosts {
            let valid =
                |(name, port): (&str, &str)| !name.is_empty() && port.parse::<NonZeroU16>().is_ok();
            if !host.rsplit_once(':').is_some_and(valid) {
                report(
                    "hosts",
                    format!("workers.hosts: `{host}` is no host:port, such as 10.0.0.1:2101"),
                );
            }
        }
        if workers.hosts.iter().collect::<BTreeSet<_>>().len() < hosts {
            report("hosts", "workers.hosts names one address twice".to_owned());
        }
        found.extend(self.exposed());
        found.extend(self.untimely());
        found
    }
}

#[cfg(test)]
mod tests;
