//! Pseudo-embeddings: each word is hashed to a direction, a text is the sum of its words.

/// Dimensions if the request names none.
pub(crate) const DEFAULT_DIMENSIONS: usize = 256;
/// Most dimensions.
pub(crate) const MAX_DIMENSIONS: usize = 4_096;
/// Most texts in one request, as at OpenAI.
pub(crate) const MAX_TEXTS: usize = 2_048;
/// Dimensions that one word touches.
const SPREAD: u64 = 8;

/// A vector of length 1 (all zero for a text without words). Texts that share words are near.
pub(crate) fn embed(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.0_f32; dimensions];
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        for part in 0..SPREAD {
            let hash = fnv1a(word.to_lowercase().bytes().chain([part as u8]));
            let at = usize::try_from(hash >> 1).unwrap_or(0) % dimensions.max(1);
            if let Some(value) = vector.get_mut(at) {
                *value += if hash & 1 == 0 { 1.0 } else { -1.0 };
            }
        }
    }
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
    vector
}

/// 64-bit FNV-1a (Fowler, Noll, Vo), folded so that the low bits depend on all of them.
pub(crate) fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash ^ (hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_share_words_are_nearer() {
        let dot = |left: &str, right: &str| -> f32 {
            embed(left, 256).iter().zip(embed(right, 256)).map(|(a, b)| a * b).sum()
        };
        let near = dot("Anna likes peanuts", "peanuts Anna");
        assert!(near > 0.6 && near > dot("Anna likes peanuts", "the invoice is paid") + 0.3);
        assert!((dot("same text", "same text") - 1.0).abs() < 1e-5);
    }
}
