//! What must hold of the oracle on any history: it is checked against laws, not against itself.

mod histories;

use std::collections::{BTreeMap, BTreeSet};

use dataflows::event::{Event, FIRST_TIME_MS};
use dataflows::settings::Settings;
use dataflows::transitions::{Dimension, Window};
use histories::{History, history, settings};
use proptest::prelude::*;
use tributary::oracle;
use tributary::report::{Chain, ChainKey, Count, Report, State};

fn report(history: &History, settings: &Settings) -> Report {
    oracle::report(&history.partitions, &history.names, settings, true)
}

fn unbounded(seed: u64) -> Settings {
    Settings {
        allowed_lateness_ms: None,
        ..settings(seed)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_record_has_one_disposition(seed: u64, ended: bool) {
        let settings = settings(seed);
        let history = history(seed, &settings);
        let report = oracle::report(&history.partitions, &history.names, &settings, ended);
        let sum = report.accepted + report.duplicate + report.late + report.invalid + report.no_consent;
        prop_assert_eq!(sum, history.records());
    }

    #[test]
    fn arrival_has_no_say_where_nothing_is_late(seed: u64, keys: Vec<u32>) {
        let settings = unbounded(seed);
        let mut history = history(seed, &settings);
        let before = report(&history, &settings);
        for log in &mut history.partitions {
            let mut place = 0;
            log.sort_by_cached_key(|_| {
                place += 1;
                keys.get(place % keys.len().max(1)).map(|key| key.wrapping_mul(place as u32))
            });
        }
        history.partitions.reverse();
        let after = report(&history, &settings);
        prop_assert_eq!(before.differences(&after), Vec::<String>::new());
        prop_assert_eq!(before.digest(), after.digest());
    }

    #[test]
    fn sending_everything_twice_adds_duplicates_only(seed: u64) {
        // A watermark of more than one event time would move, since copies count separately.
        let settings = Settings { watermark_support: 1, ..unbounded(seed) };
        let mut history = history(seed, &settings);
        let once = report(&history, &settings);
        for log in &mut history.partitions {
            let copies: Vec<_> = log.iter().copied().filter(Option::is_some).collect();
            log.extend(copies);
        }
        let mut twice = report(&history, &settings);
        prop_assert_eq!(twice.duplicate, 2 * once.duplicate + once.accepted);
        twice.duplicate = once.duplicate;
        prop_assert_eq!(once.differences(&twice), Vec::<String>::new());
    }

    #[test]
    fn what_flows_into_a_state_flows_out(seed: u64, ended: bool) {
        let settings = settings(seed);
        let history = history(seed, &settings);
        let report = oracle::report(&history.partitions, &history.names, &settings, ended);
        for chain in report.chains.values() {
            let [mut enters, mut leaves] = [(); 2].map(|()| BTreeMap::<&State, i64>::new());
            for ((from, to), count) in &chain.counts {
                prop_assert!(count.count > 0);
                *leaves.entry(from).or_default() += count.count;
                *enters.entry(to).or_default() += count.count;
            }
            let started = leaves.remove(&State::Start).unwrap();
            let absorbed = [State::Conversion, State::Null].map(|end| enters.remove(&end).unwrap_or(0));
            prop_assert_eq!(started, absorbed.iter().sum::<i64>());
            prop_assert_eq!(leaves, enters);
        }
    }

    #[test]
    fn the_flow_gives_the_probability_and_the_credit(seed: u64) {
        let settings = settings(seed);
        for chain in report(&history(seed, &settings), &settings).chains.values() {
            let journeys = sum(chain, |from, _| *from == State::Start);
            let converted = sum(chain, |_, to| *to == State::Conversion);
            let untouched = sum(chain, |from, to| (from, to) == (&State::Start, &State::Conversion));
            let p = converted.count as f64 / journeys.count as f64;
            prop_assert!(near(chain.p_conversion.unwrap(), p));
            let value = converted.value_micros as f64 / 1e6 / journeys.count as f64;
            prop_assert!(near(chain.expected_value_per_journey.unwrap(), value));
            let attributed = chain.credits.iter().map(|credit| credit.attributed_conversions);
            if let Some(attributed) = attributed.sum::<Option<f64>>() {
                let credited = (converted.count - untouched.count) as f64;
                prop_assert!(chain.credits.is_empty() || near(attributed, credited));
            }
        }
    }

    #[test]
    fn removal_effects_are_what_redirecting_to_null_loses(seed: u64) {
        let settings = settings(seed);
        for chain in report(&history(seed, &settings), &settings).chains.values() {
            for credit in &chain.credits {
                let whole = expected(&chain.counts);
                let without = expected(&redirected(chain, &State::Named(credit.state.clone())));
                for (which, effect) in [credit.removal_effect, credit.removal_effect_value].into_iter().enumerate() {
                    // Where refunds cancel the value, nothing but rounding is left to lose a part of.
                    if let Some(effect) = effect.filter(|_| whole[which].abs() > 1e-6) {
                        // The ratio magnifies what refunds leave of the value.
                        let scale = 1.0 / whole[which].abs().min(1.0);
                        let lost = 1.0 - without[which] / whole[which];
                        prop_assert!((effect - lost).abs() < 1e-9 * scale, "{} {}", effect, lost);
                    }
                }
            }
        }
    }

    #[test]
    fn the_sum_of_advertisers_is_their_sum_and_windows_nest(seed: u64) {
        let settings = settings(seed);
        let report = report(&history(seed, &settings), &settings);
        for window in [Window::All, Window::Day, Window::Hour] {
            let mut sum: BTreeMap<(State, State), Count> = BTreeMap::new();
            for (key, chain) in &report.chains {
                if (key.dimension, key.window) == (Dimension::Channel, window) && key.advertiser.is_some() {
                    for (step, count) in &chain.counts {
                        let sum = sum.entry(step.clone()).or_default();
                        sum.count += count.count;
                        sum.value_micros += count.value_micros;
                    }
                }
            }
            let key = ChainKey { advertiser: None, dimension: Dimension::Channel, window };
            let total = report.chains.get(&key).map(|chain| chain.counts.clone());
            prop_assert_eq!(total.unwrap_or_default(), sum);
        }
        for (key, chain) in &report.chains {
            let wider = match key.window {
                Window::All => continue,
                Window::Day => Window::All,
                Window::Hour => Window::Day,
            };
            let wider = &report.chains[&ChainKey { window: wider, ..key.clone() }];
            for (step, count) in &chain.counts {
                prop_assert!(wider.counts[step].count >= count.count);
            }
        }
    }
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * b.abs().max(1.0)
}

fn sum(chain: &Chain, keep: impl Fn(&State, &State) -> bool) -> Count {
    let mut sum = Count::default();
    for ((from, to), count) in &chain.counts {
        if keep(from, to) {
            sum.count += count.count;
            sum.value_micros += count.value_micros;
        }
    }
    sum
}

type Counts = BTreeMap<(State, State), Count>;

/// The counts with every transition into `removed` led to null.
fn redirected(chain: &Chain, removed: &State) -> Counts {
    let mut counts = Counts::new();
    for ((from, to), count) in &chain.counts {
        let to = if to == removed { &State::Null } else { to };
        if from != removed {
            let sum = counts.entry((from.clone(), to.clone())).or_default();
            sum.count += count.count;
            sum.value_micros += count.value_micros;
        }
    }
    counts
}

/// Conversions and value to be expected of a journey from the start: the linear equations x = Q x + r of all states,
/// solved by elimination with pivoting.
fn expected(counts: &Counts) -> [f64; 2] {
    let states: BTreeSet<&State> = counts.keys().map(|(from, _)| from).collect();
    let states: Vec<&State> = states.into_iter().collect();
    let mut equations = Vec::new();
    for from in &states {
        let row = counts.iter().filter(|((source, _), _)| source == *from);
        let total = row.clone().map(|(_, count)| count.count).sum::<i64>() as f64;
        let mut equation = vec![0.0; states.len() + 2];
        for ((_, to), count) in row {
            match states.iter().position(|state| *state == to) {
                Some(place) => equation[place] -= count.count as f64 / total,
                None if *to == State::Conversion => {
                    equation[states.len()] = count.count as f64 / total;
                    equation[states.len() + 1] = count.value_micros as f64 / 1e6 / total;
                }
                None => {}
            }
        }
        equations.push(equation);
    }
    for (place, equation) in equations.iter_mut().enumerate() {
        equation[place] += 1.0;
    }
    let solution = eliminate(equations);
    let start = states.iter().position(|state| **state == State::Start);
    start.map_or([0.0; 2], |start| solution[start])
}

fn eliminate(mut equations: Vec<Vec<f64>>) -> Vec<[f64; 2]> {
    let n = equations.len();
    for column in 0..n {
        let largest = |a: &usize, b: &usize| {
            equations[*a][column]
                .abs()
                .total_cmp(&equations[*b][column].abs())
        };
        let pivot = (column..n).max_by(largest).unwrap();
        equations.swap(column, pivot);
        let pivot_row = equations[column].clone();
        for (row, equation) in equations.iter_mut().enumerate() {
            if row != column {
                let factor = equation[column] / pivot_row[column];
                for (element, pivot) in equation.iter_mut().zip(&pivot_row) {
                    *element -= factor * pivot;
                }
            }
        }
    }
    let solve = |row: usize| [0, 1].map(|which| equations[row][n + which] / equations[row][row]);
    (0..n).map(solve).collect()
}

/// The generator is worth nothing if it does not reach the corners.
#[test]
fn histories_reach_the_corners() {
    let mut reached: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..300 {
        let settings = settings(seed);
        let history = history(seed, &settings);
        let report = report(&history, &settings);
        let untouched = (State::Start, State::Conversion);
        let windows = |window| {
            report
                .chains
                .keys()
                .filter(|key| key.window == window)
                .count()
        };
        let events: Vec<&Event> = history.partitions.iter().flatten().flatten().collect();
        assert!(events.iter().all(|event| event.time > FIRST_TIME_MS));
        for (corner, found) in [
            ("late", report.late > 0),
            ("duplicate", report.duplicate > 0),
            ("invalid", report.invalid > 0),
            ("conflict", report.conflicts > 0),
            ("userless", events.iter().any(|event| event.userless)),
            ("converting touch", events.iter().any(|event| event.touches)),
            (
                "untouched",
                report
                    .chains
                    .values()
                    .any(|chain| chain.counts.contains_key(&untouched)),
            ),
            ("open journey", report.open_journeys > 0),
            ("closed session", report.open_sessions < 4),
            (
                "hour smaller than day",
                windows(Window::Hour) < windows(Window::Day),
            ),
            (
                "day smaller than all",
                windows(Window::Day) < windows(Window::All),
            ),
            ("several partitions", history.partitions.len() > 1),
            ("gap at the limit", gap_of(&events, settings.session_gap_ms)),
            (
                "gap just over the limit",
                gap_of(&events, settings.session_gap_ms + 1),
            ),
        ] {
            *reached.entry(corner).or_default() += usize::from(found);
        }
    }
    for (corner, histories) in reached {
        assert!(histories >= 15, "{corner}: {histories} of 300 histories");
    }
}

fn gap_of(events: &[&Event], gap: i64) -> bool {
    let mut times: Vec<_> = events
        .iter()
        .map(|event| (event.user, event.time))
        .collect();
    times.sort();
    times
        .windows(2)
        .any(|pair| pair[0].0 == pair[1].0 && pair[1].1 - pair[0].1 == gap)
}
