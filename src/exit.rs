//! How the program ends: the exit codes, and errors that carry one.

use std::io;
use std::path::Path;
use std::process::{ExitCode, Termination};

use crate::config::Problems;

/// Why the program ended. A supervisor may rely on the numbers; those from 64 on are of `sysexits.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Ok = 0,
    /// `verify` found a difference.
    Difference = 1,
    /// Wrong arguments or config.
    Usage = 2,
    /// The input was read but is of no use, such as a header without the mapped column.
    InputUnusable = 65,
    /// The input is missing or cannot be opened.
    InputMissing = 66,
    /// A server that is asked does not answer.
    Unavailable = 69,
    /// A mistake of the program itself, or a peer process that went away.
    Internal = 70,
    CannotCreate = 73,
    /// Reading or writing failed half way.
    Io = 74,
    /// No epoch closed for too long.
    Stuck = 75,
}

/// The codes for `--help`.
pub const HELP: &str = "\
Exit codes:
   0  done
   1  verify found a difference
   2  wrong arguments or config
  65  an input is unusable, such as a header without the mapped column
  66  an input is missing or cannot be opened
  69  the server that is asked does not answer
  70  own mistake, or a peer process was lost
  73  an output cannot be created
  74  reading or writing failed
  75  stuck: no epoch closed for too long, or what was taken in could not be finished in time";

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

/// An error that decides the exit code. Context may be put around it on the way up to `main`.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    pub fn new(exit: Exit, message: impl Into<String>) -> Failure {
        let message = message.into();
        Failure { exit, message }
    }

    /// An input could not be opened.
    pub fn open(path: &Path, cause: &io::Error) -> Failure {
        let advice = match cause.kind() {
            io::ErrorKind::NotFound => "; check the path, or give `-` for standard input",
            io::ErrorKind::PermissionDenied => "; let this user read it",
            io::ErrorKind::IsADirectory => "; name the files in it",
            _ => "",
        };
        let message = format!("cannot open the input {}: {cause}{advice}", path.display());
        Failure::new(Exit::InputMissing, message)
    }

    /// An output could not be created.
    pub fn create(path: &Path, cause: &io::Error) -> Failure {
        let advice = match cause.kind() {
            io::ErrorKind::NotFound => "; create its directory first",
            io::ErrorKind::PermissionDenied => "; let this user write there, or name another path",
            _ => "",
        };
        let message = format!(
            "cannot create the output {}: {cause}{advice}",
            path.display()
        );
        Failure::new(Exit::CannotCreate, message)
    }

    /// Reading an input that was open failed.
    pub fn read(path: &Path, cause: &io::Error) -> Failure {
        let message = format!("cannot read on in {}: {cause}", path.display());
        Failure::new(Exit::Io, message)
    }

    /// Writing an output that was open failed; the file is not whole. Errors of standard output go up as they are.
    pub fn write(path: &Path, cause: &io::Error) -> Failure {
        let message = format!("cannot write on to {}: {cause}", path.display());
        Failure::new(Exit::Io, message)
    }
}

impl Exit {
    /// The code of an error: that of the [`Failure`] in it, else what its cause suggests.
    pub fn of(error: &anyhow::Error) -> Exit {
        if let Some(failure) = find::<Failure>(error) {
            return failure.exit;
        }
        if find::<Problems>(error).is_some() {
            return Exit::Usage;
        }
        match find::<io::Error>(error) {
            Some(_) if reader_gone(error) => Exit::Ok,
            Some(_) => Exit::Io,
            None => Exit::Internal,
        }
    }
}

/// Whether nobody reads standard output any more (`tributary .. | head`), which is no failure.
pub fn reader_gone(error: &anyhow::Error) -> bool {
    // A pipe named as an output is another matter: what was asked for is not whole. That one is a Failure.
    find::<Failure>(error).is_none()
        && find::<io::Error>(error).is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

fn find<E: std::error::Error + 'static>(error: &anyhow::Error) -> Option<&E> {
    error.chain().find_map(|cause| cause.downcast_ref())
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_failure_decides_the_code_through_context() {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let error = Err::<(), _>(Failure::open(Path::new("a.csv"), &missing()))
            .context("replay")
            .unwrap_err();
        assert_eq!(Exit::of(&error), Exit::InputMissing);
        assert_eq!(
            format!("{error:#}"),
            "replay: cannot open the input a.csv: entity not found; check the path, or give `-` for standard input"
        );
        assert_eq!(Exit::of(&missing().into()), Exit::Io);
        assert_eq!(Exit::of(&anyhow::anyhow!("odd")), Exit::Internal);
    }

    #[test]
    fn only_a_closed_standard_output_is_no_failure() {
        let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
        let plain = anyhow::Error::from(closed()).context("printing");
        assert_eq!((Exit::of(&plain), reader_gone(&plain)), (Exit::Ok, true));
        let named = Failure::write(Path::new("a.fifo"), &closed()).into();
        assert_eq!((Exit::of(&named), reader_gone(&named)), (Exit::Io, false));
    }
}
