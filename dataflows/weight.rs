//! The diff of a transition: how much its count and its value change, in each window.

use differential_dataflow::difference::{Abelian, IsZero, Monoid, Semigroup};
use serde::{Deserialize, Serialize};

use crate::transitions::Window;

/// A count, and the value of the conversions among what is counted in micro-units; an Abelian group.
///
/// Values are 128 bits wide so that no number of valid events can overflow them.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Weight {
    pub count: i64,
    pub value: i128,
}

/// A [`Weight`] for each of [`Window::ALL`], in that order.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Weights(pub [Weight; 3]);

impl Weights {
    pub fn window(&self, window: Window) -> Weight {
        self.0[window as usize]
    }

    /// What was added to `earlier` to make these.
    pub(crate) fn since(&self, earlier: &Weights) -> Weights {
        let mut weights = *earlier;
        weights.negate();
        weights.plus_equals(self);
        weights
    }
}

impl IsZero for Weights {
    fn is_zero(&self) -> bool {
        *self == Weights::default()
    }
}

impl Semigroup for Weights {
    #[inline]
    fn plus_equals(&mut self, other: &Weights) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            mine.count += theirs.count;
            mine.value += theirs.value;
        }
    }
}

impl Monoid for Weights {
    fn zero() -> Weights {
        Weights::default()
    }
}

impl Abelian for Weights {
    fn negate(&mut self) {
        self.0 = self.0.map(|w| Weight {
            count: -w.count,
            value: -w.value,
        });
    }
}
