//! Looks at several bytes at once, as words: the end of a string, and digits.

/// Bytes that are looked at together.
pub(super) const LANES: usize = 16;
/// A one in each byte of a word.
const ONES: u64 = u64::from_le_bytes([1; 8]);

/// The place of the first special byte, however far it is.
#[inline(never)]
pub(super) fn far_special(text: &[u8]) -> usize {
    let mut rest = text;
    while let Some((chunk, behind)) = rest.split_first_chunk()
        && first_special(chunk) == LANES
    {
        rest = behind;
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    text.len() - rest.len() + rest.iter().position(special).unwrap_or(rest.len())
}

/// The place of the first quote, backslash or control character; [`LANES`] if there is none.
#[inline(always)]
pub(super) fn first_special(chunk: &[u8; LANES]) -> usize {
    // Words, not vectors: a mask is out of a vector only by way of memory, and the next key waits for it.
    let bytes = u128::from_le_bytes(*chunk);
    let low = special_marks(bytes as u64);
    if low != 0 {
        return low.trailing_zeros() as usize / 8;
    }
    8 + special_marks((bytes >> 64) as u64).trailing_zeros() as usize / 8
}

/// The high bit of the first special byte; bits above it mean nothing.
#[inline(always)]
fn special_marks(bytes: u64) -> u64 {
    let zeros = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    let quotes = zeros(bytes ^ (ONES * b'"' as u64));
    let backslashes = zeros(bytes ^ (ONES * b'\\' as u64));
    let controls = bytes.wrapping_sub(ONES * 0x20) & !bytes;
    // A borrow only reaches bytes above one that is rightly marked, so the lowest mark is right.
    (quotes | backslashes | controls) & (ONES << 7)
}

/// The number that eight digits make, if all are.
#[inline(always)]
pub(super) fn eight_digits(bytes: u64) -> Option<u64> {
    let digits = bytes ^ (ONES * b'0' as u64);
    // The high bit of a byte above 9; a carry can only come from such a byte.
    if (digits.wrapping_add(ONES * 0x76) | digits) & (ONES << 7) != 0 {
        return None;
    }
    // The first digit is the lowest byte. Neighbours are added up, three times.
    let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours * 10_000 + (fours >> 32)) & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_special_byte_is_found(text in prop::collection::vec(any::<u8>(), 0..60), clean in 0..60usize) {
            let clean = clean.min(text.len());
            let mut text = text;
            text[..clean].fill(b'x');
            let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
            let first = text.iter().position(special);
            prop_assert_eq!(far_special(&text), first.unwrap_or(text.len()));
            if let Some(chunk) = text.first_chunk() {
                prop_assert_eq!(first_special(chunk), first.unwrap_or(LANES).min(LANES));
            }
        }

        #[test]
        fn eight_digits_are_read(bytes: [u8; 8], digits in "[0-9]{8}", at in 0..8usize, byte: u8) {
            let mut mutated: [u8; 8] = digits.as_bytes().try_into().unwrap();
            mutated[at] = byte;
            for bytes in [bytes, mutated] {
                let text = std::str::from_utf8(&bytes).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
                prop_assert_eq!(eight_digits(u64::from_le_bytes(bytes)), text.map(|text| text.parse().unwrap()));
            }
        }
    }
}
