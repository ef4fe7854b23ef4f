//! Log lines to standard error, as text or JSON.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use tracing::level_filters::LevelFilter;

use crate::config::values::{LogFormat, LogLevel};

/// The format of the log once it has started.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Starts logging for the life of the process; a second call changes nothing.
pub fn start(format: LogFormat, level: LogLevel) {
    let builder = tracing_subscriber::fmt()
        .with_max_level(filter(level))
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .with_writer(io::stderr);
    FORMAT.get_or_init(|| format);
    // An error means that a logger is there already, as in tests.
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// Says why the program ends: plain text for people, a log line for machines.
pub fn fatal(message: &str) {
    if FORMAT.get() == Some(&LogFormat::Json) {
        tracing::error!("{message}");
    } else {
        // Nothing is left to be done if standard error is closed.
        let _ = writeln!(io::stderr(), "error: {message}");
    }
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
