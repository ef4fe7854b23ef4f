//! `tributary completions`: a script for the shell.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::Exit;

pub fn run(shell: Shell) -> anyhow::Result<Exit> {
    // clap_complete panics where it cannot write, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tributary", &mut script);
    io::stdout().write_all(&script)?;
    Ok(Exit::Ok)
}
