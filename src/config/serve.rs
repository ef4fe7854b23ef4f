//! The sections `[run]` and `[serve]`: where events come from, and who may reach the server.

use std::net::SocketAddr;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::sources::Problem;
use super::{Duration, Loaded, RunSource};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Run {
    pub source: RunSource,
    /// Event time that the simulator has behind it at the start.
    pub past: Duration,
    /// Users are made up, so the public development key will do.
    pub development: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Serve {
    pub address: SocketAddr,
    /// Other pages that may use the server, as `https://host:port`.
    pub origins: Vec<String>,
    /// May be reached from other machines without authentication.
    pub insecure: bool,
    pub connections_max: usize,
    pub head_time: Duration,
    pub request_time: Duration,
    pub body_bytes_max: usize,
    pub stall_time: Duration,
}

impl Default for Run {
    fn default() -> Run {
        Run {
            source: RunSource::None,
            past: Duration::of_minutes(10),
            development: false,
        }
    }
}

impl Default for Serve {
    fn default() -> Serve {
        Serve {
            address: SocketAddr::from(([127, 0, 0, 1], 8000)),
            origins: Vec::new(),
            insecure: false,
            connections_max: 12_000,
            head_time: Duration::of_seconds(10),
            request_time: Duration::of_seconds(30),
            body_bytes_max: 1 << 20,
            stall_time: Duration::of_seconds(30),
        }
    }
}

/// Times a client is given. None at all would cut everybody off.
const TIMES_MS: RangeInclusive<i64> = 10..=3_600_000;

impl Loaded {
    /// Times that no client could keep, or no server wait out.
    pub(super) fn untimely(&self) -> Vec<Problem> {
        let serve = &self.config.serve;
        let times = [
            ("head_time", serve.head_time),
            ("request_time", serve.request_time),
            ("stall_time", serve.stall_time),
        ];
        let wrong = times
            .into_iter()
            .filter(|(_, time)| !TIMES_MS.contains(&time.ms()));
        let problem = |(key, _)| {
            let message = format!("serve.{key} must lie in 10ms to 1h");
            Problem::at(self.origin("serve", key), message)
        };
        wrong.map(problem).collect()
    }

    /// What would let others in who should not be.
    pub(super) fn exposed(&self) -> Vec<Problem> {
        let serve = &self.config.serve;
        let mut found = Vec::new();
        let mut report = |key, message| found.push(Problem::at(self.origin("serve", key), message));
        if !serve.address.ip().is_loopback() && !serve.insecure {
            let address = serve.address;
            report(
                "address",
                format!(
                    "serve.address {address} can be reached from other machines, and nobody is asked who they are; put a proxy that asks before a loopback address, or set serve.insecure = true"
                ),
            );
        }
        for origin in &serve.origins {
            let host = origin
                .strip_prefix("https://")
                .or(origin.strip_prefix("http://"));
            if host.is_none_or(|host| host.is_empty() || host.contains('/')) {
                report(
                    "origins",
                    format!(
                        "serve.origins: `{origin}` is no origin, such as https://desk.example or http://10.0.0.1:3000"
                    ),
                );
            }
        }
        found
    }
}
