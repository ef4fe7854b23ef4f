//! The secret key of user pseudonyms. It reads itself from hex and never prints itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::values::{Malformed, text_form};

/// The key of `replay`, `verify`, `bench` and `simulate` when none is configured. Public: it protects nobody.
pub const DEVELOPMENT_KEY: [u8; 32] = *b"tributary public development key";

/// 32 bytes as 64 hex digits, or empty: not set.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserKey(Option<[u8; 32]>);

text_form!(UserKey);

impl UserKey {
    /// `None` when not set.
    pub fn secret(&self) -> Option<&[u8; 32]> {
        self.0.as_ref()
    }
}

impl FromStr for UserKey {
    type Err = Malformed;

    /// The errors hold nothing of the text: it may be a key with one wrong digit.
    fn from_str(text: &str) -> Result<UserKey, Malformed> {
        if text.is_empty() {
            return Ok(UserKey(None));
        }
        if text.len() != 64 {
            let length = text.chars().count();
            return Err(Malformed(format!(
                "a key is 64 hex digits (32 bytes), not {length} characters; make one with `openssl rand -hex 32`"
            )));
        }
        let mut key = [0; 32];
        for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = hex(pair[0]).zip(hex(pair[1]));
            let (high, low) =
                digits.ok_or_else(|| Malformed("a key has hex digits only, 0-9 and a-f".into()))?;
            *byte = high << 4 | low;
        }
        Ok(UserKey(Some(key)))
    }
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

impl fmt::Display for UserKey {
    /// Empty always, so that no dump of a config holds the key.
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "set" } else { "not set" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hex_of_either_case_and_prints_nothing() {
        let key: UserKey = "0aF1".repeat(16).parse().unwrap();
        assert_eq!(key.secret().unwrap()[0], 0x0a);
        assert_eq!(
            (format!("{key:?}"), key.to_string()),
            ("set".into(), "".into())
        );
    }

    #[test]
    fn errors_never_hold_the_text() {
        for text in ["secret".to_owned(), "zz".repeat(32), "ü".repeat(32)] {
            let error = text.parse::<UserKey>().unwrap_err().to_string();
            assert!(
                !error.contains(&text[..2]) && !error.contains("secret"),
                "{error}"
            );
        }
    }
}
