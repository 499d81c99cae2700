//! Scalar products, which are what a search by meaning spends its time on.
//!
//! Written so that the compiler makes vector instructions of them: of the processor's widest where
//! it has AVX2, of those that every 64-bit processor has elsewhere.

use crate::embed::STATE_DIMENSION;

/// Compiles a function twice, once for AVX2, and calls that where the processor has it. What the body
/// calls must always be inlined to profit.
macro_rules! wide {
    ($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) $(-> $out:ty)? $body:block) => {
        $(#[$doc])*
        pub(crate) fn $name($($argument: $type),*) $(-> $out)? {
            #[inline(always)]
            fn plain($($argument: $type),*) $(-> $out)? $body

            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "instructions beyond the baseline, after asking for them")]
            {
                #[target_feature(enable = "avx2")]
                fn with_avx2($($argument: $type),*) $(-> $out)? {
                    plain($($argument),*)
                }
                if is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor has just said that it knows these instructions.
                    return unsafe { with_avx2($($argument),*) };
                }
            }
            plain($($argument),*)
        }
    };
}

wide! {
    /// Of two vectors of codes of the same length.
    fn product_of_codes(left: &[i8], right: &[i8]) -> i32 {
        sum_of_products(left, right)
    }
}

wide! {
    /// The same for one that was [`widened`], because it is compared with many.
    fn product_with_codes(left: &[i16], right: &[i8]) -> i32 {
        sum_of_products(left, right)
    }
}

wide! {
    /// Raises each number of `best` to the largest product of its vector of codes, of those in
    /// `asked`, with any of `codes`; each product is multiplied by the two vectors' factors.
    fn raise_to_best_products(
        asked: &[[i16; STATE_DIMENSION]],
        asked_factors: &[f32],
        codes: &[[i8; STATE_DIMENSION]],
        factors: &[f32],
        best: &mut [f32]
    ) {
        for (codes, factor) in codes.iter().zip(factors) {
            let codes = codes.map(i16::from);
            let asked = asked.iter().zip(asked_factors);
            for ((asked, asked_factor), best) in asked.zip(best.iter_mut()) {
                let product = sum_of_products(asked, &codes) as f32 * factor * asked_factor;
                *best = best.max(product);
            }
        }
    }
}

wide! {
    /// Of two vectors of the same length. Eight sums beside each other, so that the compiler can use
    /// wide registers.
    fn product(left: &[f32], right: &[f32]) -> f32 {
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
}

pub(crate) fn widened(codes: &[i8]) -> Vec<i16> {
    codes.iter().map(|code| i16::from(*code)).collect()
}

/// Exact, and far from overflow up to 100,000 numbers from -128 to 127.
#[inline(always)]
fn sum_of_products<L: Copy + Into<i32>, R: Copy + Into<i32>>(left: &[L], right: &[R]) -> i32 {
    let mut sum = 0;
    for (left, right) in left.iter().zip(right) {
        sum += (*left).into() * (*right).into();
    }
    sum
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
            let found = product_of_codes(&left, &right[..left.len()]);
            prop_assert_eq!(i64::from(found), plain);
            prop_assert_eq!(product_with_codes(&widened(&left), &right[..left.len()]), found);
        }
    }
}
