//! Token counts, as providers report them and as clients read them.

use backstay_core::{Money, Usage};
use serde::Serialize;
use serde_json::Value;

use crate::dollars::dollars;

/// Where compatible servers count otherwise, or say elsewhere what OpenAI says in the details, is
/// noted with each name. `None` when the value reports nothing.
pub(super) fn read(value: &Value) -> Option<Usage> {
    let count = |pointer: &str| value.pointer(pointer).and_then(Value::as_u64);
    let prompt_tokens = count("/prompt_tokens");
    let completion_tokens = count("/completion_tokens");
    if prompt_tokens.is_none() && completion_tokens.is_none() {
        return None;
    }
    let (prompt_tokens, completion_tokens) =
        (prompt_tokens.unwrap_or(0), completion_tokens.unwrap_or(0));
    let within_details = count("/completion_tokens_details/reasoning_tokens");
    // Perplexity's place; there it is charged beside the completion.
    let beside_details = count("/reasoning_tokens").filter(|_| within_details.is_none());
    let reasoning_tokens = within_details.or(beside_details).unwrap_or(0);
    // xAI counts reasoning beside the completion instead of within it; its total tells.
    let is_beside = reasoning_tokens > 0
        && (count("/total_tokens") == Some(prompt_tokens + completion_tokens + reasoning_tokens)
            || beside_details.is_some() && count("/num_search_queries").is_some());
    Some(Usage {
        prompt_tokens,
        completion_tokens: if is_beside {
            completion_tokens + reasoning_tokens
        } else {
            completion_tokens
        },
        cached_prompt_tokens: CACHED.iter().find_map(|name| count(name)).unwrap_or(0),
        cache_write_tokens: count("/prompt_tokens_details/cache_write_tokens").unwrap_or(0),
        reasoning_tokens,
        audio_prompt_tokens: count("/prompt_tokens_details/audio_tokens").unwrap_or(0),
        audio_completion_tokens: count("/completion_tokens_details/audio_tokens").unwrap_or(0),
        image_completion_tokens: count("/completion_tokens_details/image_tokens").unwrap_or(0),
        web_searches: SEARCHES.iter().find_map(|name| count(name)).unwrap_or(0),
        estimated: false,
        provider_cost: provider_cost(value),
        ..Usage::default()
    })
}

/// OpenAI's name, DeepSeek's, and that of Together and Moonshot.
const CACHED: [&str; 3] =
    ["/prompt_tokens_details/cached_tokens", "/prompt_cache_hit_tokens", "/cached_tokens"];

/// Perplexity's name and OpenRouter's two.
const SEARCHES: [&str; 3] = [
    "/num_search_queries",
    "/server_tool_use_details/web_search_requests",
    "/server_tool_use/web_search_requests",
];

/// OpenRouter gives a number, Perplexity an object with parts and their sum, xAI an integer of ticks,
/// of which a dollar has 10^10 (<https://docs.x.ai/developers/cost-tracking>).
fn provider_cost(value: &Value) -> Option<Money> {
    const PICODOLLARS_PER_TICK: i64 = 100;
    if let Some(ticks) = value.get("cost_in_usd_ticks").and_then(Value::as_i64) {
        return ticks.checked_mul(PICODOLLARS_PER_TICK).map(Money::from_picodollars);
    }
    let cost = value.get("cost")?;
    dollars(cost.get("total_cost").unwrap_or(cost))
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

    #[test]
    fn xai_names_its_charge_in_ticks() {
        let usage = read(&json!({"prompt_tokens": 1, "completion_tokens": 2,
            "cost_in_usd_ticks": 37_756_000}));
        let cost = usage.unwrap().provider_cost.unwrap();
        assert_eq!(cost.to_string(), "0.0037756");
    }

    #[test]
    fn perplexity_charges_reasoning_and_searches_beside_the_completion() {
        let usage = read(&json!({"prompt_tokens": 33, "completion_tokens": 7_163,
            "total_tokens": 7_196, "citation_tokens": 19_861, "num_search_queries": 21,
            "reasoning_tokens": 73_997,
            "cost": {"input_tokens_cost": 0.000_066, "request_cost": 0.0, "total_cost": 0.409}}))
        .unwrap();
        assert_eq!((usage.reasoning_tokens, usage.completion_tokens), (73_997, 81_160));
        assert_eq!(usage.web_searches, 21);
        assert_eq!(usage.provider_cost.unwrap().to_string(), "0.409");
    }

    #[test]
    fn cached_tokens_are_found_under_each_of_their_names() {
        for report in [
            json!({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}}),
            json!({"prompt_tokens": 9, "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 5}),
            json!({"prompt_tokens": 9, "cached_tokens": 4}),
            json!({"prompt_tokens": 9, "prompt_tokens_details": null, "cached_tokens": 4}),
        ] {
            assert_eq!(read(&report).unwrap().cached_prompt_tokens, 4, "{report}");
        }
        let none = read(&json!({"prompt_tokens": 9})).unwrap();
        assert_eq!((none.cached_prompt_tokens, none.web_searches), (0, 0));
    }
}
