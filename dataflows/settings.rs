//! What the computation can be told: the rules of sessions, journeys and lateness.

use serde::{Deserialize, Serialize};

/// Milliseconds that no gap reaches: `--gap none`.
pub const NO_GAP_MS: i64 = i64::MAX / 4;

/// When a journey of one user and advertiser breaks, besides at its conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JourneyRule {
    /// Where the user's session ends.
    Session,
    /// Where two neighbouring points lie strictly more than this many milliseconds apart.
    GapMs(i64),
}

/// The rules of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// A session splits where neighbouring activity lies strictly more than this apart; [`NO_GAP_MS`] never splits.
    pub session_gap_ms: i64,
    pub journeys: JourneyRule,
    /// A record this much older than its partition's watermark is late; `None`: nothing ever is.
    pub allowed_lateness_ms: Option<i64>,
    /// The watermark of a partition is its so-many-th largest event time, so that a stray cannot poison it.
    pub watermark_support: usize,
    /// Processes of the cluster; the first worker of each is told all rows.
    pub processes: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            session_gap_ms: 30 * 60_000,
            journeys: JourneyRule::Session,
            allowed_lateness_ms: Some(10 * 60_000),
            watermark_support: 3,
            processes: 1,
        }
    }
}
