//! The command line: what can be asked for, and which flags are settings.
//!
//! A flag that is a setting stays an `Option` and enters the config as its strongest layer (`Cli::sources`); only
//! what belongs to one run (files, what to print) is read from here by the commands.

mod ask;
mod flags;
pub mod values;

use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use dataflows::transitions::{Dimension, Window};

use crate::config::{
    Columns, Journeys, Lateness, LogFormat, LogLevel, Rate, RunSource, SessionGap, Share, Speed,
};
use crate::exit;

pub use ask::{Ask, Chain, ChainAt, Subject};
pub use values::{AnswerFormat, InputFormat};

/// Live marketing attribution that is exact, on timely and differential dataflow
#[derive(Clone, Debug, Parser)]
#[command(name = "tributary", version, after_help = exit::HELP, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// TOML file of settings; environment and flags are stronger
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        help_heading = "Everywhere",
        env = "TRIBUTARY_CONFIG"
    )]
    pub config: Option<PathBuf>,

    /// How log lines on standard error look [default: text]
    #[arg(
        long,
        value_enum,
        global = true,
        help_heading = "Everywhere",
        value_name = "FORMAT"
    )]
    pub log_format: Option<LogFormat>,

    /// Least severe line that is logged [default: info]
    #[arg(
        long,
        value_enum,
        global = true,
        help_heading = "Everywhere",
        value_name = "LEVEL"
    )]
    pub log_level: Option<LogLevel>,
}

#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Read files of events to their end and print the attribution
    Replay(Replay),
    /// Take in events as they come and serve the results until it is stopped
    Run(Run),
    /// Ask a running server
    Ask(Ask),
    /// Write made-up events, the same for the same seed
    Simulate(Simulate),
    /// Compare the dataflow with a recomputation by plain loops; exit code 1 if they differ
    Verify(Verify),
    /// Measure throughput and latency on this machine
    Bench(Bench),
    /// Show or check settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the JSON Schema of events
    Schema,
    /// Print the completion script of a shell
    Completions { shell: Shell },
}

/// What is read, and as what.
#[derive(Clone, Debug, Args)]
pub struct Input {
    /// Files of events, .gz and .zst too; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Form of the records; auto looks at name and first bytes
    #[arg(long, value_enum, default_value_t)]
    pub format: InputFormat,
}

/// The rules of a run; all of them settings.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Rules")]
pub struct Rules {
    /// Columns that hold the fields: field=column,.. (such as user=user_id,time=ts)
    ///
    /// Fields: user, anonymous, time, id, sequence, type, advertiser, campaign, channel, conversion (0 or 1),
    /// interaction (impression, click, ..), value. Fields not named keep the names of the schema.
    #[arg(long, value_name = "FIELD=COLUMN,..")]
    pub columns: Option<Columns>,

    /// A session ends where activity pauses longer than this; none: never [default: 30m]
    ///
    /// A whole number and a unit: ms, s, m, h or d.
    #[arg(long, value_name = "DURATION|none")]
    pub gap: Option<SessionGap>,

    /// A journey breaks with the session, or after a gap of its own, gap:7d [default: session]
    #[arg(long, value_name = "session|gap:DURATION")]
    pub journeys: Option<Journeys>,

    /// Records older than the watermark by more than this are late; unbounded: none is [default: 10m]
    #[arg(long, value_name = "DURATION|unbounded")]
    pub allowed_lateness: Option<Lateness>,

    /// Watermark: the so-many-th largest event time of a source, so that a stray cannot move it [default: 3]
    #[arg(long, value_name = "N")]
    pub watermark_support: Option<u64>,
}

/// How fast records are taken in; all of them settings.
#[derive(Clone, Debug, Default, Args)]
pub struct Pace {
    /// Times as fast as event time, above 0; max: flat out [default: max]
    #[arg(long, value_name = "X|max")]
    pub speed: Option<Speed>,

    /// Records in an epoch when replaying flat out [default: 100000]
    #[arg(long, value_name = "N")]
    pub epoch_events: Option<u64>,
}

/// As many workers as the settings allow.
const WORKERS_MAX: i64 = 1_024;
/// All of them on this machine: `verify` finds each a port for many runs.
const PROCESSES_MAX: i64 = 8;

/// The workers of this and other processes; all of them settings.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Workers")]
pub struct Cluster {
    /// Worker threads of each process [default: 1]
    #[arg(long, value_name = "N")]
    pub workers: Option<u64>,

    /// Processes that work together; start each with the same arguments and its own --process [default: 1]
    #[arg(long, value_name = "N")]
    pub processes: Option<u64>,

    /// Which of the processes this is, from 0 [default: 0]
    #[arg(long, value_name = "I")]
    pub process: Option<u64>,

    /// One address a process [default: 127.0.0.1, ports from 2101]
    #[arg(long, value_name = "HOST:PORT,..", value_delimiter = ',')]
    pub hosts: Vec<String>,
}

#[derive(Clone, Debug, Args)]
pub struct Replay {
    #[command(flatten)]
    pub input: Input,

    /// What the states of the printed chain are
    #[arg(long, value_name = "channel|campaign", default_value = "channel", value_parser = values::dimension())]
    pub dimension: Dimension,

    /// Which journeys the printed chain counts, by the time of their first point
    #[arg(long, value_name = "all|24h|1h", default_value = "all", value_parser = values::window())]
    pub window: Window,

    /// Write all results as JSON
    #[arg(long, value_name = "OUT.json")]
    pub export: Option<PathBuf>,

    /// Write all transition counts as CSV
    #[arg(long, value_name = "OUT.csv")]
    pub transitions: Option<PathBuf>,

    /// Write invalid records with their reasons; each process of several to FILE.PROCESS
    #[arg(long, value_name = "FILE")]
    pub dead_letter: Option<PathBuf>,

    #[command(flatten)]
    pub pace: Pace,

    #[command(flatten)]
    pub rules: Rules,

    #[command(flatten)]
    pub cluster: Cluster,
}

/// How a server runs; all of it settings.
#[derive(Clone, Debug, Default, Args)]
pub struct Run {
    /// Where events come from, besides those that are posted [default: none]
    #[arg(long, value_enum, value_name = "SOURCE")]
    pub source: Option<RunSource>,

    /// Address and port to serve at [default: 127.0.0.1:8000]
    #[arg(long, value_name = "HOST:PORT")]
    pub address: Option<std::net::SocketAddr>,

    /// Name of the simulator's scenario in config/scenarios/, or the path of a file [default: normal]
    #[arg(long, value_name = "NAME|PATH")]
    pub scenario: Option<String>,

    /// Simulated events per second of event time [default: as the scenario says]
    #[arg(long, value_name = "N")]
    pub rate: Option<Rate>,

    /// Simulated time, times as fast as the clock [default: 1]
    #[arg(long, value_name = "X")]
    pub speed: Option<Speed>,

    #[command(flatten)]
    pub cluster: Cluster,
}

#[derive(Clone, Debug, Args)]
pub struct Simulate {
    /// Name of a scenario in config/scenarios/, or the path of a file [default: normal]
    #[arg(long, value_name = "NAME|PATH")]
    pub scenario: Option<String>,

    /// How many events [default: 1000000]
    #[arg(long, value_name = "N")]
    pub events: Option<u64>,

    /// Start of the random numbers; the same seed gives the same bytes [default: 1]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Events per second of event time [default: as the scenario says]
    #[arg(long, value_name = "N")]
    pub rate: Option<Rate>,

    /// Times as fast as event time, above 0; max: flat out [default: max]
    #[arg(long, value_name = "X|max")]
    pub speed: Option<Speed>,

    /// Files to write, events shared out among them [default: standard output]
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub out: Vec<PathBuf>,

    /// Write the true effects behind the events as JSON
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,

    /// Share of events out of order within the lateness, 0 to 1 [default: as the scenario says]
    #[arg(long, value_name = "X")]
    pub out_of_order_share: Option<Share>,

    /// Share of events sent twice, 0 to 1 [default: as the scenario says]
    #[arg(long, value_name = "X")]
    pub duplicate_share: Option<Share>,

    /// Share of events beyond the lateness, 0 to 1 [default: as the scenario says]
    #[arg(long, value_name = "X")]
    pub late_share: Option<Share>,
}

#[derive(Clone, Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    pub input: Input,

    /// How many orders of arrival to try
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub shuffle: u64,

    /// Numbers of worker threads to try
    #[arg(
        long,
        value_name = "N,..",
        value_delimiter = ',',
        default_value = "1,2,4",
        value_parser = clap::value_parser!(u16).range(1..=WORKERS_MAX)
    )]
    pub workers: Vec<u16>,

    /// Records in an epoch, each number to be tried
    #[arg(
        long,
        value_name = "N,..",
        value_delimiter = ',',
        default_value = "1,1000,100000"
    )]
    pub batch: Vec<NonZeroU64>,

    /// Processes to spread the workers over, started by this one
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=PROCESSES_MAX))]
    pub processes: u16,

    /// Compare with transition counts of another program as well
    #[arg(long, value_name = "COUNTS.csv")]
    pub against: Option<PathBuf>,

    /// Start of the random numbers that shuffle
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    #[command(flatten)]
    pub rules: Rules,
}

#[derive(Clone, Debug, Args)]
pub struct Bench {
    /// Print the results as JSON
    #[arg(long)]
    pub json: bool,

    /// Only the measurements of these names
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    pub only: Vec<String>,

    /// Less data and one round: a trial, not a measurement
    #[arg(long)]
    pub quick: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every setting in force as TOML, and where it comes from
    Print(PrintConfig),
    /// Check files of settings; without files, the settings in force
    Check {
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// The flags of `replay` that are settings, to see what they do.
#[derive(Clone, Debug, Args)]
pub struct PrintConfig {
    #[command(flatten)]
    pub pace: Pace,

    #[command(flatten)]
    pub rules: Rules,

    #[command(flatten)]
    pub cluster: Cluster,
}

#[cfg(test)]
mod tests;
