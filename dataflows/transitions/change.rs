//! What a worker tells the holder of a chain: once, which transition a number of its own stands for; from then on, how
//! the counts of that number change. An epoch changes most cells, so this is a fraction of naming them each time.

use serde::{Deserialize, Serialize};

use super::Transition;
use super::cells::CellId;

/// News of one cell.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Change {
    /// Where the chain is held, before the remainder is taken.
    pub(crate) route: u32,
    /// The worker whose number the cell is.
    pub(crate) source: u32,
    pub(crate) cell: CellId,
    pub(crate) news: News,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum News {
    /// Comes before all others of the cell.
    Is(Box<Transition>),
    /// By how much the count changes in each window.
    Count([i64; 3]),
    /// The same of the value, which may take several of these.
    Value([i64; 3]),
}

/// The change of a value in parts that fit.
pub(super) fn value_parts(mut values: [i128; 3]) -> impl Iterator<Item = News> {
    std::iter::from_fn(move || {
        if values == [0; 3] {
            return None;
        }
        let part = values.map(|value| value.clamp(i64::MIN.into(), i64::MAX.into()) as i64);
        for (value, part) in values.iter_mut().zip(part) {
            *value -= i128::from(part);
        }
        Some(News::Value(part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_value_add_up_to_it() {
        let most = i128::from(i64::MAX);
        for values in [
            [0; 3],
            [5, -7, 0],
            [3 * most + 11, -5 * most, 1],
            [most + 1, -most - 1, most],
        ] {
            let mut sum = [0; 3];
            for part in value_parts(values) {
                let News::Value(part) = part else {
                    panic!("{part:?}")
                };
                assert_ne!(part, [0; 3]);
                sum.iter_mut()
                    .zip(part)
                    .for_each(|(sum, part)| *sum += i128::from(part));
            }
            assert_eq!(sum, values);
        }
    }
}
