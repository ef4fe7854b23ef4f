//! Decimal text to integers, exactly: money must not pass through a float on its way to micro-units.
//!
//! In: text of a JSON number, a JSON string or a CSV cell. Out: an integer, or `None` for what is no decimal number or
//! lies outside its limits. Any length of text is safe: the work is linear and nothing is allocated.

use dataflows::event::{MAX_MICROS, Micros};

/// Micro-units of a decimal, rounded half away from zero beyond six places; `None` beyond ± a billion units.
pub fn parse_micros(text: &str) -> Option<Micros> {
    ordinary_micros(text.as_bytes())
        .or_else(|| bounded(text, 6, MAX_MICROS as u64).map(Scaled::value))
}

/// An integer of 64 bits, also written as a decimal without a remainder (`12.0`, `1.2e1`), as spreadsheets do.
pub fn parse_integer(text: &str) -> Option<i64> {
    if (1..=18).contains(&text.len()) && all_digits(text.as_bytes()) {
        return Some(number(text.as_bytes()));
    }
    let scaled = Scaled::parse(text, 0)?;
    let limit = i64::MAX as u64 + u64::from(scaled.negative);
    (scaled.exact && scaled.magnitude <= limit).then(|| scaled.value())
}

/// Whether the text is a decimal within ± `limit`.
pub fn is_within(text: &str, limit: u64) -> bool {
    bounded(text, 0, limit).is_some()
}

/// Amounts as they usually are written: no sign, few digits, no more places than are kept.
fn ordinary_micros(text: &[u8]) -> Option<Micros> {
    const SCALE: [i64; 7] = [1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
    let (whole, fraction) = split_point(text)?;
    let scale = SCALE.get(fraction.len())?;
    (whole.len() <= 9).then(|| number(whole) * 1_000_000 + number(fraction) * scale)
}

/// At most 18 digits as a number.
fn number(digits: &[u8]) -> i64 {
    digits
        .iter()
        .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'))
}

fn bounded(text: &str, places: i64, limit: u64) -> Option<Scaled> {
    let scaled = Scaled::parse(text, places)?;
    // What was rounded down to the limit exceeds it; what was rounded up to it does not.
    let exceeds = scaled.magnitude > limit || (scaled.magnitude == limit && scaled.rounded_down());
    (!exceeds).then_some(scaled)
}

/// A decimal times a power of ten, rounded half away from zero.
struct Scaled {
    negative: bool,
    magnitude: u64,
    /// Nothing was rounded.
    exact: bool,
    rounded_up: bool,
}

impl Scaled {
    /// `None` when the text is no decimal number, or too large for 64 bits.
    fn parse(text: &str, places: i64) -> Option<Scaled> {
        let (negative, digits) = split_sign(text.as_bytes());
        let (mantissa, exponent) = split_exponent(digits)?;
        let (whole, fraction) = split_point(mantissa)?;
        // The point moves right: so many of the digits, whole and fraction in one row, stand before it.
        let kept = whole.len() as i64 + exponent + places;
        let mut digits = whole.iter().chain(fraction).map(|digit| digit - b'0');
        let mut magnitude = 0u64;
        for place in 0..kept.max(0) {
            let Some(digit) = digits.next() else {
                magnitude = shifted(magnitude, kept - place)?;
                break;
            };
            magnitude = magnitude.checked_mul(10)?.checked_add(u64::from(digit))?;
        }
        // With `kept` below zero there are zeros between the point and the first digit.
        let first = if kept < 0 {
            0
        } else {
            digits.next().unwrap_or(0)
        };
        let rounded_up = first >= 5;
        Some(Scaled {
            negative,
            magnitude: magnitude.checked_add(u64::from(rounded_up))?,
            exact: first == 0 && digits.all(|digit| digit == 0),
            rounded_up,
        })
    }

    fn rounded_down(&self) -> bool {
        !self.exact && !self.rounded_up
    }

    fn value(self) -> i64 {
        if self.negative {
            0i64.wrapping_sub_unsigned(self.magnitude)
        } else {
            self.magnitude as i64
        }
    }
}

/// Times ten to the power of `zeros`.
fn shifted(magnitude: u64, zeros: i64) -> Option<u64> {
    if magnitude == 0 {
        return Some(0);
    }
    magnitude.checked_mul(10u64.checked_pow(u32::try_from(zeros).ok()?)?)
}

fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

fn split_exponent(text: &[u8]) -> Option<(&[u8], i64)> {
    let Some(at) = memchr::memchr2(b'e', b'E', text) else {
        return Some((text, 0));
    };
    let (negative, digits) = split_sign(&text[at + 1..]);
    if digits.is_empty() || !all_digits(digits) {
        return None;
    }
    // Saturates far beyond the length of any text, so that no number of written zeros can make up for it.
    let exponent = digits.iter().fold(0i64, |sum, digit| {
        (sum * 10 + i64::from(digit - b'0')).min(1 << 50)
    });
    Some((&text[..at], if negative { -exponent } else { exponent }))
}

fn split_point(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b'.', text).unwrap_or(text.len());
    let (whole, fraction) = (&text[..at], text.get(at + 1..).unwrap_or_default());
    let some = whole.len() + fraction.len() > 0;
    (some && all_digits(whole) && all_digits(fraction)).then_some((whole, fraction))
}

fn all_digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn money_is_read_exactly() {
        for (text, micros) in [
            ("0", 0),
            ("-0", 0),
            ("0.0000", 0),
            ("0.0123", 12_300),
            ("12", 12_000_000),
            ("+1.5", 1_500_000),
            (".5", 500_000),
            ("5.", 5_000_000),
            ("0007.10", 7_100_000),
            // In f64 this would be 300000.00000000006.
            ("0.1e0", 100_000),
            ("1e3", 1_000_000_000),
            ("1.25E-2", 12_500),
            ("12345e-10", 1),
            ("1e9", MAX_MICROS),
            ("-1e9", -MAX_MICROS),
            ("1000000000.000000", MAX_MICROS),
            ("0e999999999999999999999", 0),
            ("1e-999999999999999999999", 0),
            ("0.00000000000000000000000000001e29", 1_000_000),
            ("100000000000000000000000000000e-29", 1_000_000),
        ] {
            assert_eq!(parse_micros(text), Some(micros), "{text}");
        }
    }

    #[test]
    fn half_a_micro_is_rounded_away_from_zero() {
        for (text, micros) in [
            ("0.0000005", 1),
            ("-0.0000005", -1),
            ("0.00000049999999999999999999", 0),
            ("0.00000050000000000000000001", 1),
            ("1.2345675", 1_234_568),
            ("1.2345674999", 1_234_567),
            ("5e-7", 1),
            ("5e-8", 0),
            ("999999999.9999995", MAX_MICROS),
            ("0.30000000000000004", 300_000),
        ] {
            assert_eq!(parse_micros(text), Some(micros), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            "-",
            "+",
            ".",
            "-.",
            "e5",
            "1e",
            "1e+",
            "1e5.0",
            "1.2.3",
            "--1",
            "+-1",
            " 1",
            "1 ",
            "1,5",
            "1_000",
            "0x10",
            "NaN",
            "nan",
            "inf",
            "Infinity",
            "-Infinity",
            "1e308",
            "1e9999999999999999999999",
            "1000000000.0000001",
            "-1000000000.000001",
            "1e10",
            "18446744073709551616",
            "١٢",
            "1\0",
        ] {
            assert_eq!(parse_micros(text), None, "{text}");
        }
        assert_eq!(parse_micros(&"9".repeat(1 << 20)), None);
        assert_eq!(parse_micros(&"0".repeat(1 << 20)), Some(0));
    }

    #[test]
    fn integers_reach_the_ends_of_their_type() {
        for (text, value) in [
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("18446744073709551615", None),
            ("12.0", Some(12)),
            ("1.2e1", Some(12)),
            ("12.5", None),
            ("0.1", None),
            ("1e-1", None),
            ("1e-9", None),
            ("", None),
        ] {
            assert_eq!(parse_integer(text), value, "{text}");
        }
    }

    #[test]
    fn a_limit_is_inclusive() {
        assert!(is_within("1000", 1000));
        assert!(is_within("-1000.0", 1000));
        assert!(is_within("999.9", 1000));
        assert!(!is_within("1000.1", 1000));
        assert!(!is_within("1e308", 1000));
        assert!(!is_within("", 1000));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}|[-+]?[0-9.]{0,40}([eE][-+]?[0-9]{0,25})?") {
            // 1e9 is far within what f64 tells apart to half a unit.
            match (parse_micros(&text), text.parse::<f64>()) {
                (Some(micros), Ok(float)) => prop_assert!((micros as f64 / 1e6 - float).abs() <= 1e-6),
                (None, Ok(float)) => prop_assert!(float.is_nan() || float.abs() >= 1e9),
                (Some(_), Err(_)) => prop_assert!(false, "read {text}"),
                (None, Err(_)) => {}
            }
        }

        #[test]
        fn six_places_come_back(micros in -MAX_MICROS..=MAX_MICROS) {
            let sign = if micros < 0 { "-" } else { "" };
            let text = format!("{sign}{}.{:06}", micros.abs() / 1_000_000, micros.abs() % 1_000_000);
            prop_assert_eq!(parse_micros(&text), Some(micros));
            prop_assert_eq!(parse_micros(&format!("{micros}e-6")), Some(micros));
        }
    }
}
