//! Scalar products, which are what a search by meaning spends its time on.
//!
//! Written so that the compiler makes vector instructions of them: of the processor's widest where
//! it has AVX2, of those that every 64-bit processor has elsewhere.

/// Runs the work compiled for AVX2 where the processor has it. What it calls must be inlined to
/// profit.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "instructions beyond the baseline are called after asking for them")]
pub(crate) fn wide<R>(work: impl FnOnce() -> R) -> R {
    #[target_feature(enable = "avx2")]
    fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
        work()
    }
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has just said that it knows these instructions.
        unsafe { with_avx2(work) }
    } else {
        work()
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn wide<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// Of two vectors of bytes of the same length; exact, and far from overflow up to 100,000 numbers.
#[inline(always)]
pub(crate) fn product_of_codes(left: &[i8], right: &[i8]) -> i32 {
    let mut sum = 0;
    for (left, right) in left.iter().zip(right) {
        sum += i32::from(i16::from(*left) * i16::from(*right));
    }
    sum
}

/// Eight sums beside each other, so that the compiler can use wide registers.
#[inline]
pub(crate) fn product(left: &[f32], right: &[f32]) -> f32 {
    const LANES: usize = 8;
    let (left_chunks, left_rest) = left.as_chunks::<LANES>();
    let (right_chunks, right_rest) = right.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for (left, right) in left_chunks.iter().zip(right_chunks) {
        for lane in 0..LANES {
            sums[lane] += left[lane] * right[lane];
        }
    }
    let rest: f32 = left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn wide_instructions_count_as_plain_ones_do(
            left in prop::collection::vec(any::<i8>(), 0..500),
            right in prop::collection::vec(any::<i8>(), 500),
        ) {
            let plain: i64 =
                left.iter().zip(&right).map(|(l, r)| i64::from(*l) * i64::from(*r)).sum();
            let found = wide(|| product_of_codes(&left, &right[..left.len()]));
            prop_assert_eq!(i64::from(found), plain);
        }
    }
}
