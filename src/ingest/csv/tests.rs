//! Rows to records: headers, mappings, quotes, and what makes a row invalid.

use dataflows::event::EventType::{AdClick, AdImpression, Conversion, Spend};
use proptest::prelude::*;

use super::*;

const TIME: i64 = 1_760_000_000_014;

fn decoder(header: &str, columns: &str) -> Result<CsvDecoder, ColumnsError> {
    let columns = (!columns.is_empty()).then(|| columns.parse()).transpose()?;
    CsvDecoder::new(header.as_bytes(), columns.as_ref())
}

fn refusal(header: &str, columns: &str) -> String {
    decoder(header, columns).unwrap_err().to_string()
}

/// Type, touch besides, revenue of a row.
type Outcome = Result<(EventType, bool, Option<Micros>), Reason>;

fn outcome(decoder: &mut CsvDecoder, row: &str) -> Outcome {
    let record = decoder.decode(row.as_bytes())?;
    Ok((record.event_type, record.touches, record.revenue))
}

#[test]
fn a_file_of_touches_and_conversions_needs_no_mapping() {
    let header = "cookie,time,interaction,conversion,conversion_value,channel\r\n";
    let mut decoder = decoder(header, "").unwrap();
    let row = "7h2A,2018-07-03 13:02:11,impression,0,0.0,Paid Search\r\n";
    let record = decoder.decode(row.as_bytes()).unwrap();
    assert_eq!(
        (record.user, record.channel),
        (Some("7h2A"), Some("Paid Search"))
    );
    assert_eq!(record.event_time, 1_530_622_931_000);
    for (row, expected) in [
        (
            "u,1760000000014,impression,0,0.0,x",
            Ok((AdImpression, false, Some(0))),
        ),
        ("u,1760000000014,click,no,,x", Ok((AdClick, false, None))),
        (
            "u,1760000000014,conversion,1,6.25,x",
            Ok((Conversion, true, Some(6_250_000))),
        ),
        (
            "u,1760000000014,conversion,0,,x",
            Ok((Conversion, true, Some(0))),
        ),
        (
            "u,1760000000014,impression,TRUE,6.25,x",
            Ok((Conversion, true, Some(6_250_000))),
        ),
        ("u,1760000000014,spend,0,0,x", Err(Reason::UnknownType)),
        ("u,1760000000014,,0,0,x", Err(Reason::MissingType)),
        ("u,1760000000014,click,2,0,x", Err(Reason::BadText)),
        ("u,1760000000014,click,1,NaN,x", Err(Reason::BadNumber)),
        ("u,,click,1,1,x", Err(Reason::MissingTime)),
        ("u,noon,click,1,1,x", Err(Reason::BadTime)),
        ("u,2100-01-01 00:00:00,click,1,1,x", Err(Reason::TimeRange)),
        ("u,1760000000014,click,1,1", Err(Reason::Syntax)),
        ("u,1760000000014,click,1,1,x,", Err(Reason::Syntax)),
        ("", Err(Reason::Syntax)),
    ] {
        assert_eq!(outcome(&mut decoder, row), expected, "{row}");
    }
    assert_eq!(
        decoder.decode(b"u,1760000000014,click,1,1,\xff"),
        Err(Reason::Encoding)
    );
}

#[test]
fn a_file_in_sequence_needs_no_mapping() {
    let mut decoder = decoder("seq,user_id,ts,channel,campaign,conversion", "").unwrap();
    let record = decoder.decode(b"17,u1,1760000000014,-,,1").unwrap();
    let expected = Record {
        event_type: Conversion,
        event_time: TIME,
        event_id: None,
        user: Some("u1"),
        advertiser: None,
        campaign: None,
        channel: Some("-"),
        sequence: Some(17),
        revenue: Some(DEFAULT_VALUE),
        cost: None,
        touches: true,
        unknown_fields: 0,
    };
    assert_eq!(record, expected);
    let touch = outcome(&mut decoder, "18,u1,1760000000014,a,b,0");
    assert_eq!(touch, Ok((AdImpression, false, None)));
}

#[test]
fn a_type_column_says_what_a_row_is() {
    let mut decoder = decoder(
        "k,t,won,worth,how",
        "type=k,time=t,conversion=won,value=worth,interaction=how",
    )
    .unwrap();
    for (row, expected) in [
        (
            "conversion,1760000000014,1,,click",
            Ok((Conversion, false, Some(0))),
        ),
        (
            "conversion,1760000000014,,3,x",
            Ok((Conversion, false, Some(3_000_000))),
        ),
        (
            "click,1760000000014,yes,3,",
            Ok((Conversion, true, Some(3_000_000))),
        ),
        ("spend,1760000000014,no,,", Ok((Spend, false, None))),
        (",1760000000014,no,,", Err(Reason::MissingType)),
        ("x,1760000000014,no,,", Err(Reason::UnknownType)),
    ] {
        assert_eq!(outcome(&mut decoder, row), expected, "{row}");
    }
}

#[test]
fn a_mapping_alone_decides_what_is_read() {
    let mut decoder = decoder(
        "\u{feff}who, when ,conversion,x,user_id",
        "anonymous=who, time=when",
    )
    .unwrap();
    let record = decoder
        .decode("é,1760000000014,1,\"a,\nb\",u".as_bytes())
        .unwrap();
    assert_eq!(
        (record.user, record.event_type, record.unknown_fields),
        (Some("é"), AdImpression, 0)
    );
}

#[test]
fn a_mapping_or_a_header_that_does_not_fit_is_explained() {
    for (header, columns, message) in [
        ("a", "usr=a", "unknown key `usr`, did you mean `user`?"),
        (
            "a",
            "chanel=a",
            "unknown key `chanel`, did you mean `channel`?",
        ),
        ("a", "user", "`user` is not of the form key=column"),
        ("a", "user=", "`user=` is not of the form key=column"),
        ("a,b", "user=a,user=b", "key `user` is given twice"),
        ("a,b", "user=a,time=a", "column `a` is given two meanings"),
        (
            "a,b",
            "user=c,time=b",
            "no column `c` for `user`; the header has: a, b",
        ),
        (
            "a,b",
            "user=a",
            "no column is the time; name one as time=<column>; the header has: a, b",
        ),
        (
            "user_id,b",
            "",
            "no column is the time; name one as time=<column>; the header has: user_id, b",
        ),
        (
            "ts,time",
            "",
            "columns `ts` and `time` could both be the time; name the right one in a mapping",
        ),
        (
            "\u{1b}[2J,\"b\nc\"",
            "",
            "no column is the time; name one as time=<column>; the header has: \\u{1b}[2J, b\\nc",
        ),
        ("", "", "the header is not one row of UTF-8"),
    ] {
        assert_eq!(refusal(header, columns), message);
    }
    assert!(CsvDecoder::new(b"time,\xff", None).is_err());
}

#[test]
fn quotes_are_resolved() {
    let mut decoder = decoder("time,user_id,channel", "").unwrap();
    for (row, user, channel) in [
        ("1760000000014,\"u\",\"a,b\"", Some("u"), Some("a,b")),
        (
            "\"1760000000014\",\"u\"\"v\"\"\",\"\"",
            Some("u\"v\""),
            None,
        ),
        ("1760000000014,u,\"a\nb\"\r\n", Some("u"), Some("a\nb")),
        ("1760000000014,5\" screen,-", Some("5\" screen"), Some("-")),
        ("1760000000014,\"é\"é,x", Some("éé"), Some("x")),
    ] {
        let record = decoder.decode(row.as_bytes()).unwrap();
        assert_eq!((record.user, record.channel), (user, channel), "{row}");
    }
    for row in [
        "1760000000014,\"u,x",
        "1760000000014,u,\"x\"\"",
        "1760000000014,\"u\"",
        "1760000000014,\"u\",x,y",
        "1760000000014,\"u\",x\n1760000000014,u,x",
        "\"\"",
        "\"",
        "\n\"\"",
    ] {
        assert_eq!(
            decoder.decode(row.as_bytes()).map(drop),
            Err(Reason::Syntax),
            "{row}"
        );
    }
    let long = format!("1760000000014,\"{}\",x", "\"\"".repeat(5 << 20));
    assert_eq!(
        decoder.decode(long.as_bytes()).unwrap().user.map(str::len),
        Some(5 << 20)
    );
    assert!(decoder.decode(b"1760000000014,\"u\",x").is_ok());
}

#[test]
fn rows_end_outside_quotes() {
    let all = |block: &'static str| {
        rows(block.as_bytes())
            .map(|row| std::str::from_utf8(row).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(all(""), [""; 0]);
    assert_eq!(all("a,b\nc\n"), ["a,b", "c"]);
    assert_eq!(all("a,b\n\nc"), ["a,b", "", "c"]);
    assert_eq!(all("a,\"b\nc\"\nd\n"), ["a,\"b\nc\"", "d"]);
    assert_eq!(all("\"a\"\"\n\"\nd\n"), ["\"a\"\"\n\"", "d"]);
    assert_eq!(all("5\" tv,x\nc\n"), ["5\" tv,x", "c"]);
    let mut place = Place::default();
    assert_eq!(last_record_end(b"a,\"b\n", &mut place), None);
    assert_eq!(last_record_end(b"c\"", &mut place), None);
    assert_eq!(last_record_end(b"\"\nd\"\ne\nf", &mut place), Some(7));
    assert_eq!(place, Place::Plain);
    assert_eq!(last_record_end(b"", &mut place), None);
    assert_eq!(place, Place::Plain);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_row_is_survived(row in "[0-9a,\"\n\r]{0,30}|\\PC{0,30}") {
        let mut decoder = decoder("time,user_id,channel", "").unwrap();
        let _ = decoder.decode(row.as_bytes());
    }

    #[test]
    fn written_rows_come_back(cells in prop::collection::vec(("[a,\"\n\r é]{0,6}", "\\PC{0,6}"), 1..6)) {
        let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        for (user, channel) in &cells {
            writer.write_record([&TIME.to_string(), user, channel]).unwrap();
        }
        let block = writer.into_inner().unwrap();
        let mut decoder = decoder("time,user_id,channel", "").unwrap();
        let mut count = 0;
        for (row, (user, channel)) in rows(&block).zip(&cells) {
            let record = decoder.decode(row).unwrap();
            prop_assert_eq!(record.user.unwrap_or(""), user);
            prop_assert_eq!(record.channel.unwrap_or(""), channel);
            count += 1;
        }
        prop_assert_eq!(count, cells.len());
        prop_assert_eq!(rows(&block).count(), cells.len());
    }

    #[test]
    fn chunks_do_not_move_the_ends_of_rows(block in "([a,\"\n]|\"a\n\"){0,40}", cut in 0..40usize) {
        let block = block.as_bytes();
        let cut = cut.min(block.len());
        let (mut whole, mut parts) = (Place::default(), Place::default());
        let end = last_record_end(block, &mut whole);
        let first = last_record_end(&block[..cut], &mut parts);
        let second = last_record_end(&block[cut..], &mut parts).map(|end| cut + end);
        prop_assert_eq!((second.or(first), parts), (end, whole));
        // The rows up to there are the rows of the block.
        let ends = rows(block).scan(0, |at, row| { *at += row.len() + 1; Some(*at) });
        prop_assert_eq!(ends.filter(|&end| end <= block.len()).last(), end);
    }
}

#[test]
fn a_clone_reads_quotes_like_its_original() {
    let mut original = decoder("cookie,time,channel", "").unwrap();
    let row = format!("a,{TIME},\"TV, \"\"big\"\"\"");
    for _ in 0..2 {
        let mut clone = original.clone();
        let channel = clone.decode_str(&row).map(|record| record.channel);
        assert_eq!(channel, Ok(Some("TV, \"big\"")));
        assert!(original.decode_str(&row).is_ok());
    }
}
