//! A loaded config as TOML, the origin of each value beside it.

use std::fmt::Write;

use toml::{Table, Value};

use super::sources::Origin;
use super::{Config, Loaded};

/// The key whose value is never printed.
pub(super) const SECRET: &str = "privacy.user_key";

/// The config as a table of sections.
pub(super) fn table(config: &Config) -> Table {
    // Every section is a struct of plain values, which TOML always holds.
    Table::try_from(config).unwrap_or_default()
}

/// Valid TOML: `key = value  # origin`.
pub(super) fn printed(loaded: &Loaded) -> String {
    let mut text = String::new();
    for (section, values) in table(&loaded.config) {
        let gap = if text.is_empty() { "" } else { "\n" };
        text += &format!("{gap}[{section}]\n");
        for (key, value) in values.as_table().into_iter().flatten() {
            line(&mut text, loaded, &section, key, value);
        }
    }
    text
}

fn line(text: &mut String, loaded: &Loaded, section: &str, key: &str, value: &Value) {
    let origin = loaded.origin(section, key);
    let note = match (loaded.config.privacy.user_key.secret(), origin) {
        _ if format!("{section}.{key}") != SECRET => "",
        (Some(_), _) => "; set, never printed",
        (None, _) => "; not set, the public development key",
    };
    // A file name may hold a line break, which would end the comment.
    let origin = match origin {
        Origin::File { .. } => origin.to_string().replace(char::is_control, "?"),
        _ => origin.to_string(),
    };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{:<40} # {origin}{note}", format!("{key} = {value}"));
}
