//! `GET /api/v1/fundamental`: how often a journey is expected to visit each state (Kemeny and Snell 1960).

use std::collections::BTreeMap;
use std::sync::Arc;

use dataflows::attribution::SOLVED_STATES_MAX;
use dataflows::row::Matrix;
use dataflows::transitions::{State, Window};
use serde::Serialize;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::reply::Response;

use super::Context;
use super::answer::{Problem, csv, stamped};
use super::chain::{ChainName, PARAMETERS};
use super::query::Format;
use super::routes::{Answers, Asked, Doc};
use crate::frames::Labels;

pub(super) static DOC: Doc = Doc::get(
    "/api/v1/fundamental",
    "expected visits: the fundamental matrix of one chain",
    PARAMETERS,
    Answers::JsonOrCsv("Fundamental"),
);

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    chain: ChainName,
    #[serde(flatten)]
    fundamental: Fundamental,
}

/// The inverse of I - Q, where Q has the probabilities of going from one named state to another.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Fundamental {
    /// Sorted by name.
    states: Vec<String>,
    /// Visits of each state by a journey, from its start on.
    from_start: Vec<f64>,
    /// By the state a journey is in, then by the state it visits; where it is counts.
    visits: Vec<Vec<f64>>,
}

pub(super) fn route(context: &Arc<Context>) -> BoxedFilter<(Response,)> {
    super::routes::route(&DOC, context, answer)
}

async fn answer(context: Arc<Context>, asked: Asked) -> Result<Response, Problem> {
    let (chain, window) = asked.query.chain()?;
    let (at, format) = (asked.query.at_epoch()?, asked.query.format()?);
    let (epoch, counted) = context.counted(chain, at).await?;
    let name = context.chain_name(chain, window)?;
    let matrix = Matrix {
        chain,
        counts: counted.counts,
    };
    let labels = context.frames().labels().clone();
    // A chain of hundreds of states takes a while; other clients need not wait for it.
    let solved = tokio::task::spawn_blocking(move || solve(&matrix, window, &labels));
    let fundamental = solved
        .await
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the solver stopped"))??;
    let stamp = context.stamp(epoch);
    Ok(match format {
        Format::Json => stamped(
            stamp,
            &Answer {
                chain: name,
                fundamental,
            },
        ),
        Format::Csv => csv(stamp, ["from", "to", "visits"], fundamental.rows()),
    })
}

impl Fundamental {
    /// A row for each pair, from the start first.
    fn rows(&self) -> Vec<[String; 3]> {
        let start = std::iter::once(("(start)", &self.from_start));
        let states = self.states.iter().map(String::as_str).zip(&self.visits);
        let mut rows = Vec::new();
        for (from, visits) in start.chain(states) {
            let pairs = self.states.iter().zip(visits);
            rows.extend(
                pairs.map(|(to, visits)| [from.to_owned(), to.clone(), visits.to_string()]),
            );
        }
        rows
    }
}

fn solve(matrix: &Matrix, window: Window, labels: &Labels) -> Result<Fundamental, Problem> {
    let mut names = BTreeMap::new();
    for (from, to, _) in crate::frames::counted(matrix, window) {
        for state in [from, to] {
            if let State::Named(name) = state {
                names.insert(labels.text(name), (state, labels.state_name(name)));
            }
        }
    }
    let k = names.len();
    if k > SOLVED_STATES_MAX {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!(
                "the chain has {k} states; with more than {SOLVED_STATES_MAX} it is not solved"
            ),
        ));
    }
    let place: BTreeMap<State, usize> = names
        .values()
        .enumerate()
        .map(|(i, (state, _))| (*state, i))
        .collect();
    let (mut leaving, mut starts) = (vec![0.0; k], 0.0);
    let (mut between, mut entries) = (vec![vec![0.0; k]; k], vec![0.0; k]);
    for (from, to, weight) in crate::frames::counted(matrix, window) {
        let count = weight.count as f64;
        match (place.get(&from), place.get(&to)) {
            (Some(&i), Some(&j)) => (leaving[i], between[i][j]) = (leaving[i] + count, count),
            (Some(&i), None) => leaving[i] += count,
            (None, to) => {
                starts += count;
                if let Some(&j) = to {
                    entries[j] = count;
                }
            }
        }
    }
    let visits = inverse(&between, &leaving);
    let from_start = (0..k)
        .map(|j| (0..k).map(|i| entries[i] / starts * visits[i][j]).sum())
        .collect();
    Ok(Fundamental {
        states: names.into_values().map(|(_, name)| name).collect(),
        from_start,
        visits,
    })
}

/// The inverse of I - Q by Gauss and Jordan. No pivoting: Q's rows sum to 1 at most, so the diagonal stays the largest.
fn inverse(between: &[Vec<f64>], leaving: &[f64]) -> Vec<Vec<f64>> {
    let k = leaving.len();
    let unit = |i: usize, j: usize| f64::from(u8::from(i == j));
    let mut left: Vec<Vec<f64>> = (0..k)
        .map(|i| {
            (0..k)
                .map(|j| unit(i, j) - between[i][j] / leaving[i])
                .collect()
        })
        .collect();
    let mut right: Vec<Vec<f64>> = (0..k)
        .map(|i| (0..k).map(|j| unit(i, j)).collect())
        .collect();
    for p in 0..k {
        let scale = 1.0 / left[p][p];
        for side in [&mut left, &mut right] {
            side[p].iter_mut().for_each(|x| *x *= scale);
        }
        for i in (0..k).filter(|&i| i != p) {
            let factor = left[i][p];
            for side in [&mut left, &mut right] {
                subtract(side, i, p, factor);
            }
        }
    }
    right
}

/// Row `i` less `factor` times row `p`.
fn subtract(side: &mut [Vec<f64>], i: usize, p: usize, factor: f64) {
    let pivot = std::mem::take(&mut side[p]);
    for (x, y) in side[i].iter_mut().zip(&pivot) {
        *x -= factor * y;
    }
    side[p] = pivot;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_of_a_chain_worked_out_by_hand() {
        // a goes to b half the time, b to a a quarter: a is visited 1 / (1 - 1/8) times from itself.
        let between = [vec![0.0, 2.0], vec![1.0, 0.0]];
        let visits = inverse(&between, &[4.0, 4.0]);
        let near = |x: f64, y: f64| assert!((x - y).abs() < 1e-12, "{x} {y}");
        near(visits[0][0], 8.0 / 7.0);
        near(visits[0][1], 4.0 / 7.0);
        near(visits[1][0], 2.0 / 7.0);
        near(visits[1][1], 8.0 / 7.0);
    }
}
