//! Tokens by class, as a provider reported them or as we estimated them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Money;

/// Token counts of one model call. `prompt_tokens` includes cached, cache-written and heard tokens,
/// `completion_tokens` includes reasoning, spoken and drawn ones (the OpenAI convention; wire formats
/// that count otherwise are converted).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub cached_prompt_tokens: u64,
    pub cache_write_tokens: u64,
    pub reasoning_tokens: u64,
    /// Of the cache-written tokens those that are kept for an hour.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_write_1h_tokens: u64,
    /// Of the prompt's tokens those of sound that was not read from the cache.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub audio_prompt_tokens: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub audio_completion_tokens: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub image_completion_tokens: u64,
    /// Searches by the provider's own tool, and the search units of a rerank.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub web_searches: u64,
    /// Images in the prompt, as the request had them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub prompt_images: u64,
    /// True when the provider reported nothing and the numbers are our own count.
    pub estimated: bool,
    /// What the provider says that it charged, where it says so (OpenRouter does).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_cost: Option<Money>,
}

impl Usage {
    pub fn total_tokens(&self) -> u64 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }

    /// Whether a call can have used so much: a provider that claims more counts wrongly, or lies.
    pub fn is_believable(&self) -> bool {
        self.total_tokens() <= BELIEVABLE_TOKENS_MAX
    }
}

/// Ten times the longest contexts that are sold.
const BELIEVABLE_TOKENS_MAX: u64 = 100_000_000;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
