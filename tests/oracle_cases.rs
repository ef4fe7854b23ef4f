//! The oracle on histories small enough to work out by hand: one rule of the definition each.

mod histories;

use dataflows::event::{Event, Kind, Name, TimeMs};
use dataflows::settings::{JourneyRule, NO_GAP_MS, Settings};
use dataflows::transitions::{Dimension, Window};
use histories::{names, touch, user};
use tributary::oracle;
use tributary::report::{Chain, ChainKey, Report, State};

const MINUTE: i64 = 60_000;
/// 2025-02-01T00:00:00Z, a whole minute.
const BASE: TimeMs = 1_738_368_000_000;

fn at(minutes: i64) -> TimeMs {
    BASE + minutes * MINUTE
}

/// A click of Email by user `a` for `default`; the id is told from the time.
fn click(minutes: i64) -> Event {
    touch("a", at(minutes), minutes as u64)
}

fn of(raw_user: &str, event: Event) -> Event {
    Event {
        user: user(raw_user),
        ..event
    }
}

fn on(channel: &str, event: Event) -> Event {
    Event {
        channel: Name::of(channel),
        ..event
    }
}

fn by(advertiser: &str, event: Event) -> Event {
    Event {
        advertiser: Name::of(advertiser),
        ..event
    }
}

fn conversion(value: i64, event: Event) -> Event {
    Event {
        kind: Kind::Conversion,
        value,
        ..event
    }
}

fn other(event: Event) -> Event {
    Event {
        kind: Kind::Other,
        ..event
    }
}

fn rules() -> Settings {
    Settings {
        watermark_support: 1,
        ..Settings::default()
    }
}

fn unbounded() -> Settings {
    Settings {
        allowed_lateness_ms: None,
        ..rules()
    }
}

fn live(partitions: &[&[Event]], settings: Settings) -> Report {
    report(partitions, settings, false)
}

fn ended(events: &[Event], settings: Settings) -> Report {
    report(&[events], settings, true)
}

fn report(partitions: &[&[Event]], settings: Settings, ended: bool) -> Report {
    let logs = partitions.iter();
    let logs: Vec<_> = logs
        .map(|events| events.iter().copied().map(Some).collect())
        .collect();
    oracle::report(&logs, &names(), &settings, ended)
}

fn dispositions(report: &Report) -> [u64; 4] {
    [
        report.accepted,
        report.duplicate,
        report.late,
        report.invalid,
    ]
}

fn chain<'a>(report: &'a Report, advertiser: &str, window: Window) -> Option<&'a Chain> {
    report.chains.get(&ChainKey {
        advertiser: (advertiser != "all").then(|| advertiser.to_owned()),
        dimension: Dimension::Channel,
        window,
    })
}

/// The counts of a chain as `from>to count`, in order; of the states the first letter.
fn counts(report: &Report, advertiser: &str, window: Window) -> String {
    let Some(chain) = chain(report, advertiser, window) else {
        return "absent".to_owned();
    };
    let letter = |state: &State| match state {
        State::Start => "S".to_owned(),
        State::Named(name) => name.chars().next().unwrap().to_string(),
        State::Conversion => "C".to_owned(),
        State::Null => "N".to_owned(),
    };
    let steps = chain.counts.iter();
    let steps: Vec<String> = steps
        .map(|((from, to), count)| format!("{}>{} {}", letter(from), letter(to), count.count))
        .collect();
    steps.join(", ")
}

fn all(report: &Report) -> String {
    counts(report, "default", Window::All)
}

#[test]
fn a_gap_splits_only_if_it_is_strictly_longer() {
    let mut second = click(30);
    assert_eq!(
        all(&ended(&[click(0), second], rules())),
        "S>E 1, E>E 1, E>N 1"
    );
    second.time += 1;
    assert_eq!(all(&ended(&[click(0), second], rules())), "S>E 2, E>N 2");
    let endless = Settings {
        session_gap_ms: NO_GAP_MS,
        ..rules()
    };
    let far = click(60 * 24 * 365);
    assert_eq!(
        all(&ended(&[click(0), far], endless)),
        "S>E 1, E>E 1, E>N 1"
    );
}

#[test]
fn any_activity_holds_a_session_together() {
    let bridge = by("*", other(click(25)));
    let events = [click(0), bridge, click(50)];
    assert_eq!(all(&ended(&events, rules())), "S>E 1, E>E 1, E>N 1");
    let stranger = of("b", bridge);
    assert_eq!(
        all(&ended(&[click(0), stranger, click(50)], rules())),
        "S>E 2, E>N 2"
    );
}

#[test]
fn a_gap_rule_looks_at_points_only() {
    let rule = |gap| Settings {
        journeys: JourneyRule::GapMs(gap),
        ..rules()
    };
    let events = [click(0), other(click(20)), click(40)];
    assert_eq!(
        all(&ended(&events, rule(40 * MINUTE))),
        "S>E 1, E>E 1, E>N 1"
    );
    assert_eq!(all(&ended(&events, rule(40 * MINUTE - 1))), "S>E 2, E>N 2");
}

#[test]
fn a_journey_ends_at_its_conversion() {
    let events = [
        click(0),
        on("start", click(1)),
        conversion(2_000_000, click(2)),
        conversion(500_000, click(3)),
        click(4),
    ];
    let report = ended(&events, rules());
    assert_eq!(all(&report), "S>E 2, S>C 1, E>s 1, E>N 1, s>C 1");
    let chain = chain(&report, "default", Window::All).unwrap();
    assert_eq!(chain.p_conversion, Some(2.0 / 3.0));
    let value = chain.expected_value_per_journey.unwrap();
    assert!((value - 2.5 / 3.0).abs() < 1e-15);
    let shares = chain
        .credits
        .iter()
        .map(|credit| credit.attributed_conversions.unwrap());
    assert!(
        (shares.sum::<f64>() - 1.0).abs() < 1e-15,
        "the untouched one is not shared out"
    );
}

#[test]
fn a_converting_touch_is_both() {
    let both = Event {
        touches: true,
        ..conversion(1, click(1))
    };
    assert_eq!(
        all(&ended(&[click(0), both], rules())),
        "S>E 1, E>E 1, E>C 1"
    );
    assert_eq!(all(&ended(&[both], rules())), "S>E 1, E>C 1");
}

#[test]
fn advertisers_have_their_own_journeys_and_a_sum() {
    let report = ended(
        &[click(0), by("*", click(1)), conversion(0, click(2))],
        rules(),
    );
    assert_eq!(all(&report), "S>E 1, E>C 1");
    assert_eq!(counts(&report, "*", Window::All), "S>E 1, E>N 1");
    assert_eq!(counts(&report, "all", Window::All), "S>E 2, E>C 1, E>N 1");
    let keys = report.chains.keys();
    let sums_of_campaigns =
        keys.filter(|key| (key.dimension, &key.advertiser) == (Dimension::Campaign, &None));
    assert_eq!(sums_of_campaigns.count(), 0);
}

#[test]
fn events_of_one_moment_go_by_sequence_then_kind_then_id() {
    let moment = click(0);
    let convert = conversion(0, Event { id: 0, ..moment });
    let touched = Event {
        id: 9,
        ..on("start", moment)
    };
    assert_eq!(all(&ended(&[convert, touched], rules())), "S>s 1, s>C 1");
    let before = Event {
        sequence: -1,
        ..convert
    };
    assert_eq!(
        all(&ended(&[touched, before], rules())),
        "S>s 1, S>C 1, s>N 1"
    );
    let [first, second] = [Event { id: 1, ..moment }, touched];
    assert_eq!(
        all(&ended(&[second, first], rules())),
        "S>E 1, E>s 1, s>N 1"
    );
}

#[test]
fn late_is_strictly_older_than_the_bound() {
    let mut edge = click(20);
    assert_eq!(
        dispositions(&ended(&[click(30), edge], rules())),
        [2, 0, 0, 0]
    );
    edge.time -= 1;
    assert_eq!(
        dispositions(&ended(&[click(30), edge], rules())),
        [1, 0, 1, 0]
    );
    assert_eq!(
        dispositions(&ended(&[click(30), edge], unbounded())),
        [2, 0, 0, 0]
    );
    let elsewhere = report(&[&[click(30)], &[edge]], rules(), true);
    assert_eq!(
        dispositions(&elsewhere),
        [2, 0, 0, 0],
        "lateness is of one partition"
    );
}

#[test]
fn a_stray_does_not_move_the_watermark() {
    let three = Settings {
        watermark_support: 3,
        ..rules()
    };
    let stray = click(1_000);
    let events = [click(0), stray, click(1), click(2), click(3)];
    assert_eq!(dispositions(&ended(&events, three)), [5, 0, 0, 0]);
    assert_eq!(dispositions(&ended(&events, rules())), [2, 0, 3, 0]);
    // Copies count separately, and so do late records: three times 1,000 make it the third largest.
    let events = [stray, stray, stray, click(5)];
    assert_eq!(dispositions(&ended(&events, three)), [1, 2, 1, 0]);
}

#[test]
fn an_invalid_record_is_counted_and_nothing_else() {
    let logs = [vec![None, Some(click(0)), None]];
    let report = oracle::report(&logs, &names(), &rules(), true);
    assert_eq!(dispositions(&report), [1, 0, 0, 2]);
}

#[test]
fn the_least_copy_wins_whatever_came_first() {
    let events = [
        Event {
            channel: Name::of("start"),
            ..click(0)
        },
        Event {
            channel: Name::of("Email"),
            sequence: 5,
            ..click(0)
        },
        Event {
            channel: Name::of("Email"),
            sequence: 4,
            ..click(0)
        },
    ];
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let report = ended(&order.map(|place| events[place]), rules());
        assert_eq!(dispositions(&report), [1, 2, 0, 0]);
        assert_eq!((all(&report), report.conflicts), ("S>E 1, E>N 1".into(), 1));
    }
    let other_number = ended(&events[1..], rules());
    assert_eq!(other_number.conflicts, 0, "a sequence is no content");
    let other_time = Event {
        time: at(1),
        ..click(0)
    };
    assert_eq!(
        dispositions(&ended(&[click(0), other_time], rules())),
        [2, 0, 0, 0]
    );
}

#[test]
fn a_late_copy_is_late_and_no_conflict() {
    let changed = on("start", click(0));
    let report = ended(&[click(0), click(60), changed], rules());
    assert_eq!((dispositions(&report), report.conflicts), ([2, 0, 1, 0], 0));
}

#[test]
fn events_without_a_user_are_counted_only() {
    let nobody = Event {
        userless: true,
        ..of("event 7", click(0))
    };
    let report = ended(&[nobody, nobody], rules());
    assert_eq!(dispositions(&report), [1, 1, 0, 0]);
    assert!(report.chains.is_empty());
    assert_eq!((report.open_sessions, report.open_journeys), (0, 0));
}

#[test]
fn windows_go_by_the_first_point_of_the_journey() {
    // The clock says 1,500 minutes; the hour starts at 1,441, the day at 61.
    let events = [
        of("a", click(60)),
        of("b", click(61)),
        of("c", on("start", click(1_440))),
        of("c", on("start", click(1_441))),
        of("d", click(1_441)),
        of("e", other(click(1_500))),
    ];
    let report = ended(&events, unbounded());
    let of = |window| counts(&report, "default", window);
    assert_eq!(of(Window::All), "S>E 3, S>s 1, E>N 3, s>s 1, s>N 1");
    assert_eq!(of(Window::Day), "S>E 2, S>s 1, E>N 2, s>s 1, s>N 1");
    assert_eq!(of(Window::Hour), "S>E 1, E>N 1");
}

#[test]
fn without_a_clock_nothing_is_old() {
    let three = Settings {
        watermark_support: 3,
        ..unbounded()
    };
    let old = [click(0), click(3_000)];
    let full = [
        of("b", click(6_000)),
        of("b", click(6_001)),
        of("b", click(6_002)),
    ];
    let report = live(&[&old, &full], three);
    for window in [Window::Day, Window::Hour] {
        assert_eq!(
            counts(&report, "all", window),
            counts(&report, "all", Window::All)
        );
    }
    assert_eq!((report.open_sessions, report.open_journeys), (2, 1 + 1));
}

#[test]
fn the_clock_is_the_slowest_partition_then_the_fastest() {
    let [slow, fast] = [[of("a", click(0))], [of("b", click(100))]];
    let live = live(&[&slow, &fast], rules());
    assert_eq!((live.open_sessions, live.open_journeys), (2, 2));
    let ended = report(&[&slow, &fast, &[]], rules(), true);
    assert_eq!((ended.open_sessions, ended.open_journeys), (1, 1));
    assert_eq!(counts(&ended, "default", Window::Hour), "S>E 1, E>N 1");
}

#[test]
fn a_short_partition_that_has_ended_counts_its_smallest_time() {
    let three = Settings {
        watermark_support: 3,
        ..unbounded()
    };
    let open = |second| ended(&[click(0), of("b", click(second))], three).open_sessions;
    assert_eq!(open(5_000), 2);
    let full = [of("b", click(31)), of("b", click(32)), of("b", click(33))];
    let short = [click(0), of("c", click(9_000))];
    let both = report(&[&short, &full], three, true);
    assert_eq!(both.open_sessions, 2, "the clock says 31, and a ended at 0");
}

#[test]
fn a_journey_is_open_while_its_session_is() {
    let open = |events: &[Event], settings| {
        let report = ended(events, settings);
        (report.open_sessions, report.open_journeys)
    };
    let clock = |minutes| of("z", other(click(minutes)));
    assert_eq!(open(&[click(0), clock(30)], unbounded()), (2, 1));
    assert_eq!(open(&[click(0), clock(31)], unbounded()), (1, 0));
    // Activity keeps the session and with it the journey; a later session is not the journey's own.
    assert_eq!(
        open(&[click(0), other(click(20)), clock(50)], unbounded()),
        (2, 1)
    );
    assert_eq!(
        open(&[click(0), other(click(40)), clock(41)], unbounded()),
        (2, 0)
    );
    assert_eq!(
        open(&[click(0), conversion(0, click(1)), clock(2)], unbounded()),
        (2, 0)
    );
    let week = Settings {
        journeys: JourneyRule::GapMs(60 * MINUTE),
        ..unbounded()
    };
    assert_eq!(open(&[click(0), clock(60)], week), (1, 1));
    assert_eq!(open(&[click(0), clock(61)], week), (1, 0));
}

#[test]
fn nothing_shared_out_is_zero_and_no_effect_is_none() {
    let report = ended(&[click(0)], rules());
    let chain = chain(&report, "default", Window::All).unwrap();
    assert_eq!(chain.p_conversion, Some(0.0));
    let credit = &chain.credits[0];
    assert_eq!(
        (credit.removal_effect, credit.removal_effect_value),
        (None, None)
    );
    assert_eq!(
        (credit.attributed_conversions, credit.attributed_value),
        (Some(0.0), Some(0.0))
    );
    let untouched = ended(&[conversion(3_000_000, click(0))], rules());
    let chain = &untouched.chains.values().next().unwrap();
    assert_eq!(
        (chain.p_conversion, chain.expected_value_per_journey),
        (Some(1.0), Some(3.0))
    );
    assert!(chain.credits.is_empty());
}

#[test]
fn value_that_cancels_has_conversions_but_no_effect_on_value() {
    let events = [
        click(0),
        conversion(1_000_000, click(1)),
        on("start", click(2)),
        conversion(-1_000_000, click(3)),
    ];
    let report = ended(&events, rules());
    let chain = chain(&report, "default", Window::All).unwrap();
    for credit in &chain.credits {
        assert_eq!(credit.removal_effect, Some(0.5));
        assert_eq!(
            (credit.removal_effect_value, credit.attributed_value),
            (None, Some(0.0))
        );
        assert_eq!(credit.attributed_conversions, Some(1.0));
    }
}

#[test]
fn a_chain_of_too_many_states_keeps_its_counts() {
    let report_of = |channels: usize| {
        let mut names = names();
        let mut log = Vec::new();
        for number in 0..channels {
            let channel = format!("channel {number:03}");
            log.push(Some(on(&channel, click(number as i64))));
            names.insert(Name::of(&channel), channel);
        }
        log.push(Some(conversion(0, click(channels as i64))));
        oracle::report(&[log], &names, &unbounded(), true)
    };
    let most = report_of(512);
    let solved = chain(&most, "default", Window::All).unwrap();
    assert_eq!(solved.p_conversion, Some(1.0));
    assert_eq!(solved.credits[511].removal_effect, Some(1.0));
    let more = report_of(513);
    let unsolved = chain(&more, "default", Window::All).unwrap();
    assert_eq!((unsolved.counts.len(), unsolved.credits.len()), (514, 513));
    assert_eq!(
        (unsolved.p_conversion, unsolved.expected_value_per_journey),
        (None, None)
    );
    assert_eq!(unsolved.credits[0].attributed_conversions, None);
}
