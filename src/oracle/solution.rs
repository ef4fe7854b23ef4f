//! The numbers read out of one chain's counts (Anderl et al. 2016; Kemeny & Snell 1960 for the fundamental matrix).
//!
//! The order of operations is part of the definition, so that two programs agree bit for bit: states in the order of
//! their names, sums from 0.0 in that order, never a fused multiply-add.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use crate::report::{Chain, Count, Credit, State};

/// Chains with more states than this keep their counts but are not solved.
const MAX_STATES: usize = 512;

type Counts = BTreeMap<(State, State), Count>;

/// The chain of these counts, of which every journey is complete.
pub(super) fn solve(counts: Counts) -> Chain {
    let names = names(&counts);
    if names.len() > MAX_STATES {
        let credits = names.iter().map(|name| unknown(name)).collect();
        return Chain {
            counts,
            credits,
            ..Chain::default()
        };
    }
    let absorption = Absorption::new(&counts, &names);
    let shares = [shared(&counts, conversions), shared(&counts, value)];
    let credits = credits(&names, &absorption, shares);
    Chain {
        p_conversion: Some(absorption.x0[0]),
        expected_value_per_journey: Some(absorption.x0[1]),
        counts,
        credits,
    }
}

/// The named states in the order of their bytes.
fn names(counts: &Counts) -> Vec<String> {
    let mut names = BTreeSet::new();
    for (from, to) in counts.keys() {
        for state in [from, to] {
            if let State::Named(name) = state {
                names.insert(name.clone());
            }
        }
    }
    names.into_iter().collect()
}

fn unknown(name: &str) -> Credit {
    Credit {
        state: name.to_owned(),
        removal_effect: None,
        removal_effect_value: None,
        attributed_conversions: None,
        attributed_value: None,
    }
}

fn conversions(count: Count) -> f64 {
    count.count as f64
}

fn value(count: Count) -> f64 {
    count.value_micros as f64 / 1e6
}

/// What is shared out: all that came into conversion, less what came with no touch before it.
fn shared(counts: &Counts, measure: fn(Count) -> f64) -> f64 {
    let mut touched = Count::default();
    for ((from, to), count) in counts {
        if *to == State::Conversion && *from != State::Start {
            touched.count += count.count;
            touched.value_micros += count.value_micros;
        }
    }
    measure(touched)
}

/// Counts by place in the order of the names.
struct Rows<'a> {
    counts: &'a Counts,
    states: Vec<State>,
    totals: Vec<i64>,
    /// The total of the start.
    journeys: i64,
}

impl<'a> Rows<'a> {
    fn new(counts: &'a Counts, names: &[String]) -> Rows<'a> {
        let mut totals: BTreeMap<&State, i64> = BTreeMap::new();
        for ((from, _), count) in counts {
            *totals.entry(from).or_default() += count.count;
        }
        let states: Vec<State> = names.iter().cloned().map(State::Named).collect();
        Rows {
            counts,
            totals: states.iter().map(|state| totals[state]).collect(),
            journeys: totals[&State::Start],
            states,
        }
    }

    fn get(&self, from: &State, to: &State) -> Count {
        let key = (from.clone(), to.clone());
        self.counts.get(&key).copied().unwrap_or_default()
    }

    /// The probability of conversion next, and the value expected from it, for each state.
    fn absorbed(&self) -> [Vec<f64>; 2] {
        [conversions, value].map(|measure| {
            let rows = self.states.iter().zip(&self.totals);
            rows.map(|(from, &total)| measure(self.get(from, &State::Conversion)) / total as f64)
                .collect()
        })
    }

    /// I - Q.
    fn generator(&self) -> Vec<Vec<f64>> {
        let mut matrix = Vec::new();
        for (i, from) in self.states.iter().enumerate() {
            let mut row = Vec::new();
            for (j, to) in self.states.iter().enumerate() {
                let p = self.get(from, to).count as f64 / self.totals[i] as f64;
                let diagonal = if i == j { 1.0 } else { 0.0 };
                row.push(diagonal - p);
            }
            matrix.push(row);
        }
        matrix
    }
}

/// How journeys get absorbed; pairs hold the figure for conversions, then the one for value.
struct Absorption {
    /// From the start.
    x0: [f64; 2],
    /// From each state.
    x: [Vec<f64>; 2],
    /// The probability that a journey ever visits the state.
    h: Vec<f64>,
}

impl Absorption {
    fn new(counts: &Counts, names: &[String]) -> Absorption {
        let rows = Rows::new(counts, names);
        let journeys = rows.journeys as f64;
        let started = |to: &State| rows.get(&State::Start, to).count as f64 / journeys;
        let s: Vec<f64> = rows.states.iter().map(started).collect();
        let n = inverse(rows.generator());
        let x = rows.absorbed().map(|absorbed| times(&n, &absorbed));
        let untouched = rows.get(&State::Start, &State::Conversion);
        let mut x0 = [conversions, value].map(|measure| measure(untouched) / journeys);
        for (x0, x) in x0.iter_mut().zip(&x) {
            for (s, x) in s.iter().zip(x) {
                *x0 += s * x;
            }
        }
        let h = (0..s.len()).map(|j| visits(&s, &n, j) / n[j][j]).collect();
        Absorption { x0, x, h }
    }
}

/// The expected number of visits to state `j`.
fn visits(s: &[f64], n: &[Vec<f64>], j: usize) -> f64 {
    let mut visits = 0.0;
    for (s, row) in s.iter().zip(n) {
        visits += s * row[j];
    }
    visits
}

fn times(matrix: &[Vec<f64>], vector: &[f64]) -> Vec<f64> {
    let mut product = Vec::new();
    for row in matrix {
        let mut sum = 0.0;
        for (element, factor) in row.iter().zip(vector) {
            sum += element * factor;
        }
        product.push(sum);
    }
    product
}

/// Gauss-Jordan in place, without pivoting: every journey ends, so `a` is a nonsingular M-matrix and no pivot is 0.
fn inverse(mut a: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    for p in 0..a.len() {
        let mut pivot_row = mem::take(&mut a[p]);
        let d = 1.0 / pivot_row[p];
        pivot_row[p] = 1.0;
        for element in &mut pivot_row {
            *element *= d;
        }
        for row in a.iter_mut().filter(|row| !row.is_empty()) {
            let f = row[p];
            row[p] = 0.0;
            for (element, pivot) in row.iter_mut().zip(&pivot_row) {
                *element -= f * pivot;
            }
        }
        a[p] = pivot_row;
    }
    a
}

fn credits(names: &[String], absorption: &Absorption, shared: [f64; 2]) -> Vec<Credit> {
    let [conversions, value] = [0, 1].map(|which| {
        let effects = removal_effects(absorption, which);
        let shares = shares(&effects, shared[which]);
        (effects, shares)
    });
    let mut credits = Vec::new();
    for (i, name) in names.iter().enumerate() {
        credits.push(Credit {
            state: name.clone(),
            removal_effect: conversions.0[i],
            removal_effect_value: value.0[i],
            attributed_conversions: conversions.1[i],
            attributed_value: value.1[i],
        });
    }
    credits
}

/// The part of what journeys yield that is lost when every transition into the state leads to null instead.
fn removal_effects(absorption: &Absorption, which: usize) -> Vec<Option<f64>> {
    let (x0, x) = (absorption.x0[which], &absorption.x[which]);
    let effect = |(h, x): (&f64, &f64)| (x0 != 0.0).then(|| h * x / x0);
    absorption.h.iter().zip(x).map(effect).collect()
}

/// `amount` shared out in proportion to the effects.
fn shares(effects: &[Option<f64>], amount: f64) -> Vec<Option<f64>> {
    let mut sum = 0.0;
    for effect in effects.iter().flatten() {
        sum += effect;
    }
    let share = |effect: &Option<f64>| match effect {
        _ if amount == 0.0 => Some(0.0),
        Some(effect) if sum != 0.0 => Some(amount * effect / sum),
        _ => None,
    };
    effects.iter().map(share).collect()
}
