//! The counts of one minute: open in pages of cells, later packed into a few bytes a cell.
//!
//! What must hold: adding and reading give the same whether the bucket is packed or not.

use crate::fold::FoldMap;
use crate::prefetch::prefetch;

use super::cells::CellId;

const PAGE_CELLS: usize = 64;

type Page = Option<Box<[i32; PAGE_CELLS]>>;

/// How the counts and values of a minute's journeys add up, by cell.
#[derive(Default)]
pub(super) struct Bucket {
    /// Only those touched.
    pages: Vec<Page>,
    values: FoldMap<CellId, i128>,
    /// Instead of these, a packed bucket has numbers by twos, in the order of cells: how far the cell is from the one before
    /// and in the lowest bit whether a value follows, then the count or the value.
    packed: Box<[u8]>,
}

impl Bucket {
    fn add(&mut self, cell: CellId, count: i32, value: i128) {
        if count != 0 {
            self.add_count(cell, count);
        }
        if value != 0 {
            self.add_value(cell, value);
        }
    }

    /// Fetches where the page of a cell is noted, ahead of its [fetch](Bucket::fetch).
    #[inline]
    pub(super) fn fetch_page(&self, cell: CellId) {
        if let Some(page) = self.pages.get(cell as usize / PAGE_CELLS) {
            prefetch(page);
        }
    }

    /// Fetches the count of a cell ahead of use.
    #[inline]
    pub(super) fn fetch(&self, cell: CellId) {
        if let Some(Some(counts)) = self.pages.get(cell as usize / PAGE_CELLS) {
            prefetch(&counts[cell as usize % PAGE_CELLS]);
        }
    }

    #[inline]
    pub(super) fn add_count(&mut self, cell: CellId, count: i32) {
        let (page, at) = (cell as usize / PAGE_CELLS, cell as usize % PAGE_CELLS);
        match self.pages.get_mut(page) {
            Some(Some(counts)) => counts[at] += count,
            _ => self.open(page)[at] += count,
        }
    }

    pub(super) fn add_value(&mut self, cell: CellId, value: i128) {
        self.unpack();
        *self.values.entry(cell).or_default() += value;
    }

    /// A page that nothing was added to yet, or of a bucket that was packed: it has none.
    #[cold]
    fn open(&mut self, page: usize) -> &mut [i32; PAGE_CELLS] {
        self.unpack();
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        self.pages[page].get_or_insert_with(|| Box::new([0; PAGE_CELLS]))
    }

    /// Calls `read` with cells, counts and values that add up to what was added; of the two one is 0.
    pub(super) fn each(&self, mut read: impl FnMut(CellId, i32, i128)) {
        let (mut packed, mut cell) = (&self.packed[..], 0);
        while !packed.is_empty() {
            let step = read_number(&mut packed);
            cell += (step >> 1) as CellId;
            match (step & 1, read_number(&mut packed)) {
                (0, count) => read(cell, count as i32, 0),
                (_, value) => read(cell, 0, value),
            }
        }
        for (page, counts) in self.pages.iter().enumerate() {
            for (at, &count) in counts.iter().flat_map(|counts| counts.iter()).enumerate() {
                if count != 0 {
                    read((page * PAGE_CELLS + at) as CellId, count, 0);
                }
            }
        }
        for (&cell, &value) in self.values.iter().filter(|&(_, &value)| value != 0) {
            read(cell, 0, value);
        }
    }

    /// For a bucket to which little will be added any more.
    pub(super) fn pack(&mut self) {
        let mut numbers = Vec::new();
        self.each(|cell, count, value| numbers.push((cell, count, value)));
        numbers.sort_by_key(|&(cell, ..)| cell);
        let (mut packed, mut before) = (Vec::new(), 0);
        for (cell, count, value) in numbers {
            let is_value = value != 0;
            let step = i128::from(cell - before) << 1 | i128::from(is_value);
            write_number(&mut packed, step);
            write_number(&mut packed, if is_value { value } else { count.into() });
            before = cell;
        }
        *self = Bucket {
            packed: packed.into(),
            ..Bucket::default()
        };
    }

    fn unpack(&mut self) {
        if self.packed.is_empty() {
            return;
        }
        let packed = std::mem::take(self);
        packed.each(|cell, count, value| self.add(cell, count, value));
    }
}

/// Seven bits a byte, the lowest first, the sign in the very lowest.
fn write_number(bytes: &mut Vec<u8>, number: i128) {
    let mut rest = (number << 1 ^ number >> 127) as u128;
    while rest >= 128 {
        bytes.push(rest as u8 | 128);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

fn read_number(bytes: &mut &[u8]) -> i128 {
    let mut number = 0u128;
    for shift in (0..).step_by(7) {
        let (&byte, rest) = bytes.split_first().expect("a number ends");
        *bytes = rest;
        number |= u128::from(byte & 127) << shift;
        if byte < 128 {
            break;
        }
    }
    (number >> 1) as i128 ^ -((number & 1) as i128)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn numbers_survive_the_packing() {
        let wide = i128::from(i64::MAX) * 1_000;
        for number in [0, 1, -1, 63, 64, -64, -65, 8_191, wide, -wide] {
            let mut bytes = vec![];
            write_number(&mut bytes, number);
            write_number(&mut bytes, 7);
            let mut rest = &bytes[..];
            assert_eq!((read_number(&mut rest), rest), (number, &[14u8][..]));
        }
    }

    #[test]
    fn a_bucket_packed_in_between_tells_the_same() {
        let mut bucket = Bucket::default();
        let mut sums: BTreeMap<CellId, (i64, i128)> = BTreeMap::new();
        let mut random = 1u64;
        for step in 0..20_000u32 {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1);
            let cell = (random >> 40) as CellId % 700;
            let count = (random >> 20) as i32 % 1_000;
            let value = if step % 7 == 0 {
                i128::from(random) << 20
            } else {
                0
            };
            let value = if step % 2 == 0 { value } else { -value };
            bucket.add(cell, count, value);
            let sum = sums.entry(cell).or_default();
            *sum = (sum.0 + i64::from(count), sum.1 + value);
            if step % 999 == 0 {
                bucket.pack();
            }
        }
        let mut told: BTreeMap<CellId, (i64, i128)> = BTreeMap::new();
        bucket.each(|cell, count, value| {
            let sum = told.entry(cell).or_default();
            *sum = (sum.0 + i64::from(count), sum.1 + value);
        });
        assert_eq!(told, sums);
    }
}
