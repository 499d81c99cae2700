//! OpenRouter's `pricing` object: decimal text, in dollars per token, request, image or search.

use backstay_core::{Money, Price, PriceTier};
use serde_json::{Map, Value, json};

/// An unknown price is `-1`, as OpenRouter has it for prices that depend on the call: the object's
/// two required members cannot be left out, and a zero would say that it is free.
pub(super) fn shown(price: Option<&Price>) -> Value {
    let Some(price) = price else {
        return json!({"prompt": "-1", "completion": "-1"});
    };
    let mut shown = classes([
        ("prompt", Some(price.prompt)),
        ("completion", Some(price.completion)),
        ("request", price.request),
        ("image", price.image),
        ("image_output", price.image_output),
        ("audio", price.audio),
        ("audio_output", price.audio_output),
        ("web_search", price.web_search),
        ("internal_reasoning", price.reasoning),
        ("input_cache_read", price.cached_prompt),
        ("input_cache_write", price.cache_write),
        ("input_cache_write_1h", price.cache_write_1h),
    ]);
    if !price.tiers.is_empty() {
        shown.insert("overrides".to_owned(), price.tiers.iter().map(tier).collect());
    }
    Value::Object(shown)
}

/// The classes that OpenRouter's overrides have.
fn tier(tier: &PriceTier) -> Value {
    let mut shown = classes([
        ("prompt", tier.prompt),
        ("completion", tier.completion),
        ("audio", tier.audio),
        ("input_cache_read", tier.cached_prompt),
        ("input_cache_write", tier.cache_write),
        ("input_cache_write_1h", tier.cache_write_1h),
    ]);
    let conditions = [
        ("min_prompt_tokens", tier.min_prompt_tokens),
        ("utc_start", tier.utc_start.map(|time| u64::from(time.hhmm()))),
        ("utc_end", tier.utc_end.map(|time| u64::from(time.hhmm()))),
    ];
    for (name, number) in conditions {
        if let Some(number) = number {
            shown.insert(name.to_owned(), json!(number));
        }
    }
    Value::Object(shown)
}

fn classes<const N: usize>(classes: [(&str, Option<Money>); N]) -> Map<String, Value> {
    let known = classes.into_iter().filter_map(|(name, price)| Some((name, price?)));
    known.map(|(name, price)| (name.to_owned(), Value::from(price.to_string()))).collect()
}
