//! How memory is held: the allocator's settings, which it reads before `main` does anything.
//!
//! A fault of a huge page stalls a worker for milliseconds, so there are none; pages given back to the system after each
//! epoch are asked for again in the next, so only what has been free for a second is given back. Both unless the
//! environment says otherwise.

use std::os::unix::process::CommandExt;
use std::process::Command;

const SETTINGS: [(&str, &str); 2] = [
    ("MIMALLOC_ALLOW_THP", "0"),
    ("MIMALLOC_PURGE_DELAY", "1000"),
];

/// Starts the program anew in this process with the settings in its environment, if one is missing there. Where that
/// cannot be done the program goes on without them: slower, not wrong.
pub fn settle() {
    let is_unset = |name: &str| std::env::var_os(name).is_none();
    if SETTINGS.iter().all(|(name, _)| !is_unset(name)) {
        return;
    }
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let missing = SETTINGS.iter().filter(|(name, _)| is_unset(name));
    let mut arguments = std::env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // Comes back only if it failed.
    let _ = command.args(arguments).envs(missing.copied()).exec();
}
