//! Token counts. Here `input_tokens` excludes what was read from or written to the cache; the
//! neutral prompt count includes both.

use backstay_core::Usage;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::tolerant::Count;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct UsagePayload {
    input_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
    /// Of the tokens written to the cache, how long they are kept.
    cache_creation: Value,
    output_tokens: Count,
    server_tool_use: Value,
}

/// What a stream has reported so far. Its counts are cumulative: a later report replaces an earlier
/// one, as far as it says something.
#[derive(Debug, Default)]
pub(super) struct Counted {
    input: u64,
    cache_read: u64,
    cache_write: u64,
    cache_write_1h: u64,
    output: u64,
    web_searches: u64,
}

impl Counted {
    /// The usage so far, `None` when `report` counts nothing.
    pub(super) fn read(&mut self, report: &UsagePayload) -> Option<Usage> {
        let prompt = [
            (&mut self.input, report.input_tokens.0),
            (&mut self.cache_read, report.cache_read_input_tokens.0),
            (&mut self.cache_write, report.cache_creation_input_tokens.0),
        ];
        // Some servers close with a prompt of zero, which means that they did not count it again.
        let counts_prompt = prompt.iter().any(|(_, told)| told.is_some_and(|count| count > 0));
        for (known, told) in prompt.into_iter().filter(|_| counts_prompt) {
            *known = told.unwrap_or(*known);
        }
        let one_hour = report.cache_creation["ephemeral_1h_input_tokens"].as_u64();
        self.cache_write_1h = one_hour.unwrap_or(self.cache_write_1h);
        self.output = report.output_tokens.0.unwrap_or(self.output);
        let searches = report.server_tool_use["web_search_requests"].as_u64();
        self.web_searches = searches.unwrap_or(self.web_searches);
        (counts_prompt || report.output_tokens.0.is_some()).then(|| self.usage())
    }

    fn usage(&self) -> Usage {
        let cached = self.cache_read.saturating_add(self.cache_write);
        Usage {
            prompt_tokens: self.input.saturating_add(cached),
            completion_tokens: self.output,
            cached_prompt_tokens: self.cache_read,
            cache_write_tokens: self.cache_write,
            cache_write_1h_tokens: self.cache_write_1h.min(self.cache_write),
            web_searches: self.web_searches,
            ..Usage::default()
        }
    }
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct UsageBody {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
}

pub(super) fn write(usage: &Usage) -> UsageBody {
    let cached = usage.cached_prompt_tokens.saturating_add(usage.cache_write_tokens);
    UsageBody {
        input_tokens: usage.prompt_tokens.saturating_sub(cached),
        cache_creation_input_tokens: usage.cache_write_tokens,
        cache_read_input_tokens: usage.cached_prompt_tokens,
        output_tokens: usage.completion_tokens,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cached_tokens_are_counted_once_on_the_way_in_and_on_the_way_back() {
        let report = json!({"input_tokens": 10, "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 20, "output_tokens": 7});
        let usage = Counted::default().read(&serde_json::from_value(report.clone()).unwrap());
        let usage = usage.unwrap();
        assert_eq!((usage.prompt_tokens, usage.total_tokens()), (130, 137));
        assert_eq!((usage.cached_prompt_tokens, usage.cache_write_tokens), (100, 20));
        assert_eq!(json!(write(&usage)), report);
    }

    #[test]
    fn how_long_the_cache_is_kept_and_searches_are_counted_where_they_are_told() {
        let report = json!({"input_tokens": 10, "cache_creation_input_tokens": 20,
            "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 15},
            "output_tokens": 7, "server_tool_use": {"web_search_requests": 2}});
        let usage = Counted::default().read(&serde_json::from_value(report).unwrap()).unwrap();
        assert_eq!((usage.cache_write_tokens, usage.cache_write_1h_tokens), (20, 15));
        assert_eq!(usage.web_searches, 2);
        let untold = json!({"output_tokens": 7, "cache_creation": null, "server_tool_use": null});
        assert!(Counted::default().read(&serde_json::from_value(untold).unwrap()).is_some());
    }

    #[test]
    fn a_report_of_the_output_alone_keeps_what_was_said_of_the_input() {
        let mut counted = Counted::default();
        let report = |value| serde_json::from_value(value).unwrap();
        counted.read(&report(json!({"input_tokens": 10, "output_tokens": 1})));
        let usage = counted.read(&report(json!({"input_tokens": 0, "output_tokens": 9}))).unwrap();
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (10, 9));
        assert_eq!(counted.read(&report(json!({"service_tier": "standard"}))), None);
    }
}
