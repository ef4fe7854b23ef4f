//! The runner that counts: a plan, run by the dataflow itself.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use dataflows::event::{Event, Name};

use super::{Plan, Runner};
use crate::ingest::source::{Decoded, Step};
use crate::report::Report;
use crate::run::{self, Options};

/// Runs plans on worker threads of this process.
pub struct Dataflow {
    names: Arc<Vec<(Name, String)>>,
}

impl Dataflow {
    pub fn new(names: &HashMap<Name, String>) -> Dataflow {
        Dataflow {
            names: Arc::new(
                names
                    .iter()
                    .map(|(&name, text)| (name, text.clone()))
                    .collect(),
            ),
        }
    }
}

/// The plan's steps; an epoch without steps only passes, and is left out.
fn steps(plan: &Plan) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::with_capacity(plan.steps.len());
    let mut at = 0;
    for &count in &plan.epochs {
        for step in &plan.steps[at..at + count] {
            steps.push(Step {
                partition: step.partition,
                records: step.records.clone(),
                ends_epoch: false,
                thread: Some(plan.worker_of(steps.len())),
            });
        }
        at += count;
        if let Some(last) = steps.last_mut() {
            last.ends_epoch = true;
        }
    }
    steps
}

impl Runner for Dataflow {
    fn run(&self, plan: &Plan) -> Result<Report> {
        let logs: Vec<Arc<[Option<Event>]>> = plan
            .partitions
            .iter()
            .map(|log| log.as_slice().into())
            .collect();
        let source = Decoded::new(&logs, steps(plan), plan.ended);
        let options = Options {
            names: self.names.clone(),
            ..Options::flat_out(plan.settings, [0; 32], plan.workers, u64::MAX)
        };
        let results = run::run(Box::new(source), &options)?;
        Ok(results.context("worker 0 left no results")?.report())
    }
}
