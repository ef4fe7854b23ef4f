//! Commands in the documents are commands of the program: their flags parse.

use std::fs;
use std::path::Path;

use clap::Parser;
use tributary::cli::Cli;

const DOCUMENTS: [&str; 5] = [
    "README.md",
    "CONTRIBUTING.md",
    "docs/ARCHITECTURE.md",
    "docs/METHODS.md",
    "docs/OPERATIONS.md",
];
/// What stands before the arguments of the program.
const CALLS: [&str; 2] = ["cargo run --release -- ", "target/release/tributary "];

#[test]
fn commands_in_the_documents_parse() {
    let mut parsed = 0;
    for document in DOCUMENTS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
        let text = fs::read_to_string(path).unwrap();
        for arguments in text.split("```sh\n").skip(1).flat_map(calls) {
            if let Err(error) = Cli::try_parse_from(&arguments) {
                panic!("{document}: {}: {error}", arguments.join(" "));
            }
            parsed += 1;
        }
    }
    assert!(parsed > 5, "only {parsed} commands were found");
}

/// The arguments of every call of the program in the block that `text` starts with.
fn calls(text: &str) -> Vec<Vec<&str>> {
    let block = text.split("```").next().unwrap_or_default();
    let call = |command| {
        let after = |call: &&str| Some(str::split_once(command, call)?.1);
        let arguments = CALLS.iter().find_map(after)?;
        Some(
            ["tributary"]
                .into_iter()
                .chain(arguments.split_whitespace())
                .collect(),
        )
    };
    block.split(['|', '\n', '&']).filter_map(call).collect()
}
