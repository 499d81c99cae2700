//! What a call is expected to cost at an endpoint, for comparing endpoints.

use backstay_core::{Money, Price, Usage};

use super::needs::Needs;
use crate::{Endpoint, affinity::Warm};

/// `None` when the price is unknown. `warm_tokens` of the prompt are expected in the cache.
pub(super) fn expected(endpoint: &Endpoint, needs: &Needs<'_>, warm_tokens: u64) -> Option<Money> {
    let price = endpoint.price()?;
    price.cost(&Usage {
        prompt_tokens: needs.prompt_tokens(),
        cached_prompt_tokens: warm_tokens.min(needs.prompt_tokens()),
        completion_tokens: needs.typical_output_tokens(),
        prompt_images: needs.prompt_images(),
        ..Usage::default()
    })
}

/// What is lost by leaving a warm cache: the difference between reading the prompt anew and from it.
pub(super) fn of_leaving(price: &Price, warm: &Warm) -> Option<Money> {
    let cached = price.cached_prompt?;
    let saved = price.prompt.picodollars().checked_sub(cached.picodollars())?;
    Money::from_picodollars(saved.max(0)).times(warm.prompt_tokens)
}
