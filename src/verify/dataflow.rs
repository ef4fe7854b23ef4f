//! The runner that counts: a plan, run by the dataflow itself.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use dataflows::event::{Event, Name};

use super::{Plan, Runner};
use crate::cluster::Cluster;
use crate::ingest::source::{Decoded, Step};
use crate::report::Report;
use crate::run::{self, Options};

/// Which of several processes this is, and where they all meet: a set of addresses for each run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Processes {
    pub process: usize,
    pub hosts_by_run: Vec<Vec<String>>,
}

/// Runs plans on worker threads of this process, or of several that run the same plans.
pub struct Dataflow {
    names: Arc<Vec<(Name, String)>>,
    processes: Option<Processes>,
    runs: Cell<usize>,
}

impl Dataflow {
    pub fn new(names: &HashMap<Name, String>) -> Dataflow {
        let names = names
            .iter()
            .map(|(&name, text)| (name, text.clone()))
            .collect();
        Dataflow {
            names: Arc::new(names),
            processes: None,
            runs: Cell::new(0),
        }
    }

    /// Every run spread over processes; on all but the first the reports are empty.
    pub fn across(names: &HashMap<Name, String>, processes: Processes) -> Dataflow {
        Dataflow {
            processes: Some(processes),
            ..Dataflow::new(names)
        }
    }

    fn cluster(&self, threads: usize) -> Cluster {
        let run = self.runs.replace(self.runs.get() + 1);
        match &self.processes {
            None => Cluster::single(threads),
            Some(Processes {
                process,
                hosts_by_run,
            }) => {
                let hosts = hosts_by_run[run % hosts_by_run.len()].clone();
                Cluster {
                    threads,
                    hosts,
                    process: *process,
                }
            }
        }
    }
}

/// The steps of one process: those of every `cluster.processes()`-th partition. An epoch in which it has none only
/// passes, and is left out.
fn steps(plan: &Plan, cluster: &Cluster) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::with_capacity(plan.steps.len());
    for epoch in plan.steps_by_epoch() {
        let before = steps.len();
        for number in epoch {
            let step = &plan.steps[number];
            if step.partition % cluster.processes() == cluster.process {
                steps.push(Step {
                    partition: step.partition,
                    records: step.records.clone(),
                    ends_epoch: false,
                    thread: Some(plan.worker_of(number)),
                });
            }
        }
        if let Some(last) = steps[before..].last_mut() {
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
        let cluster = self.cluster(plan.workers);
        let own = |partition: &usize| partition % cluster.processes() == cluster.process;
        let partitions = (0..logs.len()).filter(own).collect();
        let source = Decoded::new(&logs, partitions, steps(plan, &cluster), plan.ended);
        let flat_out = Options::flat_out(plan.settings, [0; 32], plan.workers, u64::MAX);
        let options = Options {
            names: self.names.clone(),
            cluster,
            ..flat_out
        };
        let results = run::run(Box::new(source), &options)?;
        Ok(results.map(|results| results.report()).unwrap_or_default())
    }
}
