//! What is built in: the commit, and the dashboard if it has been built before (`scripts/build`).
//!
//! Neither Node nor a repository is needed: without a dashboard there is none to embed, without git the commit is not
//! known.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

const DASHBOARD: &str = "dashboard/dist";

fn main() -> io::Result<()> {
    println!("cargo::rustc-env=TRIBUTARY_COMMIT={}", commit());
    // A path that is not there is looked at by every build, so that a first dashboard is noticed.
    println!("cargo::rerun-if-changed={DASHBOARD}");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join(DASHBOARD);
    let mut files = Vec::new();
    if root.is_dir() {
        walk(&root, &mut files)?;
    }
    files.sort();
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("assets.rs"), table(&root, &files))
}

/// A Rust expression: a slice of (path, bytes).
fn table(root: &Path, files: &[PathBuf]) -> String {
    let mut text = "&[\n".to_owned();
    for file in files {
        let path = file.strip_prefix(root).unwrap_or(file).to_string_lossy();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "    ({:?}, include_bytes!({:?})),",
            format!("/{}", path.replace('\\', "/")),
            file.to_string_lossy()
        );
    }
    text + "]"
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn commit() -> String {
    if let Some(head) = git(&["rev-parse", "--git-path", "HEAD"]) {
        println!("cargo::rerun-if-changed={head}");
    }
    if let Some(reference) = git(&["symbolic-ref", "--quiet", "HEAD"])
        && let Some(file) = git(&["rev-parse", "--git-path", &reference])
        && Path::new(&file).exists()
    {
        println!("cargo::rerun-if-changed={file}");
    }
    git(&["rev-parse", "--short=7", "HEAD"]).unwrap_or_else(|| "unknown".to_owned())
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
