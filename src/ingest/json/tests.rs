//! Lines to records: the fast way and the full way must agree on any line.

use dataflows::event::EventType;
use proptest::prelude::*;

use super::*;
use crate::ingest::schema::{FIELDS, FieldKind, NAMES};

const TIME: i64 = 1_760_000_000_014;
const TYPICAL: &str = r#"{"event_id":"e0000000001","event_time":1760000000014,"user_id":"u00000042","advertiser":"adv_03","campaign":"cmp_17","channel":"search","event_type":"impression","region":"us-east","device":"mobile","revenue":0.0000,"cost":0.0123}"#;

/// Decodes a line on its own and checks that the two ways agree.
fn reason(line: impl AsRef<[u8]>) -> Result<(), Reason> {
    let line = line.as_ref();
    if let Ok(text) = std::str::from_utf8(line) {
        assert_ways_agree(&mut keys::KeyOrder::default(), text);
    }
    JsonDecoder::new().decode(line).map(drop)
}

/// A line of two valid fields and these.
fn with(fields: &str) -> String {
    format!(r#"{{"event_type":"click","event_time":{TIME},{fields}}}"#)
}

fn assert_ways_agree(order: &mut keys::KeyOrder, line: &str) -> bool {
    let mut unescaped = String::new();
    let full = full::parse(&mut unescaped, line);
    // The second time the order of the keys is known.
    for _ in 0..2 {
        if let Some(fast) = fast::scan(order, line) {
            assert_eq!(Ok(fast), full, "{line}");
        }
    }
    full.is_ok()
}

#[test]
fn a_typical_line() {
    let mut decoder = JsonDecoder::new();
    let expected = Record {
        event_type: EventType::AdImpression,
        event_time: TIME,
        event_id: Some("e0000000001"),
        user: Some("u00000042"),
        advertiser: Some("adv_03"),
        campaign: Some("cmp_17"),
        channel: Some("search"),
        sequence: None,
        revenue: Some(0),
        cost: Some(12_300),
        touches: false,
        unknown_fields: 0,
    };
    assert_eq!(decoder.decode(TYPICAL.as_bytes()), Ok(expected.clone()));
    assert_eq!(decoder.decode_str(TYPICAL), Ok(expected.clone()));
    assert_eq!(full::parse(&mut String::new(), TYPICAL), Ok(expected));
}

#[test]
fn ordinary_lines_take_the_fast_way() {
    for line in [
        TYPICAL.to_string(),
        TYPICAL.replace("\":", "\": ").replace(",\"", ", \""),
        format!("{TYPICAL}\r"),
        with(r#""sequence":7,"revenue":"12.5","position":3.5,"user_id":42,"channel":null"#),
        with(r#""colour":"red","size":{"a":[1,2,{"b":null}]},"flag":true,"n":1e5"#),
        with(r#""attributes":{"a":"\u00e9"},"campaign":"Größe""#),
        with(r#""revenue":0.30000000000000004,"cost":123456789.123456"#),
        r#"{"ts":"2025-10-09T08:53:20.014Z","type":"conversion"}"#.to_string(),
        r#"{"timestamp":"2025-10-09 08:53:20","type":"spend"}"#.to_string(),
    ] {
        assert!(
            fast::scan(&mut keys::KeyOrder::default(), &line).is_some(),
            "{line}"
        );
        assert_eq!(reason(&line), Ok(()));
    }
}

#[test]
fn the_user_id_wins_over_the_anonymous_id_in_any_order() {
    let mut decoder = JsonDecoder::new();
    for (fields, user) in [
        (r#""user_id":"u","anonymous_id":"a""#, Some("u")),
        (r#""anonymous_id":"a","user_id":"u""#, Some("u")),
        (r#""anonymous_id":"a","user_id":"""#, Some("a")),
        (r#""anonymous_id":"a","user_id":null"#, Some("a")),
        (r#""user_id":"""#, None),
    ] {
        assert_eq!(
            decoder.decode_str(&with(fields)).unwrap().user,
            user,
            "{fields}"
        );
    }
}

#[test]
fn ids_may_be_integers_and_keep_their_spelling() {
    let mut decoder = JsonDecoder::new();
    for text in [
        "0",
        "-0",
        "42",
        "-9223372036854775808",
        "123456789012345678901234567890",
    ] {
        let line = with(&format!(r#""event_id":{text}"#));
        assert_eq!(decoder.decode_str(&line).unwrap().event_id, Some(text));
        assert_eq!(reason(&line), Ok(()));
    }
    for value in ["true", "1.0", "1e5", "[]", "[1]", "{}"] {
        for spec in FIELDS.iter().filter(|spec| spec.kind == FieldKind::Text) {
            assert_eq!(
                reason(with(&format!(r#""{}":{value}"#, spec.name))),
                Err(Reason::BadText)
            );
        }
    }
}

#[test]
fn numbers() {
    let mut decoder = JsonDecoder::new();
    for (value, micros) in [
        ("0", Some(0)),
        ("1.2345675", Some(1_234_568)),
        ("-1.5e-1", Some(-150_000)),
        ("\"0.1\"", Some(100_000)),
        ("\"\\u0031\"", Some(1_000_000)),
        ("1000000000", Some(1_000_000_000_000_000)),
        ("null", None),
        ("\"\"", None),
    ] {
        let line = with(&format!(r#""revenue":{value}"#));
        assert_eq!(
            decoder.decode_str(&line).unwrap().revenue,
            micros,
            "{value}"
        );
        assert_eq!(reason(&line), Ok(()));
    }
    for bad in [
        r#""revenue":1e308"#,
        r#""revenue":1000000000.0000001"#,
        r#""cost":-1000000001"#,
        r#""cost":"NaN""#,
        r#""cost":"Infinity""#,
        r#""cost":"1,5""#,
        r#""cost":true"#,
        r#""cost":{}"#,
        r#""sequence":1.5"#,
        r#""sequence":9223372036854775808"#,
        r#""sequence":"x""#,
        r#""position":1e16"#,
        r#""duration":"5""#,
        r#""bitrate":[1]"#,
    ] {
        assert_eq!(reason(with(bad)), Err(Reason::BadNumber), "{bad}");
    }
    for good in [
        r#""position":1e15"#,
        r#""duration":-0.0"#,
        r#""bitrate":null"#,
        r#""sequence":7.0"#,
    ] {
        assert_eq!(reason(with(good)), Ok(()), "{good}");
    }
    for sequence in [i64::MIN, -1, 0, i64::MAX] {
        let line = with(&format!(r#""sequence":{sequence}"#));
        assert_eq!(decoder.decode_str(&line).unwrap().sequence, Some(sequence));
    }
}

#[test]
fn the_last_of_a_key_given_twice_wins() {
    let line = r#"{"type":"x","ts":"never","user_id":[],"event_type":"click","timestamp":1760000000014,"user_id":"b","user_id":"c"}"#;
    let mut decoder = JsonDecoder::new();
    let record = decoder.decode_str(line).unwrap();
    assert_eq!(
        (record.event_type, record.user),
        (EventType::AdClick, Some("c"))
    );
    assert_eq!(
        reason(r#"{"event_type":"click","event_time":1,"type":"x"}"#),
        Err(Reason::UnknownType)
    );
    assert_eq!(reason(with(r#""ts":null"#)), Err(Reason::MissingTime));
}

#[test]
fn escapes_are_resolved() {
    let mut decoder = JsonDecoder::new();
    let line = with(
        r#""us\u0065r_id":"\ud83d\ude00 \"x\"\n","campaign":"a\/b","channel":"plain","cost":"\u0031.5","colour":"\ud800""#,
    );
    let record = decoder.decode_str(&line).unwrap();
    assert_eq!(record.user, Some("\u{1F600} \"x\"\n"));
    assert_eq!(
        (record.campaign, record.channel),
        (Some("a/b"), Some("plain"))
    );
    assert_eq!((record.cost, record.unknown_fields), (Some(1_500_000), 1));
    assert_eq!(
        decoder
            .decode_str(&with(r#""event_id":"\t""#))
            .unwrap()
            .event_id,
        Some("\t")
    );
}

#[test]
fn unknown_fields_are_counted_and_tolerated() {
    let mut decoder = JsonDecoder::new();
    for value in [
        "1",
        "-1.5e300",
        "true",
        "null",
        "\"x\"",
        "[]",
        "[[1],{\"user_id\":\"y\"}]",
        "{\"a\":{}}",
    ] {
        let line = with(&format!(r#""a":{value},"user_id":"u","B":{value}"#));
        let record = decoder.decode_str(&line).unwrap();
        assert_eq!((record.unknown_fields, record.user), (2, Some("u")));
        assert_eq!(reason(&line), Ok(()));
    }
}

#[test]
fn what_is_not_one_object_is_bad_syntax() {
    for line in [
        "",
        " ",
        "null",
        "1",
        "\"x\"",
        "[]",
        "{",
        "}",
        "{]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,\"a\":1}",
        "{'a':1}",
        "{a:1}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":5.}",
        "{\"a\":-}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":nul}",
        "{\"a\":\"x}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\t\"}",
        "{\"a\":\"\0\"}",
        "{\"a\":1}\0",
        "\0",
        "{\"a\":1}{}",
        "{\"a\":1} x",
        "{\"a\":1}}",
        "{\"event_type\":\"click\"",
        "{\"user_id\":\"\\ud800\"}",
        "{\"user_id\":\"\\udc00\\ud800\"}",
        "{\"\\ud800\":1}",
    ] {
        assert_eq!(reason(line), Err(Reason::Syntax), "{line}");
    }
    for good in [
        "{\"a\":1,\"b\":[1,]}",
        "{\"a\":tru}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":[1}",
    ] {
        assert_eq!(reason(good), Err(Reason::Syntax), "{good}");
    }
}

#[test]
fn types_and_times() {
    for (line, expected) in [
        (r#"{}"#, Err(Reason::MissingType)),
        (r#"{"event_type":null}"#, Err(Reason::MissingType)),
        (r#"{"event_type":""}"#, Err(Reason::MissingType)),
        (r#"{"event_type":"Click"}"#, Err(Reason::UnknownType)),
        (r#"{"event_type":7}"#, Err(Reason::UnknownType)),
        (r#"{"event_type":true}"#, Err(Reason::BadText)),
        (r#"{"type":"click"}"#, Err(Reason::MissingTime)),
        (r#"{"type":"click","ts":""}"#, Err(Reason::MissingTime)),
        (r#"{"type":"click","ts":"soon"}"#, Err(Reason::BadTime)),
        (r#"{"type":"click","ts":false}"#, Err(Reason::BadTime)),
        (r#"{"type":"click","ts":[1]}"#, Err(Reason::BadTime)),
        (r#"{"type":"click","ts":1760000000014.0}"#, Ok(())),
        (r#"{"type":"click","ts":1.760000000014e12}"#, Ok(())),
        (
            r#"{"type":"click","ts":1760000000014.5}"#,
            Err(Reason::BadTime),
        ),
        (r#"{"type":"click","ts":"1760000000014"}"#, Ok(())),
        (
            r#"{"type":"click","ts":1760000000}"#,
            Err(Reason::TimeRange),
        ),
        (r#"{"type":"click","ts":-1}"#, Err(Reason::TimeRange)),
        (
            r#"{"type":"click","ts":9223372036854775807}"#,
            Err(Reason::TimeRange),
        ),
        (
            r#"{"type":"click","ts":-9223372036854775808}"#,
            Err(Reason::TimeRange),
        ),
        (
            r#"{"type":"click","ts":9223372036854775808}"#,
            Err(Reason::BadTime),
        ),
        (
            r#"{"type":"click","ts":"2099-12-31T23:59:59.999Z"}"#,
            Ok(()),
        ),
        (
            r#"{"type":"click","ts":"2100-01-01T00:00:00Z"}"#,
            Err(Reason::TimeRange),
        ),
        (r#"{"type":"click","ts":4102444799999}"#, Ok(())),
        (
            r#"{"type":"click","ts":4102444800000}"#,
            Err(Reason::TimeRange),
        ),
        (
            r#"{"type":"click","ts":"2025-10-09\u002008:53:20"}"#,
            Ok(()),
        ),
    ] {
        assert_eq!(reason(line), expected, "{line}");
    }
}

#[test]
fn the_first_reason_in_order_counts() {
    let deep = format!(r#""a":{}"#, "[".repeat(40));
    for (fields, expected) in [
        (deep.as_str(), Reason::Depth),
        (r#""user_id":[],"x""#, Reason::Syntax),
        (r#""user_id":[],"campaign":"\ud800""#, Reason::Syntax),
        (r#""revenue":"x","user_id":[]"#, Reason::BadText),
        (r#""revenue":"x","type":"x""#, Reason::BadNumber),
        (r#""type":"x","ts":null"#, Reason::UnknownType),
        (r#""type":null,"ts":null"#, Reason::MissingType),
    ] {
        assert_eq!(reason(with(fields)), Err(expected), "{fields}");
    }
    let mut bytes = with(&deep).into_bytes();
    bytes[20] = 0xff;
    assert_eq!(reason(bytes), Err(Reason::Encoding));
}

#[test]
fn nesting_has_a_limit_and_needs_no_stack() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = |depth| format!("{}1{}", open.repeat(depth), close.repeat(depth));
        assert_eq!(reason(with(&format!(r#""a":{}"#, nested(31)))), Ok(()));
        assert_eq!(
            reason(with(&format!(r#""attributes":{}"#, nested(32)))),
            Err(Reason::Depth)
        );
        assert_eq!(reason(nested(10_000)), Err(Reason::Depth));
        assert_eq!(reason(open.repeat(1_000_000)), Err(Reason::Depth));
    }
    let brackets = with(&format!(
        r#""a":"{}\"{}","b":[{}]"#,
        "[".repeat(99),
        "{".repeat(99),
        "[],".repeat(99) + "[]"
    ));
    assert_eq!(reason(brackets), Ok(()));
}

#[test]
fn bytes_that_are_no_text() {
    for bytes in [
        &b"\xff"[..],
        b"{\"a\":\"\xc3\"}",
        b"{\"a\":\"\xed\xa0\x80\"}",
        b"{\"a\":\"\xc0\x80\"}",
    ] {
        assert_eq!(reason(bytes), Err(Reason::Encoding));
    }
    assert_eq!(reason(format!("\u{feff}{TYPICAL}")), Ok(()));
    assert_eq!(reason(b"\xff\xfe{\0}\0"), Err(Reason::Encoding));
}

#[test]
fn a_line_of_ten_mebibytes() {
    let long = "x".repeat(10 << 20);
    let mut decoder = JsonDecoder::new();
    let line = with(&format!(r#""user_id":"{long}""#));
    assert_eq!(
        decoder.decode_str(&line).unwrap().user.map(str::len),
        Some(long.len())
    );
    let line = with(&format!(r#""user_id":"\n{long}""#));
    assert_eq!(
        decoder.decode_str(&line).unwrap().user.map(str::len),
        Some(long.len() + 1)
    );
    let digits = "9".repeat(10 << 20);
    assert_eq!(
        reason(with(&format!(r#""revenue":{digits}"#))),
        Err(Reason::BadNumber)
    );
    assert_eq!(
        reason(with(&format!(r#""user_id":"{long}"#))),
        Err(Reason::Syntax)
    );
    assert_eq!(reason(" ".repeat(10 << 20)), Err(Reason::Syntax));
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => prop::sample::select(NAMES).prop_map(|(name, _)| name.to_string()),
        1 => "[a-z_]{0,20}",
        1 => "(event|us\\\\u0065r)_id|\\\\ud800",
    ]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "\"[a-zé€ 0-9_]{0,20}\"",
        "\"(\\PC|\\\\[\"\\\\/bfnrtu]|\\\\u[0-9a-d]{4}|\t){0,8}\"",
        "\"-?[0-9]{0,20}(\\.[0-9]{0,9})?\"",
        "-?[0-9]{1,20}(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?",
        "(-|0|null|true|false|\"\"|NaN|\\{\\}|\\[\\]|nul|-0|0\\.0)",
        "17600000[0-9]{5}(\\.0)?|\"2025-1[0-2]-0[0-9][T ]0[0-9]:1[0-9]:20(\\.[0-9]{1,4})?(Z|\\+02:00)?\"",
        prop::sample::select(EventType::ALL)
            .prop_map(|event_type| format!("{:?}", event_type.name())),
        "\\{\"a\": ?[\\[{]{0,40}[0-9]?[\\]}]{0,3}",
    ]
}

/// A value that suits the key, mostly.
fn member() -> impl Strategy<Value = (String, String)> {
    (key(), value(), 0..10u8).prop_map(|(key, value, any)| {
        let suits = match key.as_str() {
            "event_type" | "type" => "\"click\"",
            "event_time" | "ts" | "timestamp" => "1760000000014",
            "revenue" | "cost" => "12.3456",
            _ => "\"abc\"",
        };
        (key, if any < 6 { suits.to_string() } else { value })
    })
}

prop_compose! {
    fn line()(
        members in prop::collection::vec(member(), 0..9),
        spaces in "[ \t\r\n]{0,2}",
        typed in prop::option::weighted(0.8, 0..9usize),
    ) -> String {
        let mut members: Vec<_> = members.iter().map(|(key, value)| format!("\"{key}\":{spaces}{value}")).collect();
        if let Some(at) = typed {
            members.insert(at.min(members.len()), format!("\"event_type\"{spaces}:\"click\""));
            members.insert(at.min(members.len()), format!("\"ts\":{TIME}"));
        }
        format!("{{{spaces}{}{spaces}}}{spaces}", members.join(&format!("{spaces},{spaces}")))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn both_ways_read_the_same(lines in prop::collection::vec(line(), 1..4)) {
        let mut order = keys::KeyOrder::default();
        for line in &lines {
            assert_ways_agree(&mut order, line);
        }
    }

    #[test]
    fn mutated_lines_are_read_the_same_and_never_panic(
        line in prop_oneof![line(), Just(TYPICAL.to_string())],
        mutations in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![
            any::<u8>(), prop::sample::select(&b"\"\\{}[]:,.-+eE0123456789 ntu\0"[..]),
        ], 0..3u8), 1..4),
    ) {
        let mut bytes = line.into_bytes();
        for (at, byte, how) in mutations {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let mut decoder = JsonDecoder::new();
        let decoded = decoder.decode(&bytes);
        match std::str::from_utf8(&bytes) {
            Ok(text) => prop_assert_eq!(decoded.is_ok(), assert_ways_agree(&mut keys::KeyOrder::default(), text)),
            Err(_) => prop_assert_eq!(decoded, Err(Reason::Encoding)),
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = JsonDecoder::new().decode(&bytes);
    }
}
