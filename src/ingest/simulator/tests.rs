//! The stream is judged by its lines alone: journeys are put together again by a plain loop and held against the truth.

use std::collections::{BTreeMap, BTreeSet};

use dataflows::event::EventType;
use serde::Deserialize;

use super::*;

const SESSION_GAP_MS: i64 = 30 * 60_000;

#[derive(Clone, Debug, Deserialize)]
struct Row {
    event_id: String,
    event_time: i64,
    event_type: String,
    user_id: Option<String>,
    advertiser: Option<String>,
    campaign: Option<String>,
    channel: Option<String>,
    revenue: Option<f64>,
    cost: Option<f64>,
}

fn simulator(scenario: &str, options: Options) -> Simulator {
    Simulator::new(Scenario::load(scenario).unwrap(), &options).unwrap()
}

fn events(count: u64) -> Options {
    Options {
        events: Some(count),
        seed: 7,
        ..Options::default()
    }
}

fn text(simulator: &mut Simulator) -> String {
    let mut out = Vec::new();
    while simulator.fill(&mut out, 10_000) > 0 {}
    String::from_utf8(out).unwrap()
}

fn rows(text: &str) -> Vec<Row> {
    let row =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    text.lines().map(row).collect()
}

/// Distinct events of each user in the order of their times.
fn by_user(rows: &[Row]) -> BTreeMap<&str, Vec<&Row>> {
    let mut seen = BTreeSet::new();
    let mut users: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().filter(|row| seen.insert(&row.event_id)) {
        if let Some(user) = &row.user_id {
            users.entry(user).or_default().push(row);
        }
    }
    for rows in users.values_mut() {
        rows.sort_by_key(|row| row.event_time);
    }
    users
}

type Counts = BTreeMap<(String, String, String), u64>;

/// (advertiser, from, to): sessions end at a gap, journeys at a conversion or with their session.
fn transitions(rows: &[Row]) -> Counts {
    let mut counts = Counts::new();
    for rows in by_user(rows).values() {
        for session in rows.chunk_by(|a, b| b.event_time - a.event_time <= SESSION_GAP_MS) {
            count_session(session, &mut counts);
        }
    }
    counts
}

fn count_session(session: &[&Row], counts: &mut Counts) {
    let mut open: BTreeMap<&str, &str> = BTreeMap::new();
    let mut count = |advertiser: &str, from: &str, to: &str| {
        *counts
            .entry((advertiser.into(), from.into(), to.into()))
            .or_default() += 1;
    };
    for row in session {
        let advertiser = row.advertiser.as_deref().unwrap_or("default");
        let from = open.get(advertiser).copied().unwrap_or("(start)");
        match row.event_type.as_str() {
            "ad_impression" | "ad_click" => {
                let to = row.channel.as_deref().unwrap();
                count(advertiser, from, to);
                open.insert(advertiser, to);
            }
            "conversion" => {
                count(advertiser, from, "(conversion)");
                assert_eq!(row.channel.as_deref().unwrap_or("(start)"), from);
                open.remove(advertiser);
            }
            _ => {}
        }
    }
    open.iter()
        .for_each(|(advertiser, from)| count(advertiser, from, "(null)"));
}

/// How the counts lie against the chains: cells further off than 4 standard errors, cells, and Pearson's chi-square with
/// its degrees of freedom.
#[derive(Debug)]
struct Fit {
    off: usize,
    cells: usize,
    chi_square: f64,
    freedom: f64,
}

impl Fit {
    fn new(truth: &Truth, counts: &Counts) -> Fit {
        let mut fit = Fit {
            off: 0,
            cells: 0,
            chi_square: 0.0,
            freedom: 0.0,
        };
        for chain in &truth.advertisers {
            for from in &chain.states {
                fit.add_row(chain, from, counts);
            }
        }
        let possible: usize = truth
            .advertisers
            .iter()
            .map(|chain| chain.transitions.len())
            .sum();
        assert!(
            counts.len() <= possible,
            "transitions that the truth does not have"
        );
        fit
    }

    fn add_row(&mut self, chain: &AdvertiserTruth, from: &str, counts: &Counts) {
        let cells = chain.transitions.iter().filter(|(cell, _, _)| cell == from);
        let cells: Vec<(f64, f64)> = cells
            .map(|(from, to, p)| {
                let key = (chain.advertiser.clone(), from.clone(), to.clone());
                (*p, counts.get(&key).copied().unwrap_or(0) as f64)
            })
            .collect();
        let row: f64 = cells.iter().map(|(_, count)| count).sum();
        for (p, count) in &cells {
            let (expected, difference) = (row * p, count - row * p);
            self.cells += 1;
            self.off += (difference.abs() > 4.0 * (expected * (1.0 - p)).sqrt()) as usize;
            self.chi_square += difference * difference / expected;
        }
        self.freedom += cells.len().saturating_sub(1) as f64;
    }

    /// The normal approximation is good: there are hundreds of degrees of freedom.
    fn is_good(&self) -> bool {
        let off = self.off as f64 <= 0.01 * self.cells as f64;
        off && self.chi_square < self.freedom + 4.0 * (2.0 * self.freedom).sqrt()
    }
}

/// Every other cell of a row 5 % up, the rest 5 % down.
fn perturbed(truth: &Truth) -> Truth {
    let mut truth = truth.clone();
    for chain in &mut truth.advertisers {
        let mut sums: BTreeMap<String, f64> = BTreeMap::new();
        for (i, (from, _, p)) in chain.transitions.iter_mut().enumerate() {
            *p *= if i % 2 == 0 { 1.05 } else { 0.95 };
            *sums.entry(from.clone()).or_default() += *p;
        }
        chain
            .transitions
            .iter_mut()
            .for_each(|(from, _, p)| *p /= sums[from]);
    }
    truth
}

#[test]
fn journeys_follow_the_truth_and_no_other() {
    for scenario in ["normal", "flat"] {
        let mut simulator = simulator(scenario, events(300_000));
        let counts = transitions(&rows(&text(&mut simulator)));
        let truth = simulator.truth();
        let fit = Fit::new(&truth, &counts);
        assert!(fit.is_good(), "{scenario}: {fit:?}");
        let fit = Fit::new(&perturbed(&truth), &counts);
        assert!(!fit.is_good(), "{scenario}: 5 % off is not seen: {fit:?}");
    }
}

/// Many short runs are all start and end: journeys that were cut or squeezed into each other would show.
#[test]
fn short_runs_follow_the_truth_too() {
    let mut counts = Counts::new();
    let mut truth = None;
    for seed in 0..60 {
        let options = Options {
            seed,
            ..events(5_000)
        };
        let mut simulator = simulator("flat", options);
        for (cell, count) in transitions(&rows(&text(&mut simulator))) {
            *counts.entry(cell).or_default() += count;
        }
        truth = Some(simulator.truth());
    }
    let fit = Fit::new(&truth.unwrap(), &counts);
    assert!(fit.is_good(), "{fit:?}");
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let all = text(&mut simulator("normal", events(20_000)));
    let mut by_step = Vec::new();
    let mut stepwise = simulator("normal", events(20_000));
    let mut step = 0;
    loop {
        step = step % 97 + 1;
        if stepwise.fill(&mut by_step, step) == 0 {
            break;
        }
    }
    assert!(all.as_bytes() == by_step, "other bytes in other steps");
    let other = text(&mut simulator(
        "normal",
        Options {
            seed: 8,
            ..events(20_000)
        },
    ));
    assert!(all != other, "the seed changes nothing");
}

#[test]
fn an_endless_stream_begins_like_a_bounded_one() {
    let bounded = text(&mut simulator("flat", events(50_000)));
    let mut endless = Vec::new();
    let unbounded = Options {
        events: None,
        ..events(0)
    };
    assert_eq!(
        simulator("flat", unbounded).fill(&mut endless, 5_000),
        5_000
    );
    assert!(bounded.as_bytes().starts_with(&endless));
}

#[test]
fn the_count_is_exact_and_arrivals_are_in_order() {
    for count in [0, 1, 2, 17, 999, 30_000] {
        let options = Options {
            duplicate_share: Some(0.1),
            out_of_order_share: Some(0.2),
            late_share: Some(0.05),
            ..events(count)
        };
        let mut simulator = simulator("normal", options);
        let (mut lines, mut last_ms, mut out) = (0, simulator.arrival_ms(), Vec::new());
        while simulator.fill(&mut out, 1) == 1 {
            lines += 1;
            assert!(simulator.arrival_ms() >= last_ms);
            last_ms = simulator.arrival_ms();
        }
        assert_eq!(lines, count);
        assert_eq!(
            out.iter().filter(|byte| **byte == b'\n').count() as u64,
            count
        );
    }
}

#[test]
fn every_type_appears_in_normal_with_its_fields() {
    let rows = rows(&text(&mut simulator("normal", events(300_000))));
    let mut types: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &rows {
        *types.entry(&row.event_type).or_default() += 1;
        assert!(EventType::parse(row.event_type.as_bytes()).is_some());
        match row.event_type.as_str() {
            "ad_impression" | "ad_click" => {
                assert!(row.cost.unwrap() > 0.0 && row.revenue == Some(0.0));
                assert!(row.campaign.is_some() && row.user_id.is_some());
            }
            "conversion" => assert!((5.0..=195.0).contains(&row.revenue.unwrap())),
            "spend" | "tv_spot" => assert!(row.user_id.is_none() && row.cost.unwrap() > 0.0),
            _ => {}
        }
    }
    for event_type in EventType::ALL {
        assert!(
            types.contains_key(event_type.name()),
            "no {} in {types:?}",
            event_type.name()
        );
    }
    let share = |name: &str| types[name] as f64 / rows.len() as f64;
    assert!((0.30..0.50).contains(&share("ad_impression")), "{types:?}");
    assert!(
        types["ad_impression"] as f64 / types["ad_request"] as f64 > 0.93,
        "{types:?}"
    );
}

/// A click follows an impression of its campaign, and its line is an ad that was asked for.
#[test]
fn clicks_are_on_what_was_seen() {
    let rows = rows(&text(&mut simulator("flat", events(50_000))));
    let mut clicks = 0;
    for rows in by_user(&rows).values() {
        let mut seen: BTreeMap<_, _> = BTreeMap::new();
        for row in rows {
            match row.event_type.as_str() {
                "ad_impression" => {
                    seen.insert(&row.advertiser, (&row.campaign, &row.channel));
                }
                "ad_click" => {
                    clicks += 1;
                    assert_eq!(
                        seen.remove(&row.advertiser),
                        Some((&row.campaign, &row.channel))
                    );
                }
                _ => {}
            }
        }
    }
    assert!(clicks > 1_000);
}

/// At 1 event a second the run lasts a day, so that users come back; busy ones come as soon as they may.
#[test]
fn no_pause_is_near_the_gap_that_ends_a_session() {
    for rate in [0.5, 3.0] {
        let options = Options {
            rate: Some(rate),
            ..events(100_000)
        };
        let rows = rows(&text(&mut simulator("normal", options)));
        let (mut within, mut between) = (0, 0);
        for rows in by_user(&rows).values() {
            for pair in rows.windows(2) {
                let gap_ms = pair[1].event_time - pair[0].event_time;
                assert!(gap_ms > 0, "two events of a user at one moment");
                assert!(
                    !(25 * 60_000..=31 * 60_000).contains(&gap_ms),
                    "a gap of {gap_ms} ms"
                );
                match gap_ms > SESSION_GAP_MS {
                    true => between += 1,
                    false => within += 1,
                }
            }
        }
        assert!(
            within > 10_000 && between > 1_000,
            "{within} within, {between} between visits"
        );
    }
}

#[test]
fn flat_is_flat() {
    let options = Options {
        rate: Some(20.0),
        ..events(100_000)
    };
    let rows = rows(&text(&mut simulator("flat", options)));
    let start_ms = rows.iter().map(|row| row.event_time).min().unwrap();
    let mut seconds = [0; 5_000];
    let mut users = vec![BTreeSet::new(); 10];
    for row in &rows {
        let second = (row.event_time - start_ms) as usize / 1000;
        seconds[second] += 1;
        users[second / 500].insert(&row.user_id);
    }
    assert!(seconds.iter().all(|count| *count == 20), "{seconds:?}");
    let nobodys = rows
        .iter()
        .filter(|row| row.user_id.is_none() && row.event_type == "ad_request");
    assert!(nobodys.count() < 50, "there are too few users for the rate");
    // All but the first, when nobody is under way yet, and the last, when nobody comes any more.
    let users = users[1..9].iter().map(|users| users.len() as f64);
    let (least, most) = users.fold((f64::MAX, 0f64), |(a, b), n| (a.min(n), b.max(n)));
    assert!(most / least < 1.1, "{least} to {most} users");
}

#[test]
fn normal_peaks_in_the_evening() {
    let options = Options {
        rate: Some(2.0),
        ..events(170_000)
    };
    let mut hours = [0; 24];
    for row in rows(&text(&mut simulator("normal", options))) {
        hours[(row.event_time / 3_600_000 % 24) as usize] += 1;
    }
    let peak = (0..24).max_by_key(|hour| hours[*hour]).unwrap();
    assert!((19..22).contains(&peak), "{hours:?}");
    assert!(hours[20] > 6 * hours[3], "{hours:?}");
}

#[test]
fn shares_of_delivery_are_kept() {
    let options = Options {
        duplicate_share: Some(0.05),
        out_of_order_share: Some(0.1),
        late_share: Some(0.02),
        rate: Some(50.0),
        ..events(100_000)
    };
    let mut simulator = simulator("flat", options);
    let (mut seen, mut twice, mut behind, mut late) = (BTreeSet::new(), 0, 0, 0);
    let mut out = Vec::new();
    while simulator.fill(&mut out, 1) == 1 {
        let row: Row = serde_json::from_slice(&out).unwrap();
        out.clear();
        if !seen.insert(row.event_id) {
            twice += 1;
            continue;
        }
        let delay_ms = simulator.arrival_ms() - row.event_time;
        behind += (1..=60_000).contains(&delay_ms) as u32;
        late += (delay_ms >= 660_000) as u32;
    }
    assert!((4_400..5_000).contains(&twice), "{twice} twice");
    assert!((9_100..9_900).contains(&behind), "{behind} out of order");
    assert!((1_700..2_100).contains(&late), "{late} late");
}

#[test]
fn the_stream_goes_on_when_everybody_is_away() {
    let scenario = include_str!("../../../config/scenarios/flat.toml");
    let few = scenario.replace("users = 500_000", "users = 100");
    assert!(few != scenario);
    let mut simulator = Simulator::new(Scenario::parse(&few).unwrap(), &events(50_000)).unwrap();
    let rows = rows(&text(&mut simulator));
    assert_eq!(rows.len(), 50_000);
    assert!(
        rows.iter()
            .filter_map(|row| row.user_id.as_ref())
            .collect::<BTreeSet<_>>()
            .len()
            <= 120
    );
}

#[test]
fn a_scenario_with_a_wrong_key_is_refused_by_name() {
    let normal = include_str!("../../../config/scenarios/normal.toml");
    let refused = |from: &str, to: &str| {
        let text = normal.replacen(from, to, 1);
        assert!(text != normal, "{from} is not in the scenario");
        format!("{:#}", Scenario::parse(&text).unwrap_err())
    };
    let cases = [
        ("fill_rate =", "fil_rate =", "fil_rate"),
        ("zipf = 0.8\n", "zipf = 0.8\nhabit = 1\n", "habit"),
        ("fill_rate = 0.95", "fill_rate = 1.5", "visits.fill_rate"),
        ("leave = 0.16", "leave = 0.99", "convert + leave of search"),
        ("video_seek =", "conversion =", "activity.conversion"),
        ("us-east = 0.30", "\"us\\\"east\" = 0.30", "regions"),
        ("users = 1_000_000", "users = 0", "traffic.users"),
    ];
    for (from, to, key) in cases {
        let error = refused(from, to);
        assert!(error.contains(key), "{error}");
    }
    assert!(format!("{:#}", Scenario::load("no_such").unwrap_err()).contains("no_such"));
    let options = Options {
        duplicate_share: Some(2.0),
        ..Options::default()
    };
    let error = Simulator::new(Scenario::load("flat").unwrap(), &options)
        .err()
        .unwrap();
    assert!(format!("{error:#}").contains("duplicate_share"));
}

#[test]
fn the_truth_does_not_depend_on_the_seed() {
    let truth = |seed| {
        simulator(
            "normal",
            Options {
                seed,
                ..Options::default()
            },
        )
        .truth()
    };
    assert_eq!(truth(1), truth(2));
    let truth = truth(1);
    for chain in &truth.advertisers {
        assert!(
            chain
                .removal_effects
                .values()
                .all(|effect| (0.0..1.0).contains(effect))
        );
        for state in &chain.states[..chain.states.len() - 2] {
            let row = chain
                .transitions
                .iter()
                .filter(|(from, _, _)| from == state);
            let sum: f64 = row.map(|(_, _, p)| p).sum();
            assert!(
                (sum - 1.0).abs() < 1e-12,
                "{state} of {} sums to {sum}",
                chain.advertiser
            );
        }
    }
    let json = serde_json::to_string(&truth).unwrap();
    assert!(json.contains("\"removal_effects\"") && json.contains("(start)"));
}
