//! OpenRouter's `pricing` object: decimal text, in dollars per token, request, image or search.

use backstay_core::{Money, Price, PriceTier};
use serde::{Serialize, Serializer};

#[derive(Serialize)]
pub(super) struct Pricing {
    prompt: Amount,
    completion: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_output: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_output: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    web_search: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    internal_reasoning: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_cache_read: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_cache_write: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_cache_write_1h: Option<Money>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    overrides: Vec<Override>,
}

/// The conditions and classes that OpenRouter's overrides have.
#[derive(Serialize)]
struct Override {
    #[serde(skip_serializing_if = "Option::is_none")]
    min_prompt_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    utc_start: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    utc_end: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completion: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_cache_read: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_cache_write: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_cache_write_1h: Option<Money>,
}

/// An unknown price is `-1`, as OpenRouter has it for prices that depend on the call: the object's
/// two required members cannot be left out, and a zero would say that it is free.
struct Amount(Option<Money>);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(price) => price.serialize(serializer),
            None => serializer.serialize_str("-1"),
        }
    }
}

impl Pricing {
    pub(super) fn of(price: Option<&Price>) -> Self {
        let class = |class: fn(&Price) -> Option<Money>| price.and_then(class);
        Self {
            prompt: Amount(price.map(|price| price.prompt)),
            completion: Amount(price.map(|price| price.completion)),
            request: class(|price| price.request),
            image: class(|price| price.image),
            image_output: class(|price| price.image_output),
            audio: class(|price| price.audio),
            audio_output: class(|price| price.audio_output),
            web_search: class(|price| price.web_search),
            internal_reasoning: class(|price| price.reasoning),
            input_cache_read: class(|price| price.cached_prompt),
            input_cache_write: class(|price| price.cache_write),
            input_cache_write_1h: class(|price| price.cache_write_1h),
            overrides: price
                .map(|price| price.tiers.iter().map(Override::of).collect())
                .unwrap_or_default(),
        }
    }
}

impl Override {
    fn of(tier: &PriceTier) -> Self {
        Self {
            min_prompt_tokens: tier.min_prompt_tokens,
            utc_start: tier.utc_start.map(|time| time.hhmm()),
            utc_end: tier.utc_end.map(|time| time.hhmm()),
            prompt: tier.prompt,
            completion: tier.completion,
            audio: tier.audio,
            input_cache_read: tier.cached_prompt,
            input_cache_write: tier.cache_write,
            input_cache_write_1h: tier.cache_write_1h,
        }
    }
}
