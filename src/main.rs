//! The program `tributary`: arguments, settings, log, and the command that was asked for.

use clap::Parser;
use tributary::cli::{Cli, Command, ConfigCommand};
use tributary::config::{Config, Loaded};
use tributary::exit::{self, Exit};
use tributary::{allocator, commands, logging, panics};

/// Small blocks come and go on many threads; this one is quick at that and gives pages back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Exit {
    allocator::settle();
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
        Command::Replay(args) => commands::replay::run(args, &start(cli)?.config),
        Command::Run(_) => commands::run::run(&start(cli)?.config),
        Command::Ask(args) => {
            start(cli)?;
            commands::ask::run(args)
        }
        Command::Simulate(args) => commands::simulate::run(args, &start(cli)?.config),
        Command::Schema => commands::schema::run(),
        Command::Verify(args) => commands::verify::run(args, &start(cli)?.config),
        Command::Bench(args) => {
            start(cli)?;
            commands::bench::run(args)
        }
    }
}

/// Loads the settings in force and starts logging as they say.
fn start(cli: &Cli) -> anyhow::Result<Loaded> {
    let loaded = Config::load(&cli.sources())?;
    logging::start(loaded.config.log.format, loaded.config.log.level);
    Ok(loaded)
}
