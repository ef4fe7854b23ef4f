//! Which flag is which setting.

use std::env;
use std::ffi::OsString;

use super::{Cli, Cluster, Command, ConfigCommand, Pace, Rules, Run, Simulate};
use crate::config::sources::PREFIX;
use crate::config::{Flag, Sources};

impl Cli {
    /// All that the config is loaded from: the file named, the environment, the flags that are settings.
    pub fn sources(&self) -> Sources {
        let mut flags = Flags::default();
        flags.add("--log-format", "log", "format", &self.log_format);
        flags.add("--log-level", "log", "level", &self.log_level);
        match &self.command {
            Command::Replay(replay) => {
                replay.pace.flags(&mut flags);
                replay.rules.flags(&mut flags);
                replay.cluster.flags(&mut flags);
            }
            Command::Run(run) => run.flags(&mut flags),
            Command::Simulate(simulate) => simulate.flags(&mut flags),
            Command::Verify(verify) => verify.rules.flags(&mut flags),
            Command::Config(ConfigCommand::Print(print)) => {
                print.pace.flags(&mut flags);
                print.rules.flags(&mut flags);
                print.cluster.flags(&mut flags);
            }
            _ => {}
        }
        let ours = |name: &OsString| name.to_string_lossy().starts_with(PREFIX);
        Sources {
            file: self.config.clone(),
            environment: env::vars_os().filter(|(name, _)| ours(name)).collect(),
            flags: flags.0,
        }
    }
}

/// The settings among the flags that were given.
#[derive(Default)]
struct Flags(Vec<Flag>);

impl Flags {
    fn add<T: ToString>(
        &mut self,
        name: &'static str,
        section: &'static str,
        key: &'static str,
        value: &Option<T>,
    ) {
        self.0.extend(value.as_ref().map(|value| Flag {
            name,
            section,
            key,
            text: value.to_string(),
        }));
    }
}

impl Pace {
    fn flags(&self, flags: &mut Flags) {
        flags.add("--speed", "replay", "speed", &self.speed);
        flags.add("--epoch-events", "epochs", "events", &self.epoch_events);
    }
}

impl Rules {
    fn flags(&self, flags: &mut Flags) {
        flags.add("--columns", "replay", "columns", &self.columns);
        flags.add("--gap", "sessions", "gap", &self.gap);
        flags.add("--journeys", "journeys", "rule", &self.journeys);
        flags.add(
            "--allowed-lateness",
            "lateness",
            "allowed",
            &self.allowed_lateness,
        );
        flags.add(
            "--watermark-support",
            "lateness",
            "watermark_support",
            &self.watermark_support,
        );
    }
}

impl Cluster {
    fn flags(&self, flags: &mut Flags) {
        let hosts = (!self.hosts.is_empty()).then(|| self.hosts.join(","));
        flags.add("--workers", "workers", "threads", &self.workers);
        flags.add("--processes", "workers", "processes", &self.processes);
        flags.add("--process", "workers", "process", &self.process);
        flags.add("--hosts", "workers", "hosts", &hosts);
    }
}

impl Run {
    fn flags(&self, flags: &mut Flags) {
        flags.add("--source", "run", "source", &self.source);
        flags.add("--address", "serve", "address", &self.address);
        flags.add("--scenario", "simulator", "scenario", &self.scenario);
        flags.add("--rate", "simulator", "events_per_second", &self.rate);
        flags.add("--speed", "simulator", "speed", &self.speed);
        self.cluster.flags(flags);
    }
}

impl Simulate {
    fn flags(&self, flags: &mut Flags) {
        let section = "simulator";
        flags.add("--scenario", section, "scenario", &self.scenario);
        flags.add("--events", section, "events", &self.events);
        flags.add("--seed", section, "seed", &self.seed);
        flags.add("--rate", section, "events_per_second", &self.rate);
        flags.add("--speed", section, "speed", &self.speed);
        flags.add(
            "--out-of-order-share",
            section,
            "out_of_order_share",
            &self.out_of_order_share,
        );
        flags.add(
            "--duplicate-share",
            section,
            "duplicate_share",
            &self.duplicate_share,
        );
        flags.add("--late-share", section, "late_share", &self.late_share);
    }
}
