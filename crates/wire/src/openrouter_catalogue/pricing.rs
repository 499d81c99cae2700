//! OpenRouter's `pricing` object: decimal text, in dollars per token, request, image or search.

use backstay_core::{Money, Price, PriceTier, TimeOfDay};
use serde::Deserialize as _;
use serde_json::Value;

/// `None` when the prompt's or the completion's price cannot be told: `"-1"` marks a price that
/// depends on where a router sends the call.
pub(super) fn price(pricing: &Value) -> Option<Price> {
    let of = |name: &str| dollars(pricing, name);
    Some(Price {
        prompt: of("prompt")?,
        completion: of("completion")?,
        cached_prompt: of("input_cache_read"),
        cache_write: of("input_cache_write"),
        cache_write_1h: of("input_cache_write_1h"),
        reasoning: of("internal_reasoning"),
        image: of("image").filter(|price| *price != Money::ZERO),
        image_output: of("image_output"),
        audio: of("audio"),
        audio_output: of("audio_output"),
        request: of("request").filter(|price| *price != Money::ZERO),
        web_search: of("web_search").filter(|price| *price != Money::ZERO),
        tiers: tiers(pricing)?,
    })
}

/// `None` when one has a condition that we do not know: the price would be wrong without it.
fn tiers(pricing: &Value) -> Option<Vec<PriceTier>> {
    const CONDITIONS: [&str; 3] = ["min_prompt_tokens", "utc_start", "utc_end"];
    const OTHER_CONDITION: &str = "utc_days";
    let overrides = pricing.get("overrides").and_then(Value::as_array);
    let tier = |entry: &Value| {
        let of = |name: &str| dollars(entry, name);
        let hour = |name: &str| entry.get(name).and_then(hour);
        let is_understood = CONDITIONS.iter().any(|name| entry.get(name).is_some())
            && entry.get(OTHER_CONDITION).is_none();
        is_understood.then(|| PriceTier {
            min_prompt_tokens: entry.get("min_prompt_tokens").and_then(whole),
            utc_start: hour("utc_start"),
            utc_end: hour("utc_end"),
            prompt: of("prompt"),
            completion: of("completion"),
            cached_prompt: of("input_cache_read"),
            cache_write: of("input_cache_write"),
            cache_write_1h: of("input_cache_write_1h"),
            reasoning: of("internal_reasoning"),
            image: of("image"),
            image_output: of("image_output"),
            audio: of("audio"),
            audio_output: of("audio_output"),
            request: of("request"),
            web_search: of("web_search"),
        })
    };
    overrides.into_iter().flatten().map(tier).collect()
}

/// `630`, `630.0` or `"0630"`.
fn hour(time: &Value) -> Option<TimeOfDay> {
    let number = whole(time).and_then(|number| u16::try_from(number).ok());
    number.map_or_else(|| TimeOfDay::deserialize(time).ok(), TimeOfDay::from_hhmm)
}

/// A number without a fraction, however it is written.
fn whole(number: &Value) -> Option<u64> {
    let text = number.as_number()?.to_string();
    text.strip_suffix(".0").unwrap_or(&text).parse().ok()
}

fn dollars(pricing: &Value, name: &str) -> Option<Money> {
    let text = match pricing.get(name)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Money::parse_dollars(&text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_class_is_read_exactly() {
        let price = price(&json!({
            "prompt": "0.0000000375", "completion": "0.00001", "input_cache_read": "0.0000000025",
            "input_cache_write": "0.00000125", "input_cache_write_1h": "0.000002",
            "internal_reasoning": "0.00002", "image": "0.001", "image_output": "0.00004",
            "audio": "0.000003", "audio_output": "0.00006", "request": "0", "web_search": "0.01",
            "discount": 0.25,
        }))
        .unwrap();
        assert_eq!(price.prompt.picodollars(), 37_500);
        assert_eq!(price.cached_prompt.map(Money::picodollars), Some(2_500));
        assert_eq!(price.cache_write_1h.map(Money::picodollars), Some(2_000_000));
        assert_eq!(price.web_search.map(|price| price.to_string()).as_deref(), Some("0.01"));
        assert_eq!(price.request, None);
    }

    #[test]
    fn a_dynamic_or_unreadable_price_is_unknown_and_a_zero_is_free() {
        assert_eq!(price(&json!({"prompt": "-1", "completion": "-1"})), None);
        assert_eq!(price(&json!({"prompt": "0.1"})), None);
        assert_eq!(price(&json!({"prompt": "0", "completion": "0"})), Some(Price::FREE));
    }

    #[test]
    fn overrides_become_tiers_and_one_that_cannot_be_understood_makes_the_price_unknown() {
        let with = |overrides: Value| {
            price(&json!({"prompt": "0.000001", "completion": "0.000002", "overrides": overrides}))
        };
        let tiers = with(json!([{"min_prompt_tokens": 200_000, "prompt": "0.000002"},
            {"utc_start": 100, "utc_end": 400.0, "completion": "0.000004"},
            {"utc_start": "0600", "utc_end": "1000", "completion": "0.000004"}]))
        .unwrap()
        .tiers;
        assert_eq!(tiers[0].min_prompt_tokens, Some(200_000));
        assert_eq!(tiers[0].completion, None);
        assert_eq!(tiers[1].utc_end.map(TimeOfDay::hhmm), Some(400));
        assert_eq!(tiers[2].utc_start.map(TimeOfDay::hhmm), Some(600));
        for unknown in [json!({"full_moon": true}), json!({"utc_days": [6], "utc_start": 0})] {
            assert_eq!(with(json!([unknown])), None);
        }
    }
}
