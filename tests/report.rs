//! Digest, differences and exports of a report.

mod histories;

use dataflows::event::{Event, Kind, Name};
use dataflows::settings::{JourneyRule, Settings};
use dataflows::transitions::{Dimension, Window};
use histories::{history, names, settings, touch};
use proptest::prelude::*;
use serde_json::json;
use tributary::oracle;
use tributary::report::{Report, State};

/// 2025-02-01T00:00:00Z.
const BASE: i64 = 1_738_368_000_000;

fn report_of(events: &[Event], names: std::collections::HashMap<Name, String>) -> Report {
    let log = events.iter().copied().map(Some).collect();
    oracle::report(&[log], &names, &Settings::default(), true)
}

/// Email, a channel called `start`, then a conversion worth 1.5; for `*` a touch of `(null)`.
fn example() -> Report {
    let click = |second: i64| touch("a", BASE + second * 1_000, second as u64);
    report_of(
        &[
            click(0),
            Event {
                channel: Name::of("start"),
                ..click(1)
            },
            Event {
                kind: Kind::Conversion,
                value: 1_500_000,
                ..click(2)
            },
            Event {
                advertiser: Name::of("*"),
                channel: Name::of("(null)"),
                ..click(3)
            },
        ],
        names(),
    )
}

#[test]
fn the_digest_leaves_out_the_epoch_only() {
    let report = example();
    let mut other = report.clone();
    other.as_of_epoch = 7;
    assert_eq!(report.digest(), other.digest());
    assert_eq!(report.digest().len(), 32);
    other.open_journeys += 1;
    assert_ne!(report.digest(), other.digest());
    assert_eq!(report.differences(&other), ["open_journeys: 1 against 2"]);
}

#[test]
fn every_figure_is_in_the_digest() {
    let report = example();
    let changes: [fn(&mut Report); 17] = [
        |report| report.accepted += 1,
        |report| report.duplicate += 1,
        |report| report.late += 1,
        |report| report.invalid += 1,
        |report| report.no_consent += 1,
        |report| report.conflicts += 1,
        |report| report.open_sessions += 1,
        |report| drop(report.chains.pop_last()),
        |report| first(report).counts.values_mut().next().unwrap().count += 1,
        |report| {
            first(report)
                .counts
                .values_mut()
                .next()
                .unwrap()
                .value_micros += 1
        },
        |report| {
            first(report)
                .counts
                .values_mut()
                .for_each(|count| count.count = 0)
        },
        |report| first(report).p_conversion = None,
        |report| first(report).expected_value_per_journey = Some(f64::NAN),
        |report| first(report).credits.reverse(),
        |report| first(report).credits[0].removal_effect = Some(-0.0),
        |report| first(report).credits[0].attributed_value = Some(1.5f64.next_up()),
        |report| first(report).credits[1].attributed_conversions = Some(0.0),
    ];
    for (place, change) in changes.into_iter().enumerate() {
        let mut changed = report.clone();
        change(&mut changed);
        assert_ne!(report.digest(), changed.digest(), "change {place}");
        assert!(!report.differences(&changed).is_empty(), "change {place}");
    }
}

/// The chain of `default`, which has the most in it.
fn first(report: &mut Report) -> &mut tributary::report::Chain {
    let chains = report.chains.iter_mut();
    let mut of_default = chains.filter(|(key, _)| key.advertiser.as_deref() == Some("default"));
    of_default.next().unwrap().1
}

#[test]
fn differences_are_a_readable_few() {
    let [report, empty] = [example(), Report::default()];
    let differences = report.differences(&empty);
    assert_eq!(differences.len(), 13);
    let step = r#""default" Channel All count "Email" -> "start": 1 worth 0 against absent"#;
    let mut longer = report.clone();
    first(&mut longer).counts.clear();
    assert!(report.differences(&longer).contains(&step.to_owned()));
    assert!(differences[12].starts_with("and "));
}

#[test]
fn the_transitions_csv_is_sorted_and_told_apart() {
    let mut report = example();
    let chain = first(&mut report);
    let named = |name: &str| State::Named(name.to_owned());
    for (name, count) in [("\\start", 2), ("\"a\", b", 3), ("none", 0)] {
        let step = (named(name), State::Null);
        chain.counts.entry(step).or_default().count = count;
    }
    let mut csv = Vec::new();
    report.transitions_csv(&mut csv).unwrap();
    let expected = r#"advertiser,from,to,count
*,(null),null,1
*,start,(null),1
default,"""a"", b",null,3
default,Email,\start,1
default,\\start,null,2
default,\start,conversion,1
default,start,Email,1
"#;
    assert_eq!(String::from_utf8(csv).unwrap(), expected);
}

#[test]
fn the_json_has_a_scope_for_each_advertiser_and_all() {
    let export = example().export_json(Dimension::Channel, Window::Hour);
    assert_eq!(
        export["dispositions"],
        json!({"accepted": 4, "duplicate": 0, "late": 0, "invalid": 0, "no_consent": 0})
    );
    let scopes: Vec<&String> = export["scopes"].as_object().unwrap().keys().collect();
    assert_eq!(scopes, ["*", "\\*", "default"]);
    assert_eq!(
        export["scopes"]["default"],
        json!({
            "journeys": {"total": 1, "converted": 1, "null": 0, "value": 1.5, "touches": 2},
            "markov": {"1": {
                "states": 3,
                "p_conversion": 1.0,
                "expected_value_per_journey": 1.5,
                "removal_effect": {"Email": 1.0, "start": 1.0},
                "removal_effect_value": {"Email": 1.0, "start": 1.0},
                "attributed_conversions": {"Email": 0.5, "start": 0.5},
                "attributed_value": {"Email": 0.75, "start": 0.75},
                "transition_counts": [
                    ["(start)", "Email", 1],
                    ["Email", "start", 1],
                    ["start", "(conversion)", 1],
                ],
            }},
            "untouched": 0,
            "untouched_value": 0.0,
        })
    );
    let strange = &export["scopes"]["\\*"]["markov"]["1"];
    assert_eq!(strange["removal_effect"], json!({"\\(null)": null}));
    assert_eq!(
        strange["transition_counts"],
        json!([["(start)", "\\(null)", 1], ["\\(null)", "(null)", 1]])
    );
    let campaigns = example().export_json(Dimension::Campaign, Window::All);
    let scopes: Vec<&String> = campaigns["scopes"].as_object().unwrap().keys().collect();
    assert_eq!(scopes, ["\\*", "default"]);
}

proptest! {
    /// Two reports of one history under two rules: the digests say what the derived comparison says.
    #[test]
    fn digests_are_equal_where_reports_are(seed: u64) {
        let rule = settings(seed);
        let other = Settings { journeys: JourneyRule::GapMs(20 * 60_000), ..rule };
        let history = history(seed, &rule);
        let [a, b] = [rule, other].map(|settings| oracle::report(&history.partitions, &history.names, &settings, true));
        prop_assert_eq!(a == b, a.digest() == b.digest());
        prop_assert_eq!(a == b, a.differences(&b).is_empty());
    }
}
