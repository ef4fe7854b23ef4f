//! What the machine says about this process and its children: CPU, wall time, resident memory.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use rustix::time::{ClockId, clock_gettime};

/// How often a child's memory is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// What some work took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    pub(super) cpu: f64,
    pub(super) wall: f64,
    /// Highest resident memory in MiB, where it was looked at.
    pub(super) peak_mib: Option<f64>,
}

impl std::ops::Sub for Usage {
    type Output = Usage;

    /// What the rest of some work took.
    fn sub(self, part: Usage) -> Usage {
        Usage {
            cpu: self.cpu - part.cpu,
            wall: self.wall - part.wall,
            peak_mib: None,
        }
    }
}

/// The middle one of some values, of which there is one at least.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// CPU seconds of all threads of this process so far.
pub(super) fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Runs `work` and says what it took.
pub(super) fn measured<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Usage)> {
    let (began, cpu) = (Instant::now(), cpu_seconds());
    let result = work()?;
    let usage = Usage {
        cpu: cpu_seconds() - cpu,
        wall: began.elapsed().as_secs_f64(),
        peak_mib: None,
    };
    Ok((result, usage))
}

/// A size of a process's /proc/../status in MiB, such as VmRSS or VmHWM.
pub(super) fn memory_mib(process: &str, key: &str) -> Option<f64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(process).join("status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

/// CPU seconds of the children that have been waited for.
fn children_seconds() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("asking what the children took")?;
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// Runs `command` to its end, silently, and says what it took.
///
/// # Errors
/// When it cannot be started or fails.
pub(super) fn child(command: &mut Command) -> Result<Usage> {
    let (began, cpu) = (Instant::now(), children_seconds()?);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().context("starting a child process")?;
    let peak_mib = watch(&mut child)?;
    let status = child.wait().context("waiting for a child process")?;
    ensure!(status.success(), "a child process ended with {status}");
    Ok(Usage {
        cpu: children_seconds()? - cpu,
        wall: began.elapsed().as_secs_f64(),
        peak_mib,
    })
}

/// Looks at the child's memory until it ends.
fn watch(child: &mut Child) -> Result<Option<f64>> {
    let process = child.id().to_string();
    let mut peak = None;
    while child
        .try_wait()
        .context("looking at a child process")?
        .is_none()
    {
        peak = memory_mib(&process, "VmHWM").or(peak);
        std::thread::sleep(LOOK);
    }
    Ok(peak)
}
