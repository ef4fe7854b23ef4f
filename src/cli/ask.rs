//! The command line of `ask`: what a running server can be asked.

use clap::{Args, Subcommand};

use super::AnswerFormat;

/// What a server is asked, and how the answer is shown.
#[derive(Clone, Debug, Args)]
pub struct Ask {
    #[command(subcommand)]
    pub subject: Subject,

    /// Where the server is
    #[arg(
        long,
        value_name = "URL",
        global = true,
        default_value = "http://127.0.0.1:8000",
        env = "TRIBUTARY_URL"
    )]
    pub url: String,

    /// How the answer is shown
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        global = true,
        default_value_t
    )]
    pub format: AnswerFormat,
}

#[derive(Clone, Debug, Subcommand)]
pub enum Subject {
    /// Credit of one chain
    Attribution(ChainAt),
    /// Transition counts and probabilities of one chain
    Transitions(ChainAt),
    /// Expected visits of one chain's states
    Fundamental(ChainAt),
    /// Credit by minute of event time
    History {
        #[command(flatten)]
        chain: Chain,
        /// Points at most, 720 or fewer
        #[arg(long, value_name = "N")]
        points: Option<u64>,
    },
    /// What became of the records
    Dispositions,
    /// Live sessions and journeys of one user
    User {
        /// The user's id; `-` reads it from standard input, so that it stays out of the shell's history
        id: String,
    },
    /// Version, freshness, and the settings that matter to a reader
    Status,
}

/// Which chain.
#[derive(Clone, Debug, Default, Args)]
pub struct Chain {
    /// An advertiser, or `*` for all together
    #[arg(long, value_name = "ADVERTISER|*")]
    pub scope: Option<String>,

    /// What the states are
    #[arg(long, value_name = "channel|campaign")]
    pub dimension: Option<String>,

    /// Which journeys count, by the time of their first point
    #[arg(long, value_name = "all|24h|1h")]
    pub window: Option<String>,
}

/// Which chain, and as of when.
#[derive(Clone, Debug, Default, Args)]
pub struct ChainAt {
    #[command(flatten)]
    pub chain: Chain,

    /// As of this epoch, which must not have closed
    #[arg(long, value_name = "N")]
    pub at_epoch: Option<u64>,
}
