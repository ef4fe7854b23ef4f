//! The absorbing chain in numbers: one inverse gives all removal effects.
//!
//! In: integer counts of a chain whose states are sorted by name. Out: P(conversion), expected value, removal
//! effects. The order of operations is fixed, so equal counts give equal bits. Source of the formulas: Kemeny and
//! Snell 1960 for the fundamental matrix; removal (redirect to null) after Anderl et al. 2016, all at once by
//! `RE_c = (N_0c / N_cc) x_c / x_0`.

/// More named states than this are counted but not solved: the cost grows with their cube, and no sender of odd
/// names may hold up a worker.
pub const SOLVED_STATES_MAX: usize = 512;

/// Integer counts, densely: `k` named states in order.
#[derive(Default)]
pub struct Counts {
    pub k: usize,
    /// `k * k`, row by row.
    pub between: Vec<i64>,
    pub from_start: Vec<i64>,
    pub to_conversion: Vec<i64>,
    pub to_null: Vec<i64>,
    /// Value of the conversions out of each state, micro-units.
    pub value: Vec<i128>,
    pub untouched: i64,
    pub untouched_value: i128,
    /// Start to null; only an empty window has none of its journeys touched.
    pub journeys: i64,
}

impl Counts {
    /// All zero, for `k` states.
    pub fn clear(&mut self, k: usize) {
        self.k = k;
        self.between.clear();
        self.between.resize(k * k, 0);
        for column in [
            &mut self.from_start,
            &mut self.to_conversion,
            &mut self.to_null,
        ] {
            column.clear();
            column.resize(k, 0);
        }
        self.value.clear();
        self.value.resize(k, 0);
        (self.untouched, self.untouched_value, self.journeys) = (0, 0, 0);
    }
}

/// What the solution says; the vectors have one entry per state.
#[derive(Default)]
pub struct Solver {
    pub counts: Counts,
    pub x0: f64,
    pub xw0: f64,
    /// Probability of visiting each state times its chance to convert (and its expected value) from there.
    pub through: Vec<f64>,
    pub through_value: Vec<f64>,
    inverse: Vec<f64>,
    totals: Vec<i64>,
    pivot_row: Vec<f64>,
    /// Probability that a journey begins with each state.
    entries: Vec<f64>,
    /// Probability of converting next, and the value that comes of it.
    converts: Vec<f64>,
    yields: Vec<f64>,
    /// How often a journey visits each state.
    visits: Vec<f64>,
}

fn refill(column: &mut Vec<f64>, numbers: impl Iterator<Item = f64>) {
    column.clear();
    column.extend(numbers);
}

/// Micro-units as currency units.
pub(crate) fn units(micros: i128) -> f64 {
    micros as f64 / 1e6
}

impl Solver {
    /// Solves `counts`; there is at least one journey.
    pub fn solve(&mut self) {
        self.invert();
        self.weigh();
        let k = self.counts.k;
        let journeys = self.counts.journeys as f64;
        self.through.clear();
        self.through_value.clear();
        self.x0 = self.counts.untouched as f64 / journeys;
        self.xw0 = units(self.counts.untouched_value) / journeys;
        for i in 0..k {
            let row = &self.inverse[i * k..(i + 1) * k];
            let (mut x, mut xw) = (0.0, 0.0);
            for ((n, converts), value) in row.iter().zip(&self.converts).zip(&self.yields) {
                x += n * converts;
                xw += n * value;
            }
            self.x0 += self.entries[i] * x;
            self.xw0 += self.entries[i] * xw;
            let hit = self.visits[i] / row[i];
            self.through.push(hit * x);
            self.through_value.push(hit * xw);
        }
    }

    /// What each state gives at one visit, and how often a journey visits it.
    fn weigh(&mut self) {
        let (counts, totals) = (&self.counts, &self.totals);
        let journeys = counts.journeys as f64;
        let entries = counts.from_start.iter().map(|&n| n as f64 / journeys);
        refill(&mut self.entries, entries);
        let converts = counts.to_conversion.iter().zip(totals);
        let converts = converts.map(|(&n, &total)| n as f64 / total as f64);
        refill(&mut self.converts, converts);
        let yields = counts.value.iter().zip(totals);
        let yields = yields.map(|(&value, &total)| units(value) / total as f64);
        refill(&mut self.yields, yields);
        refill(&mut self.visits, std::iter::repeat_n(0.0, counts.k));
        for (entry, row) in self
            .entries
            .iter()
            .zip(self.inverse.chunks_exact(counts.k.max(1)))
        {
            for (visits, n) in self.visits.iter_mut().zip(row) {
                *visits += entry * n;
            }
        }
    }

    /// `inverse` = (I - Q)^-1, by Gauss-Jordan elimination in place. No pivoting is needed: I - Q is an M-matrix.
    fn invert(&mut self) {
        let k = self.counts.k;
        self.totals.clear();
        self.inverse.clear();
        for (i, row) in self.counts.between.chunks_exact(k.max(1)).enumerate() {
            let total =
                row.iter().sum::<i64>() + self.counts.to_conversion[i] + self.counts.to_null[i];
            self.totals.push(total);
            let identity = |j| if i == j { 1.0 } else { 0.0 };
            self.inverse.extend(
                row.iter()
                    .enumerate()
                    .map(|(j, &n)| identity(j) - n as f64 / total as f64),
            );
        }
        for p in 0..k {
            self.eliminate(p);
        }
    }

    fn eliminate(&mut self, p: usize) {
        let k = self.counts.k;
        let row = &mut self.inverse[p * k..(p + 1) * k];
        let scale = 1.0 / row[p];
        row[p] = 1.0;
        row.iter_mut().for_each(|a| *a *= scale);
        self.pivot_row.clear();
        self.pivot_row.extend_from_slice(row);
        for (i, row) in self.inverse.chunks_exact_mut(k).enumerate() {
            if i != p {
                let factor = std::mem::replace(&mut row[p], 0.0);
                row.iter_mut()
                    .zip(&self.pivot_row)
                    .for_each(|(a, &pivot)| *a -= factor * pivot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two channels by hand: start -> a always; a -> b 1/2, a -> null 1/2; b -> conversion always, value 3 each.
    #[test]
    fn a_chain_solved_by_hand() {
        let mut solver = Solver::default();
        solver.counts.clear(2);
        solver.counts.between = vec![0, 5, 0, 0];
        solver.counts.from_start = vec![10, 0];
        solver.counts.to_null = vec![5, 0];
        solver.counts.to_conversion = vec![0, 5];
        solver.counts.value = vec![0, 15_000_000];
        solver.counts.journeys = 10;
        solver.solve();
        assert_eq!((solver.x0, solver.xw0), (0.5, 1.5));
        assert_eq!(
            (solver.through.as_slice(), solver.through_value.as_slice()),
            (&[0.5, 0.5][..], &[1.5, 1.5][..])
        );
    }
}
