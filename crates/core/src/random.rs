//! The only place that reads entropy.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{Error, ErrorCode, Result};

/// Where randomness comes from: the operating system, or a seed that makes a test repeatable.
#[derive(Clone, Debug, Default)]
pub enum Random {
    #[default]
    System,
    Seeded(Arc<AtomicU64>),
}

impl Random {
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(AtomicU64::new(seed)))
    }

    /// Fills the buffer. Fails only when the operating system has no entropy to give.
    pub fn fill(&self, buffer: &mut [u8]) -> Result<()> {
        match self {
            Self::System => getrandom::fill(buffer).map_err(|cause| {
                Error::new(ErrorCode::Internal, "the operating system gave no random bytes")
                    .with_context(cause.to_string())
            }),
            Self::Seeded(state) => {
                for chunk in buffer.chunks_mut(8) {
                    let bytes = split_mix(state).to_le_bytes();
                    chunk.copy_from_slice(&bytes[..chunk.len()]);
                }
                Ok(())
            }
        }
    }

    /// A uniform fraction in `0.0..1.0`, for jitter.
    pub fn fraction(&self) -> f64 {
        let mut bytes = [0; 4];
        match self.fill(&mut bytes) {
            Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
            Err(_) => 0.5,
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn split_mix(state: &AtomicU64) -> u64 {
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut z = state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
