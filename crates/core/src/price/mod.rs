//! What an endpoint asks for each class of use, and what a call comes to.

mod cost;
mod time_of_day;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Money, Timestamp};

pub use time_of_day::TimeOfDay;

/// Dollars per token of each class, per request, search and image. A class without a price of its own
/// costs what its parent class costs: cached, cache-written and heard tokens are prompt tokens, those
/// written for an hour are cache-written tokens; reasoning, spoken and drawn tokens are completion
/// tokens. A request, a search
/// and an image in the prompt without a price cost nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    pub prompt: Money,
    pub completion: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_prompt: Option<Money>,
    /// Tokens that are kept in the provider's cache for its usual time, five minutes at Anthropic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Money>,
    /// Tokens that are kept in the provider's cache for an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Money>,
    /// An image in the prompt, beside its tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Money>,
    /// A token of an image in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_output: Option<Money>,
    /// A token of sound in the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<Money>,
    /// A token of sound in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_output: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Money>,
    /// A search of the web by the provider's own tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_search: Option<Money>,
    /// Other prices for long prompts or hours of the day. Of those that hold, a later one wins for
    /// each class that it names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<PriceTier>,
}

/// Prices that hold under a condition, in place of those above.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PriceTier {
    /// Holds for prompts of more tokens than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_prompt_tokens: Option<u64>,
    /// Holds from this time of the day, in UTC: `0630`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utc_start: Option<TimeOfDay>,
    /// Holds until this time of the day, in UTC; at or before the start it is the next day's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utc_end: Option<TimeOfDay>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_prompt: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_output: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_output: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_search: Option<Money>,
}

impl Price {
    pub const FREE: Self = Self {
        prompt: Money::ZERO,
        completion: Money::ZERO,
        cached_prompt: None,
        cache_write: None,
        cache_write_1h: None,
        reasoning: None,
        image: None,
        image_output: None,
        audio: None,
        audio_output: None,
        request: None,
        web_search: None,
        tiers: Vec::new(),
    };

    /// Whether nothing ever costs anything.
    pub fn is_free(&self) -> bool {
        std::iter::once(&self.as_tier())
            .chain(&self.tiers)
            .all(|prices| prices.amounts().into_iter().flatten().all(|price| price == Money::ZERO))
    }

    /// The prices that hold without a condition.
    fn as_tier(&self) -> PriceTier {
        PriceTier {
            min_prompt_tokens: None,
            utc_start: None,
            utc_end: None,
            prompt: Some(self.prompt),
            completion: Some(self.completion),
            cached_prompt: self.cached_prompt,
            cache_write: self.cache_write,
            cache_write_1h: self.cache_write_1h,
            reasoning: self.reasoning,
            image: self.image,
            image_output: self.image_output,
            audio: self.audio,
            audio_output: self.audio_output,
            request: self.request,
            web_search: self.web_search,
        }
    }

    /// The price as it is at a moment: what depends on the hour is settled.
    #[must_use]
    pub fn in_force(&self, at: Timestamp) -> Cow<'_, Self> {
        if self.tiers.iter().all(|tier| !tier.depends_on_hour()) {
            return Cow::Borrowed(self);
        }
        let minute = TimeOfDay::of(at);
        let mut price = Self { tiers: Vec::new(), ..self.clone() };
        for tier in self.tiers.iter().filter(|tier| tier.holds_at(minute)) {
            if tier.min_prompt_tokens.is_none() {
                price = price.with(tier);
            } else {
                let tier = PriceTier { utc_start: None, utc_end: None, ..tier.clone() };
                price.tiers.push(tier);
            }
        }
        Cow::Owned(price)
    }

    fn for_prompt(&self, tokens: u64) -> Cow<'_, Self> {
        let holds = |tier: &&PriceTier| {
            !tier.depends_on_hour() && tier.min_prompt_tokens.is_none_or(|least| tokens > least)
        };
        let mut tiers = self.tiers.iter().filter(holds).peekable();
        if tiers.peek().is_none() {
            return Cow::Borrowed(self);
        }
        Cow::Owned(tiers.fold(self.clone(), |price, tier| price.with(tier)))
    }

    fn with(self, tier: &PriceTier) -> Self {
        Self {
            prompt: tier.prompt.unwrap_or(self.prompt),
            completion: tier.completion.unwrap_or(self.completion),
            cached_prompt: tier.cached_prompt.or(self.cached_prompt),
            cache_write: tier.cache_write.or(self.cache_write),
            cache_write_1h: tier.cache_write_1h.or(self.cache_write_1h),
            reasoning: tier.reasoning.or(self.reasoning),
            image: tier.image.or(self.image),
            image_output: tier.image_output.or(self.image_output),
            audio: tier.audio.or(self.audio),
            audio_output: tier.audio_output.or(self.audio_output),
            request: tier.request.or(self.request),
            web_search: tier.web_search.or(self.web_search),
            tiers: self.tiers,
        }
    }
}

impl PriceTier {
    fn amounts(&self) -> [Option<Money>; 12] {
        [
            self.prompt,
            self.completion,
            self.cached_prompt,
            self.cache_write,
            self.cache_write_1h,
            self.reasoning,
            self.image,
            self.image_output,
            self.audio,
            self.audio_output,
            self.request,
            self.web_search,
        ]
    }

    fn depends_on_hour(&self) -> bool {
        self.utc_start.is_some() || self.utc_end.is_some()
    }

    fn holds_at(&self, minute: TimeOfDay) -> bool {
        let start = self.utc_start.unwrap_or(TimeOfDay::MIDNIGHT);
        let end = self.utc_end.unwrap_or(TimeOfDay::MIDNIGHT);
        if start < end { (start..end).contains(&minute) } else { minute >= start || minute < end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_by_the_hour_is_settled_at_a_moment() {
        let json = r#"{"prompt": "0.0000001", "completion": "0.000001", "tiers": [
            {"utc_start": "2230", "utc_end": "0100", "prompt": "0.0000002"}]}"#;
        let price: Price = serde_json::from_str(json).unwrap();
        let prompt_at = |time: &str| {
            let at = Timestamp::parse(&format!("2026-03-01T{time}:00Z")).unwrap();
            price.in_force(at).prompt.to_string()
        };
        assert_eq!(prompt_at("22:29"), "0.0000001");
        assert_eq!(prompt_at("22:30"), "0.0000002");
        assert_eq!(prompt_at("00:59"), "0.0000002");
        assert_eq!(prompt_at("01:00"), "0.0000001");
        assert_eq!(serde_json::to_value(&price).unwrap()["tiers"][0]["utc_start"], "2230");
        assert!(serde_json::from_str::<PriceTier>(r#"{"utc_start": "2460"}"#).is_err());
    }
}
