//! The workers and processes of a run.
//!
//! In: what each worker is to do. Out: all workers at it, those of several processes once all of these have [met](meeting).

mod meeting;

use std::any::Any;

use anyhow::{Context, Result, anyhow};
use timely::WorkerConfig;
use timely::communication::allocator::ProcessBuilder;
use timely::communication::allocator::zero_copy::initialize::initialize_networking_from_sockets;
use timely::communication::{AllocatorBuilder, Config, Hooks, WorkerGuards};
use timely::worker::Worker;

use meeting::Meeting;

/// How many workers and processes, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Worker threads of each process.
    pub threads: usize,
    /// Addresses of all processes; empty for a single one.
    pub hosts: Vec<String>,
    /// Which of them this is.
    pub process: usize,
}

impl Cluster {
    pub fn single(threads: usize) -> Cluster {
        Cluster {
            threads,
            hosts: Vec::new(),
            process: 0,
        }
    }

    pub fn processes(&self) -> usize {
        self.hosts.len().max(1)
    }

    /// Sets all workers of this process to work.
    ///
    /// `alike`: a number for all that processes must have in common besides the number of their workers.
    ///
    /// # Errors
    /// When the processes cannot meet, or were not started alike.
    pub(crate) fn execute<F>(&self, alike: u64, work: F) -> Result<WorkerGuards<()>>
    where
        F: Fn(&mut Worker) + Send + Sync + 'static,
    {
        let (workers, links) = self.workers(alike)?;
        timely::execute::execute_from(workers, links, WorkerConfig::default(), work)
            .map_err(|error| anyhow!("starting the workers: {error}"))
    }

    /// The workers to be, and what keeps the links between processes up.
    fn workers(&self, alike: u64) -> Result<(Vec<AllocatorBuilder>, Box<dyn Any + Send>)> {
        if self.processes() == 1 {
            let config = match self.threads {
                1 => Config::Thread,
                threads => Config::Process(threads),
            };
            return config.try_build().map_err(|error| anyhow!(error));
        }
        let links = Meeting::new(self, alike)?.meet()?;
        let (hooks, threads) = (Hooks::default(), self.threads);
        let own = ProcessBuilder::new_typed_vector(threads, hooks.refill.clone(), None);
        let (workers, guard) =
            initialize_networking_from_sockets(own, links, self.process, threads, hooks)
                .context("linking the processes")?;
        let workers = workers.into_iter().map(AllocatorBuilder::Tcp);
        Ok((workers.collect(), Box::new(guard)))
    }
}
