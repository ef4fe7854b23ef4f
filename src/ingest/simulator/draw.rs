//! Cheap draws: everything the generator does at random goes through these few tables.

use rand_pcg::rand_core::Rng;

/// Its numbers are specified, so a seed means the same bytes in every version. (Between platforms the logarithms and
/// powers of the tables could still differ in their last bit.)
pub(super) type Random = rand_pcg::Pcg64Mcg;

/// Even in 0..n.
pub(super) fn below(random: &mut Random, n: u64) -> u64 {
    scale(random.next_u64(), n)
}

/// Even in 0..1.
pub(super) fn unit(random: &mut Random) -> f64 {
    to_unit(random.next_u64())
}

/// 64 random bits as a number in 0..1.
pub(super) fn to_unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

fn scale(bits: u64, n: u64) -> u64 {
    ((bits as u128 * n as u128) >> 64) as u64
}

/// A coin with a fixed probability: one draw, one comparison.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(probability: f64) -> Chance {
        // The cast saturates: 1.0 becomes u64::MAX.
        Chance((probability * 2f64.powi(64)) as u64)
    }

    pub(super) fn hit(self, random: &mut Random) -> bool {
        random.next_u64() < self.0
    }
}

/// Walker's alias table: an index with given weights for one draw and one look-up.
#[derive(Clone, Debug)]
pub(super) struct Alias {
    cells: Vec<(u32, u32)>,
}

impl Alias {
    /// Weights need not sum to 1, but one must be positive.
    pub(super) fn new(weights: &[f64]) -> Alias {
        let scale = weights.len() as f64 / weights.iter().sum::<f64>();
        let mut heights: Vec<f64> = weights.iter().map(|weight| weight * scale).collect();
        let mut cells: Vec<(u32, u32)> = (0..weights.len()).map(|i| (u32::MAX, i as u32)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..weights.len()).partition(|&i| heights[i] < 1.0);
        while let (Some(&high), Some(low)) = (large.last(), small.pop()) {
            cells[low] = ((heights[low] * 2f64.powi(32)) as u32, high as u32);
            heights[high] -= 1.0 - heights[low];
            if heights[high] < 1.0 {
                small.extend(large.pop());
            }
        }
        Alias { cells }
    }

    pub(super) fn draw(&self, random: &mut Random) -> usize {
        self.pick(random.next_u64())
    }

    /// The index that these bits stand for.
    pub(super) fn pick(&self, bits: u64) -> usize {
        let cell = (((bits >> 32) * self.cells.len() as u64) >> 32) as usize;
        let (height, other) = self.cells[cell];
        if (bits as u32) < height {
            cell
        } else {
            other as usize
        }
    }
}

/// Weights of Zipf's law for `count` ranks, summing to 1.
pub(super) fn zipf_weights(count: usize, exponent: f64) -> Vec<f64> {
    let weights: Vec<f64> = (1..=count).map(|k| (k as f64).powf(-exponent)).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// Ranks 0..count by Zipf's law without a table of the ranks: the inverse of the continuous law, rounded down. It differs
/// from the discrete law by a few per cent at the first ranks only.
#[derive(Clone, Copy, Debug)]
pub(super) struct Zipf {
    count: f64,
    /// 1 - exponent.
    power: f64,
    /// (count + 1)^power - 1.
    span: f64,
}

impl Zipf {
    pub(super) fn new(count: u32, exponent: f64) -> Zipf {
        // The law's integral has another form at exponent 1; next to it the difference is nil.
        let power = if (1.0 - exponent).abs() < 1e-6 {
            1e-6
        } else {
            1.0 - exponent
        };
        Zipf {
            count: count as f64,
            power,
            span: (count as f64 + 1.0).powf(power) - 1.0,
        }
    }

    pub(super) fn draw(&self, random: &mut Random) -> u32 {
        let place = (1.0 + unit(random) * self.span).powf(1.0 / self.power) - 1.0;
        place.min(self.count - 1.0) as u32
    }
}

/// Pauses in ms: exponential, cut at both ends, from a table of quantiles because a logarithm per event is too dear.
#[derive(Clone, Debug)]
pub(super) struct Gaps {
    quantiles_ms: Vec<u32>,
}

impl Gaps {
    const CELLS: usize = 4096;

    pub(super) fn new(mean_s: f64, max_s: f64) -> Gaps {
        let quantile = |i: usize| {
            let p = (i as f64 + 0.5) / Gaps::CELLS as f64;
            ((-mean_s * (1.0 - p).ln()).min(max_s) * 1000.0) as u32
        };
        Gaps {
            quantiles_ms: (0..Gaps::CELLS).map(quantile).collect(),
        }
    }

    pub(super) fn draw(&self, random: &mut Random) -> i64 {
        self.quantiles_ms[scale(random.next_u64(), Gaps::CELLS as u64) as usize] as i64
    }
}
