//! Asks the processor to fetch memory ahead of use; the one place with unsafe code.

/// Of a line of the cache, as most processors have them.
pub(crate) const LINE_BYTES: usize = 64;

/// Fetches the cache line of `value`. Does nothing on processors without the instruction.
#[inline]
#[allow(unsafe_code)]
pub(crate) fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch of a valid reference reads nothing and has no effect but on the cache.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
