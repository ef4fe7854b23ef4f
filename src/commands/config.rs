//! `tributary config`: shows the settings in force and checks config files.

use std::io::{self, Write};
use std::path::PathBuf;

use crate::config::{Config, Loaded, Sources};
use crate::exit::Exit;

pub fn print(loaded: &Loaded) -> anyhow::Result<Exit> {
    io::stdout().write_all(loaded.printed().as_bytes())?;
    Ok(Exit::Ok)
}

/// Each file by itself; without files, what would be in force.
pub fn check(files: &[PathBuf], sources: &Sources) -> anyhow::Result<Exit> {
    let checked = match files {
        [] => vec![("config".to_owned(), Config::load(sources))],
        _ => files
            .iter()
            .map(|file| (file.display().to_string(), Config::load_file(file)))
            .collect(),
    };
    let mut exit = Exit::Ok;
    for (name, loaded) in checked {
        match loaded {
            Ok(_) => writeln!(io::stdout(), "{name}: ok")?,
            Err(problems) => {
                writeln!(io::stderr(), "{problems}")?;
                exit = Exit::Usage;
            }
        }
    }
    Ok(exit)
}
