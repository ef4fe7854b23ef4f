//! The files that a command writes: none of them is an input, or another output.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::exit::{Exit, Failure};

/// Where a path leads: to a file that is there, by its device and number, or to one that is not there yet.
#[derive(PartialEq, Eq)]
enum Place {
    There(u64, u64),
    Named(PathBuf),
}

impl Place {
    /// None of a pipe or a device, which several may write to, nor where nothing can be.
    fn of(path: &Path) -> Option<Place> {
        match fs::metadata(path) {
            Ok(found) => found
                .is_file()
                .then(|| Place::There(found.dev(), found.ino())),
            Err(_) => {
                let folder = path.parent()?;
                let here = Path::new(".");
                let folder = if folder == Path::new("") {
                    here
                } else {
                    folder
                };
                Some(Place::Named(
                    folder.canonicalize().ok()?.join(path.file_name()?),
                ))
            }
        }
    }
}

/// Refuses outputs that would overwrite an input, one another or standard output; nothing has been written yet.
///
/// # Errors
/// Names the two.
pub(super) fn check<'a>(
    inputs: &[PathBuf],
    outputs: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<()> {
    let inputs = inputs.iter().map(|path| match path.to_str() {
        Some("-") => Path::new("/dev/stdin"),
        _ => path.as_path(),
    });
    let mut taken: Vec<(&Path, Place)> = inputs
        .chain([Path::new("/dev/stdout")])
        .filter_map(|path| Some((path, Place::of(path)?)))
        .collect();
    for path in outputs {
        let Some(place) = Place::of(path) else {
            continue;
        };
        if let Some((other, _)) = taken.iter().find(|(_, other)| *other == place) {
            let message = format!(
                "the output {} would overwrite {}; name another file",
                path.display(),
                other.display()
            );
            return Err(Failure::new(Exit::Usage, message).into());
        }
        taken.push((path, place));
    }
    Ok(())
}

/// Creates a file and fills it; its buffer is flushed before this returns.
pub(super) fn write(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<()> {
    let file = File::create(path).map_err(|error| Failure::create(path, &error))?;
    let mut file = BufWriter::new(file);
    fill(&mut file)
        .and_then(|()| file.flush())
        .map_err(|error| Failure::write(path, &error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_no_input_and_no_other_output_by_whatever_name() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("in"), "").unwrap();
        std::os::unix::fs::symlink(at("in"), at("link")).unwrap();
        fs::hard_link(at("in"), at("hard")).unwrap();
        let (input, stdin) = (at("in"), PathBuf::from("-"));
        let dotted = dir.path().join(".").join("out");
        let devices = ["/dev/null", "/dev/null"].map(PathBuf::from);
        for (outputs, is_good) in [
            (vec![at("out"), at("other")], true),
            (vec![at("in")], false),
            (vec![at("link")], false),
            (vec![at("hard")], false),
            (vec![at("out"), dotted], false),
            (vec![at("no folder/out"), at("no folder/out")], true),
            (devices.to_vec(), true),
            (vec![stdin.clone()], true),
        ] {
            let inputs = [input.clone(), stdin.clone()];
            assert_eq!(check(&inputs, &outputs).is_ok(), is_good, "{outputs:?}");
        }
    }
}
