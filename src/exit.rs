//! How the program ends: the exit codes, and errors that carry one.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::{ExitCode, Termination};

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
  70  own mistake, or a peer process was lost
  73  an output cannot be created
  74  reading or writing failed
  75  stuck: no epoch closed for too long";

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

/// An error that decides the exit code. Context may be put around it on the way up to `main`.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    message: String,
    cause: Option<io::Error>,
}

impl Failure {
    pub fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure {
            exit,
            message: message.into(),
            cause: None,
        }
    }

    /// An input could not be opened.
    pub fn open(path: &Path, cause: io::Error) -> Failure {
        let advice = match cause.kind() {
            io::ErrorKind::NotFound => "; check the path, or give `-` for standard input",
            io::ErrorKind::PermissionDenied => "; let this user read it",
            _ => "",
        };
        let message = format!("cannot open the input {}{advice}", path.display());
        Failure::caused(Exit::InputMissing, message, cause)
    }

    /// An output could not be created.
    pub fn create(path: &Path, cause: io::Error) -> Failure {
        let advice = match cause.kind() {
            io::ErrorKind::NotFound => "; create its directory first",
            io::ErrorKind::PermissionDenied => "; let this user write there, or name another path",
            _ => "",
        };
        let message = format!("cannot create the output {}{advice}", path.display());
        Failure::caused(Exit::CannotCreate, message, cause)
    }

    /// Reading an input that was open failed.
    pub fn read(path: &Path, cause: io::Error) -> Failure {
        Failure::caused(
            Exit::Io,
            format!("cannot read on in {}", path.display()),
            cause,
        )
    }

    /// Writing an output that was open failed.
    pub fn write(path: &Path, cause: io::Error) -> Failure {
        Failure::caused(
            Exit::Io,
            format!("cannot write on to {}", path.display()),
            cause,
        )
    }

    fn caused(exit: Exit, message: String, cause: io::Error) -> Failure {
        Failure {
            exit,
            message,
            cause: Some(cause),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}

impl Exit {
    /// The code of an error: that of the [`Failure`] in it, else what its cause suggests.
    pub fn of(error: &anyhow::Error) -> Exit {
        if reader_gone(error) {
            return Exit::Ok;
        }
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return failure.exit;
        }
        if error.downcast_ref::<crate::config::Problems>().is_some() {
            return Exit::Usage;
        }
        match error.chain().any(|cause| cause.is::<io::Error>()) {
            true => Exit::Io,
            false => Exit::Internal,
        }
    }
}

/// Whether the error is that nobody reads the output any more (`tributary .. | head`), which is no failure.
pub fn reader_gone(error: &anyhow::Error) -> bool {
    let closed = |e: &io::Error| e.kind() == io::ErrorKind::BrokenPipe;
    error
        .chain()
        .any(|cause| cause.downcast_ref().is_some_and(closed))
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_failure_decides_the_code_through_context() {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let error = Err::<(), _>(Failure::open(Path::new("a.csv"), missing()))
            .context("reading")
            .unwrap_err();
        assert_eq!(Exit::of(&error), Exit::InputMissing);
        assert_eq!(Exit::of(&missing().into()), Exit::Io);
        assert_eq!(Exit::of(&anyhow::anyhow!("odd")), Exit::Internal);
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let closed = io::Error::from(io::ErrorKind::BrokenPipe);
        let error = Failure::write(Path::new("-"), closed).into();
        assert_eq!(Exit::of(&error), Exit::Ok);
    }
}
