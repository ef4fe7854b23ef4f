//! Text to event time.
//!
//! In: text of a JSON value or a CSV cell. Out: milliseconds since 1970. Accepted are whole milliseconds, RFC 3339 with
//! any offset, and `YYYY-MM-DD HH:MM:SS[.f]` (a space or `T` between, no zone), which is UTC. What is finer than a
//! millisecond is cut off.

use dataflows::event::{END_TIME_MS, FIRST_TIME_MS, TimeMs};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::decimal::parse_integer;
use super::record::Reason;

/// The time of an event: like [`parse_time`], with the reason why it is none.
pub fn event_time(text: &str) -> Result<TimeMs, Reason> {
    let time = parse_time(text).ok_or(Reason::BadTime)?;
    if is_valid(time) {
        Ok(time)
    } else {
        Err(Reason::TimeRange)
    }
}

/// Within 2000-2100.
pub fn is_valid(time: TimeMs) -> bool {
    (FIRST_TIME_MS..END_TIME_MS).contains(&time)
}

/// Any time, valid for an event or not.
pub fn parse_time(text: &str) -> Option<TimeMs> {
    let bytes = text.as_bytes();
    if !is_written_out(bytes) {
        return parse_integer(text);
    }
    fixed_form(bytes).or_else(|| any_form(text))
}

/// Date and time of day stand where both written forms have them.
fn is_written_out(text: &[u8]) -> bool {
    text.len() >= 19
        && text[4] == b'-'
        && text[7] == b'-'
        && matches!(text[10], b'T' | b't' | b' ')
        && text[13] == b':'
        && text[16] == b':'
}

/// The forms that programs write, of this century. Anything else is `None` and left to [`any_form`].
fn fixed_form(text: &[u8]) -> Option<TimeMs> {
    let (moment, rest) = text.split_at_checked(19)?;
    let digits = rest.iter().skip(1).take_while(|b| b.is_ascii_digit());
    let (fraction, zone) = match rest.first() {
        Some(b'.') => rest.split_at(1 + digits.count()),
        _ => rest.split_at(0),
    };
    Some(seconds(moment)? * 1000 + milliseconds(fraction)? - offset_seconds(zone)? * 1000)
}

fn seconds(moment: &[u8]) -> Option<i64> {
    let pair = |at: usize| two_digits(&moment[at..at + 2]);
    let (century, year) = (pair(0)?, pair(2)?);
    let (month, day) = (pair(5)?, pair(8)?);
    let (hour, minute, second) = (pair(11)?, pair(14)?, pair(17)?);
    let in_day = hour < 24 && minute < 60 && second < 60;
    // In 2000-2099 every fourth year is a leap year, 2000 included.
    let leap = i64::from(year % 4 == 0);
    let ends = days_before(month + 1, leap)?;
    let begins = days_before(month, leap)?;
    if century != 20 || !in_day || day == 0 || begins + day > ends {
        return None;
    }
    let days = year * 365 + (year + 3) / 4 + begins + day - 1;
    Some(FIRST_TIME_MS / 1000 + days * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days of the year before the month, 1 to 13.
fn days_before(month: i64, leap: i64) -> Option<i64> {
    const DAYS: [i64; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
    let days = DAYS.get(usize::try_from(month - 1).ok()?)?;
    Some(days + if month > 2 { leap } else { 0 })
}

fn two_digits(text: &[u8]) -> Option<i64> {
    let [tens, ones] = [text[0].wrapping_sub(b'0'), text[1].wrapping_sub(b'0')];
    (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
}

/// Of a point and one to nine digits, or of nothing.
fn milliseconds(fraction: &[u8]) -> Option<i64> {
    if fraction.is_empty() {
        return Some(0);
    }
    let digit = |at: usize| i64::from(fraction.get(at).map_or(0, |digit| digit - b'0'));
    (2..=10)
        .contains(&fraction.len())
        .then(|| digit(1) * 100 + digit(2) * 10 + digit(3))
}

fn offset_seconds(zone: &[u8]) -> Option<i64> {
    let [sign @ (b'+' | b'-'), hours @ .., b':', m, n] = zone else {
        return matches!(zone, b"" | b"Z" | b"z").then_some(0);
    };
    let hours = (hours.len() == 2).then(|| two_digits(hours))??;
    let minutes = two_digits(&[*m, *n])?;
    let offset = hours * 3600 + minutes * 60;
    (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -offset } else { offset })
}

/// All that the two forms allow: other centuries, leap seconds, short offsets.
fn any_form(text: &str) -> Option<TimeMs> {
    let rest = text.get(19..)?;
    // An offset is less than a day; brackets are RFC 9557; and no time needs so many bytes.
    let is_beyond = |sign: usize| rest[sign + 1..] >= *"24";
    if rest.rfind(['+', '-']).is_some_and(is_beyond) || rest.contains('[') || text.len() > 64 {
        return None;
    }
    let timestamp = if rest.contains(['Z', 'z', '+', '-']) {
        text.parse::<Timestamp>().ok()?
    } else {
        let civil: DateTime = text.parse().ok()?;
        civil.to_zoned(TimeZone::UTC).ok()?.timestamp()
    };
    Some(timestamp.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_accepted_form_of_one_moment() {
        for text in [
            "1760000000014",
            "1760000000014.0",
            "1.760000000014e12",
            "2025-10-09T08:53:20.014Z",
            "2025-10-09t08:53:20.014z",
            "2025-10-09T08:53:20.014+00:00",
            "2025-10-09T08:53:20.014-00:00",
            "2025-10-09T10:53:20.014+02:00",
            "2025-10-09T10:53:20.014+02",
            "2025-10-09T14:23:20.014999+05:30",
            "2025-10-10T08:52:20.014+23:59",
            "2025-10-08T22:53:20.0149-10:00",
            "2025-10-09 08:53:20.014Z",
            "2025-10-09 08:53:20.014",
            "2025-10-09T08:53:20.014",
            "2025-10-09 08:53:20.014000000",
        ] {
            assert_eq!(parse_time(text), Some(1_760_000_000_014), "{text}");
        }
    }

    #[test]
    fn times_that_are_none() {
        for text in [
            "",
            " ",
            "now",
            "2025-10-09",
            "2025-10-09T08:53",
            "2025-10-09T08:53Z",
            "2025-13-09T08:53:20Z",
            "2025-02-29T08:53:20Z",
            "2100-02-29T08:53:20Z",
            "2025-10-00T08:53:20Z",
            "2025-10-09T24:00:00Z",
            "2025-10-09T08:60:20Z",
            "2025-10-09T08:53:61Z",
            "2025-10-09T08:53:20.Z",
            "2025-10-09T08:53:20.0140000001Z",
            "2025-10-09T08:53:20+99:00",
            "2025-10-09T08:53:20+24:00",
            "2025-10-09T08:53:20-25:00",
            "2025-10-09T08:53:20 Z",
            "2025-10-09T08:53:20Zebra",
            "2025-10-09T08:53:20Z[Europe/Berlin]",
            "2025-10-09_08:53:20",
            "1760000000014.5",
            "9223372036854775808",
            "NaN",
            "2025-10-09T08:53:2\u{0660}",
            "\u{0660}\u{0660}25-10-09T08:53:20",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
        assert_eq!(
            parse_time(&format!("2025-10-09T08:53:20.{}", "0".repeat(1 << 20))),
            None
        );
    }

    #[test]
    fn the_range_ends_with_the_century() {
        for (text, time) in [
            ("2000-01-01T00:00:00Z", Ok(FIRST_TIME_MS)),
            ("1999-12-31T23:59:59.999Z", Err(Reason::TimeRange)),
            ("2099-12-31T23:59:59.999Z", Ok(END_TIME_MS - 1)),
            ("2100-01-01T00:00:00Z", Err(Reason::TimeRange)),
            ("2100-01-01T01:00:00+02:00", Ok(END_TIME_MS - 3_600_000)),
            ("9999-12-31T23:59:59-10:00", Err(Reason::BadTime)),
            ("9223372036854775807", Err(Reason::TimeRange)),
            ("-9223372036854775808", Err(Reason::TimeRange)),
            ("2024-02-29T00:00:00Z", Ok(1_709_164_800_000)),
            ("2016-12-31T23:59:60Z", Ok(1_483_228_799_000)),
        ] {
            assert_eq!(event_time(text), time, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_fixed_forms_are_read_as_jiff_reads_them(
            text in "(19|20|21)[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?(Z|[+-][0-2][0-9]:[0-6][0-9])?",
        ) {
            if let Some(time) = fixed_form(text.as_bytes()) {
                prop_assert_eq!(Some(time), any_form(&text));
            }
        }

        #[test]
        fn every_moment_of_the_century_takes_the_fast_way(time in FIRST_TIME_MS..END_TIME_MS) {
            let text = Timestamp::from_millisecond(time).unwrap().to_string();
            prop_assert_eq!(fixed_form(text.as_bytes()), Some(time));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}|[-0-9T:.Z+ ]{19,32}") {
            let _ = parse_time(&text);
        }
    }
}
