//! What is asked of one chain: its counts and what follows from them, at one epoch.

use dataflows::answer::{Body, Counted};
use dataflows::control::Subject;
use dataflows::epochs::Epoch;
use dataflows::transitions::{ChainKey, Window};
use serde::Serialize;
use warp::http::StatusCode;

use super::Context;
use super::answer::Problem;
use crate::frames::{dimension_name, scope_text, window_name};
use crate::questions::{Answered, AskError};

/// The parameters that name a chain and the form of the answer.
pub(super) const PARAMETERS: &[&str] = &["scope", "dimension", "window", "format", "at_epoch"];

/// Which chain an answer is of.
#[derive(Debug, Serialize)]
pub(super) struct ChainName {
    scope: String,
    dimension: &'static str,
    window: &'static str,
}

impl Context {
    /// The chain in words, if it is known.
    pub(super) fn chain_name(&self, chain: ChainKey, window: Window) -> Result<ChainName, Problem> {
        let frames = self.frames();
        if !frames.knows(chain.scope) {
            return Err(Problem::new(
                StatusCode::NOT_FOUND,
                "no journey of this scope has been seen; /api/v1/scopes lists those that have",
            ));
        }
        Ok(ChainName {
            scope: scope_text(frames.labels(), chain.scope),
            dimension: dimension_name(chain.dimension),
            window: window_name(window),
        })
    }

    /// The counts of a chain, as of `at` or of the next epoch. A chain that has none is empty.
    pub(super) async fn counted(
        &self,
        chain: ChainKey,
        at: Option<Epoch>,
    ) -> Result<(Epoch, Counted), Problem> {
        let answered = self.ask(Subject::Chain(chain), at).await?;
        let mut answers = answered.answers.into_iter();
        let counted = answers.find_map(|answer| match answer.body {
            Body::Chain(counted) => Some(*counted),
            _ => None,
        });
        let counted = counted.unwrap_or_else(|| Counted {
            chain,
            counts: Vec::new(),
            windows: [None, None, None],
        });
        Ok((answered.as_of_epoch, counted))
    }

    pub(super) async fn ask(
        &self,
        subject: Subject,
        at: Option<Epoch>,
    ) -> Result<Answered, Problem> {
        let asked = self.doors.questions.ask(subject, at).await;
        asked.map_err(refused)
    }
}

fn refused(error: AskError) -> Problem {
    let status = match error {
        AskError::Closed { .. } => StatusCode::CONFLICT,
        AskError::TooFar { .. } => StatusCode::BAD_REQUEST,
        AskError::Stopped => StatusCode::SERVICE_UNAVAILABLE,
    };
    Problem::new(status, error.to_string())
}
