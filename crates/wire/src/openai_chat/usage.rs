//! Token counts, as providers report them and as clients read them.

use backstay_core::{Money, Usage};
use serde::Serialize;
use serde_json::Value;

/// `None` when the value reports nothing.
pub(super) fn read(value: &Value) -> Option<Usage> {
    let count = |pointer: &str| value.pointer(pointer).and_then(Value::as_u64);
    let prompt_tokens = count("/prompt_tokens");
    let completion_tokens = count("/completion_tokens");
    if prompt_tokens.is_none() && completion_tokens.is_none() {
        return None;
    }
    let (prompt_tokens, completion_tokens) =
        (prompt_tokens.unwrap_or(0), completion_tokens.unwrap_or(0));
    let reasoning_tokens = count("/completion_tokens_details/reasoning_tokens").unwrap_or(0);
    // xAI counts reasoning beside the completion instead of within it; its total tells.
    let is_beside = reasoning_tokens > 0
        && count("/total_tokens") == Some(prompt_tokens + completion_tokens + reasoning_tokens);
    Some(Usage {
        prompt_tokens,
        completion_tokens: if is_beside {
            completion_tokens + reasoning_tokens
        } else {
            completion_tokens
        },
        // The second name is DeepSeek's.
        cached_prompt_tokens: count("/prompt_tokens_details/cached_tokens")
            .or_else(|| count("/prompt_cache_hit_tokens"))
            .unwrap_or(0),
        cache_write_tokens: count("/prompt_tokens_details/cache_write_tokens").unwrap_or(0),
        reasoning_tokens,
        audio_prompt_tokens: count("/prompt_tokens_details/audio_tokens").unwrap_or(0),
        audio_completion_tokens: count("/completion_tokens_details/audio_tokens").unwrap_or(0),
        image_completion_tokens: count("/completion_tokens_details/image_tokens").unwrap_or(0),
        // The second name is OpenRouter's older one.
        web_searches: count("/server_tool_use_details/web_search_requests")
            .or_else(|| count("/server_tool_use/web_search_requests"))
            .unwrap_or(0),
        estimated: false,
        provider_cost: value.get("cost").and_then(dollars),
        ..Usage::default()
    })
}

/// OpenRouter computes its charge in floating point, so that it may carry digits beyond a
/// picodollar, which say nothing.
fn dollars(cost: &Value) -> Option<Money> {
    let text = match cost {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    Money::parse_dollars(&text)
        .or_else(|| Money::parse_dollars(&format!("{:.12}", text.parse::<f64>().ok()?)))
}

#[derive(Serialize)]
pub(super) struct UsageBody {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

#[derive(Serialize)]
struct PromptDetails {
    cached_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cache_write_tokens: u64,
}

#[derive(Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

pub(super) fn write(usage: &Usage) -> UsageBody {
    UsageBody {
        prompt_tokens: usage.prompt_tokens,
        completion_tokens: usage.completion_tokens,
        total_tokens: usage.total_tokens(),
        prompt_tokens_details: PromptDetails {
            cached_tokens: usage.cached_prompt_tokens,
            cache_write_tokens: usage.cache_write_tokens,
        },
        completion_tokens_details: CompletionDetails { reasoning_tokens: usage.reasoning_tokens },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_charge_is_read_exactly_and_noise_beyond_a_picodollar_is_rounded() {
        let cost = |cost: Value| {
            let usage = read(&json!({"prompt_tokens": 1, "cost": cost})).unwrap();
            usage.provider_cost.map(|money| money.to_string())
        };
        assert_eq!(cost(json!(0.00014)).as_deref(), Some("0.00014"));
        assert_eq!(cost(json!(1.4e-5)).as_deref(), Some("0.000014"));
        assert_eq!(cost(json!(0.1 + 0.2)).as_deref(), Some("0.3"));
        assert_eq!(cost(json!(0)).as_deref(), Some("0"));
        assert_eq!(cost(Value::Null), None);
    }

    #[test]
    fn sound_pictures_and_searches_are_counted() {
        let usage = read(&json!({"prompt_tokens": 10, "completion_tokens": 9,
            "prompt_tokens_details": {"audio_tokens": 4},
            "completion_tokens_details": {"audio_tokens": 2, "image_tokens": 3},
            "server_tool_use_details": {"web_search_requests": 1}}))
        .unwrap();
        let counts = (usage.audio_prompt_tokens, usage.audio_completion_tokens);
        assert_eq!((counts, usage.image_completion_tokens, usage.web_searches), ((4, 2), 3, 1));
    }

    #[test]
    fn reasoning_beside_the_completion_is_counted_into_it_once() {
        let beside = json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 22,
            "completion_tokens_details": {"reasoning_tokens": 7}});
        assert_eq!(read(&beside).unwrap().completion_tokens, 12);
        let within = json!({"prompt_tokens": 10, "completion_tokens": 12, "total_tokens": 22,
            "completion_tokens_details": {"reasoning_tokens": 7}});
        assert_eq!(read(&within).unwrap().completion_tokens, 12);
    }
}
