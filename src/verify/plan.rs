//! Schedules: in which pieces, epochs and order a log is taken in, and by which workers.

use std::ops::Range;
use std::sync::Arc;

use dataflows::settings::Settings;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::oracle::Log;

/// Records of one partition that are taken in together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub partition: usize,
    pub records: Range<usize>,
}

/// One schedule of a log.
#[derive(Clone, Debug)]
pub struct Plan {
    pub partitions: Arc<Vec<Log>>,
    /// In the order of taking in; those of one partition follow each other without a hole.
    pub steps: Vec<Step>,
    /// The number of steps in each epoch; 0 is an epoch that only passes.
    pub epochs: Vec<usize>,
    pub workers: usize,
    pub assignment_seed: u64,
    pub settings: Settings,
    /// Whether the partitions have ended after the last step, or live on.
    pub ended: bool,
}

impl Plan {
    /// A schedule of the whole log with about `batch` records an epoch. The order inside a partition stays, since it
    /// decides what is late; where nothing ever is, the records of a partition arrive in any order.
    ///
    /// A record never changes its partition: the watermarks, and with them the windows, are made of the partitions.
    pub fn shuffled(
        partitions: &Arc<Vec<Log>>,
        settings: Settings,
        workers: usize,
        batch: usize,
        seed: u64,
    ) -> Plan {
        let mut random = Random::new(seed);
        let partitions = match settings.allowed_lateness_ms {
            Some(_) => partitions.clone(),
            None => Arc::new(permuted(partitions, &mut random)),
        };
        let mut plan = Plan {
            partitions,
            steps: Vec::new(),
            epochs: Vec::new(),
            workers,
            assignment_seed: random.next(),
            settings,
            ended: true,
        };
        plan.schedule(batch, &mut random);
        plan
    }

    /// Cuts the log into steps and epochs: evenly mixed, in runs, or one partition after the other.
    fn schedule(&mut self, batch: usize, random: &mut Random) {
        let lengths: Vec<usize> = self.partitions.iter().map(Vec::len).collect();
        let switch_once_in = [1, 8, usize::MAX][random.below(3)];
        let longest_step = batch.div_ceil(64) + random.below(batch);
        let mut taken = vec![0; lengths.len()];
        let mut left: Vec<usize> = (0..lengths.len()).filter(|&p| lengths[p] > 0).collect();
        let mut current = usize::MAX;
        while !left.is_empty() {
            if random.below(32) == 0 {
                self.epochs.push(0);
            }
            let first_step = self.steps.len();
            let mut room = 1 + random.below(2 * batch - 1);
            while room > 0 && !left.is_empty() {
                if current >= left.len() || random.below(switch_once_in) == 0 {
                    current = random.below(left.len());
                }
                let partition = left[current];
                let start = taken[partition];
                let most = room.min(longest_step).min(lengths[partition] - start);
                let end = start + 1 + random.below(most);
                self.steps.push(Step {
                    partition,
                    records: start..end,
                });
                taken[partition] = end;
                room -= end - start;
                if end == lengths[partition] {
                    left.swap_remove(current);
                }
            }
            self.epochs.push(self.steps.len() - first_step);
        }
    }

    /// Leaves out the later half of the epochs; the partitions live on.
    pub fn stop_midway(&mut self) {
        self.epochs.truncate(self.epochs.len().div_ceil(2));
        self.steps.truncate(self.epochs.iter().sum());
        self.ended = false;
    }

    /// The worker that takes in a step.
    pub fn worker_of(&self, step: usize) -> usize {
        let hash = xxh3_64_with_seed(&step.to_le_bytes(), self.assignment_seed);
        (hash % self.workers as u64) as usize
    }

    /// The numbers of the steps of each epoch.
    pub fn steps_by_epoch(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.epochs.iter().scan(0, |start, count| {
            let steps = *start..*start + count;
            *start = steps.end;
            Some(steps)
        })
    }

    /// How many records the steps take in.
    pub fn records(&self) -> usize {
        self.steps.iter().map(|step| step.records.len()).sum()
    }

    /// What the steps take in of every partition, in log order.
    pub fn taken_in(&self) -> Vec<Log> {
        let mut logs = vec![Log::new(); self.partitions.len()];
        for step in &self.steps {
            let records = &self.partitions[step.partition][step.records.clone()];
            logs[step.partition].extend_from_slice(records);
        }
        logs
    }
}

/// One log dealt to `partitions` in turn.
pub fn deal(log: &Log, partitions: usize) -> Vec<Log> {
    let mut dealt = vec![Log::new(); partitions];
    for (place, record) in log.iter().enumerate() {
        dealt[place % partitions].push(*record);
    }
    dealt
}

/// The first `count` records, taken from the partitions in turn.
pub fn first_records(partitions: &[Log], count: usize) -> Vec<Log> {
    let mut first = vec![Log::new(); partitions.len()];
    let longest = partitions.iter().map(Vec::len).max().unwrap_or(0);
    let mut left = count;
    for place in 0..longest {
        for (log, first) in partitions.iter().zip(&mut first) {
            if let Some(record) = log.get(place).filter(|_| left > 0) {
                first.push(*record);
                left -= 1;
            }
        }
        if left == 0 {
            break;
        }
    }
    first
}

/// Every partition's records in another order.
fn permuted(partitions: &[Log], random: &mut Random) -> Vec<Log> {
    let mut permuted = partitions.to_vec();
    for log in &mut permuted {
        for last in (1..log.len()).rev() {
            log.swap(last, random.below(last + 1));
        }
    }
    permuted
}

/// Numbers that look drawn and are the same for the same seed.
struct Random {
    seed: u64,
    drawn: u64,
}

impl Random {
    fn new(seed: u64) -> Random {
        Random { seed, drawn: 0 }
    }

    fn next(&mut self) -> u64 {
        self.drawn += 1;
        xxh3_64_with_seed(&self.drawn.to_le_bytes(), self.seed)
    }

    /// Less than `limit`, which is not 0.
    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}
