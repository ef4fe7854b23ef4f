//! What is asked of one chain: its counts and what follows from them, at one epoch.

use dataflows::answer::{Answer, Body, Counted};
use dataflows::control::Subject;
use dataflows::epochs::Epoch;
use dataflows::transitions::{ChainKey, Window};
use serde::Serialize;
use warp::http::StatusCode;

use super::Context;
use super::answer::Problem;
use crate::frames::{dimension_name, scope_text, window_name};
use crate::questions::AskError;

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
        let answers = self.ask(Subject::Chain(chain), at).await?;
        let counted = answers.into_iter().find_map(|answer| match answer.body {
            Body::Chain(counted) => Some((answer.as_of_epoch, counted)),
            _ => None,
        });
        Ok(counted.unwrap_or_else(|| {
            let nothing = Counted {
                chain,
                counts: Vec::new(),
                windows: [None, None, None],
            };
            (at.unwrap_or_else(|| self.frames().as_of_epoch), nothing)
        }))
    }

    pub(super) async fn ask(
        &self,
        subject: Subject,
        at: Option<Epoch>,
    ) -> Result<Vec<Answer>, Problem> {
        let asked = self.doors.questions.ask(subject, at).await;
        asked.map_err(|error| refused(error, at))
    }
}

fn refused(error: AskError, at: Option<Epoch>) -> Problem {
    let wanted = at.unwrap_or_default();
    match error {
        AskError::Closed { epoch } => Problem::new(
            StatusCode::CONFLICT,
            format!("epoch {wanted} has closed, {epoch} is open; ask for a later one"),
        ),
        AskError::TooFar => Problem::bad(format!(
            "epoch {wanted} is more than ten seconds ahead; ask for an earlier one"
        )),
        AskError::Stopped => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the engine stops and takes no more questions",
        ),
    }
}
