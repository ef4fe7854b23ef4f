//! `tributary bench`: measures and prints; a row below its floor says so and is no failure.

use std::io::{self, Write};

use tracing::info;

use crate::bench::{self, Bench};
use crate::cli;
use crate::exit::{Exit, Failure};

pub fn run(arguments: &cli::Bench) -> anyhow::Result<Exit> {
    if arguments
        .only
        .first()
        .is_some_and(|name| name == bench::CHILD)
    {
        return bench::run_child(&arguments.only);
    }
    check(&arguments.only)?;
    let bench = Bench::new(arguments.quick)?;
    let mut out = io::stdout();
    let mut rows = Vec::new();
    if !arguments.json {
        out.write_all(bench::head().as_bytes())?;
    }
    for group in bench::groups(&arguments.only) {
        info!("measuring {}: {}", group.name, group.what);
        let measured = (group.measure)(&bench)?;
        if !arguments.json {
            out.write_all(bench::table(&measured).as_bytes())?;
        }
        rows.extend(measured);
    }
    if arguments.json {
        out.write_all(bench::json(&rows).as_bytes())?;
    }
    if arguments.only.is_empty() {
        info!(
            "not measured unless asked for, as it takes minutes and gigabytes: bench --only held-open"
        );
    }
    Ok(Exit::Ok)
}

fn check(only: &[String]) -> Result<(), Failure> {
    let names = bench::names();
    match only.iter().find(|name| !names.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Failure::new(
            Exit::Usage,
            format!(
                "no measurement is called `{name}`; there are {}",
                names.join(", ")
            ),
        )),
    }
}
