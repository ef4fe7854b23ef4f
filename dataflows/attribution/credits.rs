//! What is shared out among the states of a chain: its conversions and their value, by the removal effects.

use crate::event::Name;
use crate::row::Float;

use super::solve::{Solver, units};
use super::{Credit, Figures};

/// Shares what was touched out by the removal effects; without a solution nothing can be said but 0 of 0.
pub(super) fn credits(states: &[Name], figures: &Figures, solver: &Solver) -> Vec<Credit> {
    let is_solved = figures.p_conversion.is_some();
    let touched = (figures.conversions - figures.untouched) as f64;
    let touched_value = units(figures.value - figures.untouched_value);
    let conversions = Shares::new(is_solved, touched, &solver.through, solver.x0);
    let value = Shares::new(is_solved, touched_value, &solver.through_value, solver.xw0);
    let credit = |(i, &state): (usize, &Name)| {
        let effects = [&conversions, &value].map(|shares| shares.effect(i));
        Credit {
            state,
            removal_effect: effects[0].map(Float::from),
            removal_effect_value: effects[1].map(Float::from),
            attributed_conversions: conversions.share(effects[0]).map(Float::from),
            attributed_value: value.share(effects[1]).map(Float::from),
        }
    };
    states.iter().enumerate().map(credit).collect()
}

/// A total in proportion to the removal effects.
struct Shares<'a> {
    is_solved: bool,
    total: f64,
    through: &'a [f64],
    /// Of which `through` is a part.
    all: f64,
    sum: f64,
}

impl Shares<'_> {
    fn new(is_solved: bool, total: f64, through: &[f64], all: f64) -> Shares<'_> {
        let mut shares = Shares {
            is_solved,
            total,
            through,
            all,
            sum: 0.0,
        };
        if is_solved {
            let effects = (0..through.len()).filter_map(|i| shares.effect(i));
            shares.sum = effects.fold(0.0, |sum, effect| sum + effect);
        }
        shares
    }

    fn effect(&self, i: usize) -> Option<f64> {
        (self.is_solved && self.all != 0.0).then(|| self.through[i] / self.all)
    }

    fn share(&self, effect: Option<f64>) -> Option<f64> {
        if !self.is_solved {
            return None;
        }
        if self.total == 0.0 {
            return Some(0.0);
        }
        let effect = effect.filter(|_| self.sum != 0.0)?;
        Some(self.total * effect / self.sum)
    }
}
