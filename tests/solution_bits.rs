//! The order of operations of a chain's solution, written out index by index: the oracle must agree bit for bit.

mod histories;

use histories::{history, settings};
use proptest::prelude::*;
use tributary::oracle;
use tributary::report::{Chain, Count, State};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_solution_has_these_bits(seed: u64) {
        let settings = settings(seed);
        let history = history(seed, &settings);
        let report = oracle::report(&history.partitions, &history.names, &settings, true);
        for chain in report.chains.values() {
            let solved = solve(chain);
            let bits = |value: Option<f64>| value.map(f64::to_bits);
            prop_assert_eq!(bits(chain.p_conversion), Some(solved.p.to_bits()));
            prop_assert_eq!(bits(chain.expected_value_per_journey), Some(solved.value.to_bits()));
            for (credit, expected) in chain.credits.iter().zip(solved.credits) {
                let credit = [
                    credit.removal_effect,
                    credit.removal_effect_value,
                    credit.attributed_conversions,
                    credit.attributed_value,
                ];
                prop_assert_eq!(credit.map(bits), expected.map(bits));
            }
        }
    }
}

struct Solved {
    p: f64,
    value: f64,
    credits: Vec<[Option<f64>; 4]>,
}

#[allow(clippy::needless_range_loop)] // the definition is by index
fn solve(chain: &Chain) -> Solved {
    let states: Vec<State> = {
        let credits = chain.credits.iter();
        credits
            .map(|credit| State::Named(credit.state.clone()))
            .collect()
    };
    let k = states.len();
    let get = |from: &State, to: &State| -> Count {
        let key = (from.clone(), to.clone());
        chain.counts.get(&key).copied().unwrap_or_default()
    };
    let total = |from: &State| -> f64 {
        let row = chain
            .counts
            .iter()
            .filter(|((source, _), _)| source == from);
        row.map(|(_, count)| count.count).sum::<i64>() as f64
    };
    let p = |from: &State, to: &State| get(from, to).count as f64 / total(from);
    let w = |from: &State| (get(from, &State::Conversion).value_micros as f64 / 1e6) / total(from);

    let mut a = vec![vec![0.0; k]; k];
    for i in 0..k {
        for j in 0..k {
            a[i][j] = (if i == j { 1.0 } else { 0.0 }) - p(&states[i], &states[j]);
        }
    }
    for p in 0..k {
        let d = 1.0 / a[p][p];
        a[p][p] = 1.0;
        for j in 0..k {
            a[p][j] *= d;
        }
        for i in 0..k {
            if i != p {
                let f = a[i][p];
                a[i][p] = 0.0;
                for j in 0..k {
                    let product = f * a[p][j];
                    a[i][j] -= product;
                }
            }
        }
    }
    let (mut x, mut xw) = (vec![0.0; k], vec![0.0; k]);
    for i in 0..k {
        for j in 0..k {
            x[i] += a[i][j] * p(&states[j], &State::Conversion);
            xw[i] += a[i][j] * w(&states[j]);
        }
    }
    let mut x0 = p(&State::Start, &State::Conversion);
    let mut xw0 = w(&State::Start);
    for i in 0..k {
        let s = p(&State::Start, &states[i]);
        x0 += s * x[i];
        xw0 += s * xw[i];
    }
    let (mut re, mut re_value) = (vec![None; k], vec![None; k]);
    for j in 0..k {
        let mut y = 0.0;
        for i in 0..k {
            y += p(&State::Start, &states[i]) * a[i][j];
        }
        let h = y / a[j][j];
        re[j] = if x0 == 0.0 { None } else { Some(h * x[j] / x0) };
        re_value[j] = if xw0 == 0.0 {
            None
        } else {
            Some(h * xw[j] / xw0)
        };
    }
    let into = states.iter().map(|state| get(state, &State::Conversion));
    let credited = into.clone().map(|count| count.count).sum::<i64>() as f64;
    let credited_value = into.map(|count| count.value_micros).sum::<i128>() as f64 / 1e6;
    let share = |credited: f64, effects: &[Option<f64>], i: usize| -> Option<f64> {
        if credited == 0.0 {
            return Some(0.0);
        }
        let mut sum = 0.0;
        for effect in effects {
            sum += (*effect)?;
        }
        if sum == 0.0 {
            None
        } else {
            Some(credited * effects[i]? / sum)
        }
    };
    let credits = (0..k).map(|i| {
        let shares = [share(credited, &re, i), share(credited_value, &re_value, i)];
        [re[i], re_value[i], shares[0], shares[1]]
    });
    Solved {
        p: x0,
        value: xw0,
        credits: credits.collect(),
    }
}
