//! The style that a reader relies on, kept by a test: every file says what it is for, none grows without bound, nothing
//! unfinished stays.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a file without its unit tests.
const LINES_MAX: usize = 400;
/// `.unwrap()` in a file of the program, outside tests.
const UNWRAPS_MAX: usize = 3;
/// A module doc begins within so many lines.
const DOC_WITHIN_LINES: usize = 3;

struct File {
    path: PathBuf,
    text: String,
}

impl File {
    /// A file of the program or its computation, as opposed to tests and benchmarks.
    fn is_program(&self) -> bool {
        self.path.starts_with("src") || self.path.starts_with("dataflows")
    }

    /// A file of unit tests beside what it tests.
    fn is_unit_tests(&self) -> bool {
        self.is_program() && self.path.file_name().is_some_and(|name| name == "tests.rs")
    }

    /// The lines before the unit tests.
    fn body(&self) -> &str {
        let tests = self.text.find("\n#[cfg(test)]\nmod tests {");
        &self.text[..tests.unwrap_or(self.text.len())]
    }
}

#[test]
fn every_file_has_a_module_doc() {
    report(|file| {
        let mut first = file.text.lines().take(DOC_WITHIN_LINES);
        let has_doc = first.any(|line| line.starts_with("//!"));
        (!has_doc).then(|| format!("no module doc in the first {DOC_WITHIN_LINES} lines"))
    });
}

#[test]
fn no_file_is_too_long() {
    report(|file| {
        let lines = file.body().lines().count();
        let is_exempt = file.path.starts_with("tests") || file.is_unit_tests();
        (!is_exempt && lines > LINES_MAX).then(|| format!("{lines} lines, more than {LINES_MAX}"))
    });
}

#[test]
fn nothing_is_left_to_do() {
    // Put together here so that this file does not find itself.
    let marks = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["dbg", "!("],
        ["todo", "!("],
        ["unimplemented", "!("],
    ]
    .map(|[a, b]| format!("{a}{b}"));
    report(|file| {
        file.text.lines().enumerate().find_map(|(at, line)| {
            let mark = marks.iter().find(|&mark| line.contains(mark.as_str()))?;
            Some(format!("`{mark}` in line {}", at + 1))
        })
    });
}

#[test]
fn the_program_seldom_unwraps() {
    report(|file| {
        let is_exempt = !file.is_program() || file.is_unit_tests();
        let is_doc = |line: &&str| line.trim_start().starts_with("//");
        let unwraps: usize = file
            .body()
            .lines()
            .filter(|line| !is_doc(line))
            .map(|line| line.matches(".unwrap()").count())
            .sum();
        (!is_exempt && unwraps > UNWRAPS_MAX).then(|| {
            format!("{unwraps} times `.unwrap()`, more than {UNWRAPS_MAX}; `expect` says why")
        })
    });
}

/// Fails with one line for each file that `fault` finds fault with.
fn report(fault: impl Fn(&File) -> Option<String>) {
    let files = files();
    assert!(files.len() > 50, "only {} files were found", files.len());
    let faults: Vec<String> = files
        .iter()
        .filter_map(|file| Some(format!("{}: {}", file.path.display(), fault(file)?)))
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// All Rust files of the repository, their paths relative to it.
fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "dataflows", "tests", "benches"] {
        walk(&root.join(folder), &mut files);
    }
    files.sort();
    let read = |path: PathBuf| File {
        text: fs::read_to_string(&path).unwrap(),
        path: path.strip_prefix(root).unwrap().to_path_buf(),
    };
    files.into_iter().map(read).collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
