//! Lengths of time as people write them: a whole number and a unit (`90s`, `30m`, `7d`), milliseconds inside.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::values::{Malformed, text_form};

/// Units by name, the longest first.
const UNITS: [(&str, i64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// A non-negative length of time, at most 36,525 days (a century, the span of valid event times).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Duration {
    ms: i64,
}

text_form!(Duration);

impl Duration {
    /// The longest: longer ones could overflow sums with event times.
    pub const MAX: Duration = Duration {
        ms: 36_525 * 86_400_000,
    };

    pub const fn of_minutes(minutes: u32) -> Duration {
        Duration {
            ms: minutes as i64 * 60_000,
        }
    }

    pub const fn of_seconds(seconds: u32) -> Duration {
        Duration {
            ms: seconds as i64 * 1_000,
        }
    }

    /// `None` if negative or longer than [`Duration::MAX`].
    pub fn of_ms(ms: i64) -> Option<Duration> {
        (0..=Self::MAX.ms).contains(&ms).then_some(Duration { ms })
    }

    pub const fn ms(self) -> i64 {
        self.ms
    }
}

impl FromStr for Duration {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Duration, Malformed> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        if number.is_empty() || unit.starts_with(['.', ',', '_']) {
            return Err(Malformed(format!(
                "`{text}` is no duration: write a whole number and a unit, such as 90s, 30m, 2h or 7d"
            )));
        }
        let unit_ms = unit_ms(number, unit)?;
        number
            .parse::<i64>()
            .ok()
            .and_then(|n| n.checked_mul(unit_ms))
            .and_then(Duration::of_ms)
            .ok_or_else(|| Malformed(format!("`{text}` is longer than the longest, 36525d")))
    }
}

fn unit_ms(number: &str, unit: &str) -> Result<i64, Malformed> {
    if unit.trim().is_empty() {
        return Err(Malformed(format!(
            "`{number}` needs a unit: ms, s, m, h or d"
        )));
    }
    if let Some(&(_, ms)) = UNITS.iter().find(|(name, _)| *name == unit) {
        return Ok(ms);
    }
    let hint = match meant_unit(unit) {
        Some(meant) => format!("did you mean `{number}{meant}`?"),
        None => "a unit is ms, s, m, h or d".to_owned(),
    };
    Err(Malformed(format!("unknown unit `{unit}`; {hint}")))
}

/// The unit that a longer or spaced spelling (` sec`, `Hours`) stands for.
fn meant_unit(unit: &str) -> Option<&'static str> {
    let spelled = unit.trim().to_ascii_lowercase();
    match spelled.as_str() {
        _ if spelled.starts_with("mil") || spelled == "ms" || spelled == "msec" => Some("ms"),
        // A month is no fixed length, so nothing is suggested for it.
        _ if spelled.starts_with("mo") => None,
        _ => ["d", "h", "m", "s"]
            .into_iter()
            .find(|name| spelled.starts_with(name)),
    }
}

impl fmt::Display for Duration {
    /// In the longest unit that divides it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, unit_ms): &&(&str, i64)| self.ms % unit_ms == 0;
        match UNITS.iter().find(fits) {
            Some((unit, unit_ms)) if self.ms > 0 => write!(f, "{}{unit}", self.ms / unit_ms),
            _ => f.write_str("0s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_and_prints_each_unit() {
        for (text, ms) in [
            ("250ms", 250),
            ("90s", 90_000),
            ("30m", 1_800_000),
            ("2h", 7_200_000),
            ("7d", 604_800_000),
            ("0s", 0),
        ] {
            let duration: Duration = text.parse().unwrap();
            assert_eq!((duration.ms(), duration.to_string().as_str()), (ms, text));
        }
        assert_eq!("60m".parse::<Duration>().unwrap().to_string(), "1h");
    }

    #[test]
    fn errors_say_what_to_write() {
        for (text, message) in [
            ("30", "`30` needs a unit: ms, s, m, h or d"),
            ("90 s", "unknown unit ` s`; did you mean `90s`?"),
            ("30min", "unknown unit `min`; did you mean `30m`?"),
            ("5 Hours", "unknown unit ` Hours`; did you mean `5h`?"),
            ("5msec", "unknown unit `msec`; did you mean `5ms`?"),
            ("1w", "unknown unit `w`; a unit is ms, s, m, h or d"),
            ("1month", "unknown unit `month`; a unit is ms, s, m, h or d"),
            (
                "1.5h",
                "`1.5h` is no duration: write a whole number and a unit, such as 90s, 30m, 2h or 7d",
            ),
            (
                "-5m",
                "`-5m` is no duration: write a whole number and a unit, such as 90s, 30m, 2h or 7d",
            ),
            (
                "",
                "`` is no duration: write a whole number and a unit, such as 90s, 30m, 2h or 7d",
            ),
            ("36526d", "`36526d` is longer than the longest, 36525d"),
            (
                "99999999999999999999s",
                "`99999999999999999999s` is longer than the longest, 36525d",
            ),
        ] {
            assert_eq!(text.parse::<Duration>().unwrap_err().to_string(), message);
        }
    }

    proptest! {
        #[test]
        fn text_and_value_round_trip(ms in 0..=Duration::MAX.ms()) {
            let duration = Duration::of_ms(ms).unwrap();
            prop_assert_eq!(duration.to_string().parse::<Duration>().unwrap(), duration);
        }

        #[test]
        fn any_text_is_read_or_refused_without_panic(text in "\\PC{0,12}") {
            let _ = text.parse::<Duration>();
        }
    }
}
