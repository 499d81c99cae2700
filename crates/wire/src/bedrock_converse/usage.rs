//! Token counts. Here the input excludes what was read from or written to the cache; the neutral
//! prompt count includes both.

use backstay_core::Usage;

use super::payload::UsagePayload;

/// `None` when the value reports nothing.
pub(super) fn read(report: &UsagePayload) -> Option<Usage> {
    let (input, output) = (report.input_tokens.0, report.output_tokens.0);
    input.or(output)?;
    let cache_read = report.cache_read_input_tokens.0.unwrap_or(0);
    let cache_write = report.cache_write_input_tokens.0.unwrap_or(0);
    let prompt_tokens = input.unwrap_or(0).saturating_add(cache_read).saturating_add(cache_write);
    Some(Usage {
        prompt_tokens,
        completion_tokens: output.unwrap_or(0),
        cached_prompt_tokens: cache_read,
        cache_write_tokens: cache_write,
        ..Usage::default()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cached_tokens_count_into_the_prompt() {
        let usage = |value| read(&serde_json::from_value(value).unwrap());
        let counted = usage(json!({"inputTokens": 10, "outputTokens": 7, "totalTokens": 137,
            "cacheReadInputTokens": 100, "cacheWriteInputTokens": 20}))
        .unwrap();
        assert_eq!((counted.prompt_tokens, counted.total_tokens()), (130, 137));
        assert_eq!((counted.cached_prompt_tokens, counted.cache_write_tokens), (100, 20));
        assert_eq!(usage(json!({})), None);
    }
}
