//! Text of other people's making, on a terminal.

/// The text, with escapes in place of characters that would move the cursor, break a line or do worse.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            printable.extend(character.escape_default());
        } else {
            printable.push(character);
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn what_would_act_on_the_terminal_is_escaped() {
        assert_eq!(printable("Käse, \"a\\b\""), "Käse, \"a\\b\"");
        assert_eq!(printable("a\u{1b}[2J\nb\0"), "a\\u{1b}[2J\\nb\\u{0}");
    }
}
