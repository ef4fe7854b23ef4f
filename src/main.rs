//! The program `tributary`: arguments, settings, log, and the command that was asked for.

use clap::Parser;
use tributary::cli::{Cli, Command, ConfigCommand};
use tributary::config::{Config, Loaded};
use tributary::exit::{self, Exit};
use tributary::{commands, logging, panics};

fn main() -> Exit {
    panics::install();
    let cli = Cli::parse();
    run(&cli).unwrap_or_else(|error| {
        if !exit::reader_gone(&error) {
            logging::fatal(&format!("{error:#}"));
        }
        Exit::of(&error)
    })
}

fn run(cli: &Cli) -> anyhow::Result<Exit> {
    match &cli.command {
        Command::Completions { shell } => commands::completions::run(*shell),
        Command::Config(ConfigCommand::Check { files }) => {
            commands::config::check(files, &cli.sources())
        }
        Command::Config(ConfigCommand::Print(_)) => commands::config::print(&start(cli)?),
        Command::Bench(bench) => {
            start(cli)?;
            commands::bench::run(bench)
        }
        Command::Replay(_) | Command::Simulate(_) | Command::Verify(_) | Command::Schema => {
            start(cli)?;
            anyhow::bail!("this command is not part of this build yet")
        }
    }
}

/// Loads the settings in force and starts logging as they say.
fn start(cli: &Cli) -> anyhow::Result<Loaded> {
    let loaded = Config::load(&cli.sources())?;
    logging::start(loaded.config.log.format, loaded.config.log.level);
    Ok(loaded)
}
