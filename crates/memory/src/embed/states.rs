//! States of a text's tokens, small enough to keep: what late interaction compares (Khattab and
//! Zaharia, "ColBERT", 2020).
//!
//! Of a passage only the tokens that carry content are kept. Their states are projected to the 64
//! directions in which states of all-MiniLM-L6-v2 differ most (principal components over the turns
//! of the development conversations), and each number is rounded to a byte. On those conversations
//! this loses nothing that can be measured against all 384 numbers, and a turn takes 1.2 KB.

use std::sync::LazyLock;

use super::EMBEDDING_DIMENSION;
use crate::index::dot;

/// Numbers of a state.
pub(crate) const STATE_DIMENSION: usize = 64;
const PIECE_BYTES: usize = 2;
const TOKEN_BYTES: usize = PIECE_BYTES + STATE_DIMENSION;

/// 64 rows of 384 little-endian 16-bit numbers, each a 32,767th. Written by `bench/memory/fit.py`.
static PROJECTION_BYTES: &[u8] = include_bytes!("projection.bin");
static PROJECTION: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let (numbers, _) = PROJECTION_BYTES.as_chunks::<2>();
    let number = |bytes: &[u8; 2]| f32::from(i16::from_le_bytes(*bytes)) / f32::from(i16::MAX);
    numbers.iter().map(number).collect()
});

/// The tokens of one passage or question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenStates {
    /// The vocabulary's number of each token.
    pub(crate) pieces: Vec<u16>,
    /// [`STATE_DIMENSION`] for each token; the longest number of a token is 127.
    pub(crate) codes: Vec<i8>,
}

impl TokenStates {
    /// Adds a token by its full state, of [`EMBEDDING_DIMENSION`] numbers.
    pub(super) fn push(&mut self, piece: u16, state: &[f32]) {
        let rows = PROJECTION.chunks_exact(EMBEDDING_DIMENSION);
        let projected: Vec<f32> = rows.map(|row| dot::product(row, state)).collect();
        let longest = projected.iter().fold(0.0_f32, |longest, number| longest.max(number.abs()));
        let scale = if longest > 0.0 { 127.0 / longest } else { 0.0 };
        self.pieces.push(piece);
        self.codes.extend(projected.iter().map(|number| (number * scale).round() as i8));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// As the store keeps it: each token's number, low byte first, and its codes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let tokens = self.pieces.iter().zip(self.codes.chunks_exact(STATE_DIMENSION));
        let mut bytes = Vec::with_capacity(self.pieces.len() * TOKEN_BYTES);
        for (piece, codes) in tokens {
            bytes.extend(piece.to_le_bytes());
            bytes.extend(codes.iter().map(|code| code.cast_unsigned()));
        }
        bytes
    }

    /// What does not fill a token is left out.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut states = Self::default();
        let (tokens, _) = bytes.as_chunks::<TOKEN_BYTES>();
        for token in tokens {
            let (piece, codes) = token.split_at(PIECE_BYTES);
            states.pieces.push(u16::from_le_bytes([piece[0], piece[1]]));
            states.codes.extend(codes.iter().map(|code| code.cast_signed()));
        }
        states
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_come_back_from_their_bytes() {
        let mut states = TokenStates::default();
        let state: Vec<f32> =
            (0..EMBEDDING_DIMENSION).map(|number| (number as f32).sin()).collect();
        states.push(40_000, &state);
        states.push(7, &vec![0.0; EMBEDDING_DIMENSION]);
        assert_eq!(TokenStates::from_bytes(&states.to_bytes()), states);
        assert!(states.codes[..STATE_DIMENSION].iter().any(|code| code.unsigned_abs() == 127));
        assert!(TokenStates::from_bytes(&states.to_bytes()[..30]).is_empty());
    }

    #[test]
    fn the_projection_keeps_lengths_of_what_lies_in_it() {
        let first = &PROJECTION[..EMBEDDING_DIMENSION];
        assert!((dot::product(first, first) - 1.0).abs() < 1e-3);
        assert_eq!(PROJECTION.len(), STATE_DIMENSION * EMBEDDING_DIMENSION);
    }
}
