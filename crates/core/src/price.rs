//! What an endpoint asks for each class of use, and what a call comes to.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::ToSchema;

use crate::{Money, Timestamp, Usage};

/// Dollars per token of each class, per request, search and image. A class without a price of its own
/// costs what its parent class costs: cached, cache-written and heard tokens are prompt tokens, those
/// written for an hour are cache-written tokens; reasoning, spoken and drawn tokens are completion
/// tokens. A request and a search without a price cost nothing.
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

    /// What a generation costs: the one function that turns usage into money. Tiers by the hour count
    /// only once [`Price::in_force`] has settled them. `None` only when the sum does not fit, which
    /// no real usage reaches.
    pub fn cost(&self, usage: &Usage) -> Option<Money> {
        let price = self.for_prompt(usage.prompt_tokens);
        let plain_prompt = usage
            .prompt_tokens
            .saturating_sub(usage.cached_prompt_tokens)
            .saturating_sub(usage.cache_write_tokens)
            .saturating_sub(usage.audio_prompt_tokens);
        let plain_completion = usage
            .completion_tokens
            .saturating_sub(usage.reasoning_tokens)
            .saturating_sub(usage.audio_completion_tokens)
            .saturating_sub(usage.image_completion_tokens);
        let written_briefly = usage.cache_write_tokens.saturating_sub(usage.cache_write_1h_tokens);
        let cache_write = price.cache_write.unwrap_or(price.prompt);
        let lines = [
            (price.prompt, plain_prompt),
            (price.cached_prompt.unwrap_or(price.prompt), usage.cached_prompt_tokens),
            (cache_write, written_briefly),
            (price.cache_write_1h.unwrap_or(cache_write), usage.cache_write_1h_tokens),
            (price.audio.unwrap_or(price.prompt), usage.audio_prompt_tokens),
            (price.completion, plain_completion),
            (price.reasoning.unwrap_or(price.completion), usage.reasoning_tokens),
            (price.audio_output.unwrap_or(price.completion), usage.audio_completion_tokens),
            (price.image_output.unwrap_or(price.completion), usage.image_completion_tokens),
            (price.request.unwrap_or(Money::ZERO), 1),
            (price.web_search.unwrap_or(Money::ZERO), usage.web_searches),
        ];
        lines
            .into_iter()
            .try_fold(Money::ZERO, |sum, (price, count)| sum.checked_add(price.times(count)?))
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
    fn depends_on_hour(&self) -> bool {
        self.utc_start.is_some() || self.utc_end.is_some()
    }

    fn holds_at(&self, minute: TimeOfDay) -> bool {
        let start = self.utc_start.unwrap_or(TimeOfDay::MIDNIGHT);
        let end = self.utc_end.unwrap_or(TimeOfDay::MIDNIGHT);
        if start < end { (start..end).contains(&minute) } else { minute >= start || minute < end }
    }
}

/// A minute of the day in UTC, written `HHMM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, example = "0630")]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    const MIDNIGHT: Self = Self(0);

    fn of(at: Timestamp) -> Self {
        let minute = at.seconds().div_euclid(60).rem_euclid(24 * 60);
        Self(u16::try_from(minute).unwrap_or(0))
    }

    /// Reads 630 as half past six; `None` when there is no such time.
    pub fn from_hhmm(number: u16) -> Option<Self> {
        let (hour, minute) = (number / 100, number % 100);
        (hour < 24 && minute < 60).then_some(Self(hour * 60 + minute))
    }

    pub fn hhmm(self) -> u16 {
        self.0 / 60 * 100 + self.0 % 60
    }

    fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        Self::from_hhmm(digits.then(|| text.parse().ok()).flatten()?)
    }
}

impl std::fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}", self.hhmm())
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is no time of day such as \"0630\"")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn pico(amount: i64) -> Money {
        Money::from_picodollars(amount)
    }

    fn price() -> Price {
        Price { prompt: pico(100), completion: pico(1_000), ..Price::FREE }
    }

    fn cost(price: &Price, usage: Usage) -> i64 {
        price.cost(&usage).unwrap().picodollars()
    }

    #[test]
    fn cached_and_reasoning_tokens_are_charged_once_at_their_own_price() {
        let price = Price {
            cached_prompt: Some(pico(10)),
            cache_write: Some(pico(125)),
            request: Some(pico(7)),
            ..price()
        };
        let usage = Usage {
            prompt_tokens: 100,
            cached_prompt_tokens: 60,
            cache_write_tokens: 20,
            completion_tokens: 30,
            reasoning_tokens: 10,
            ..Usage::default()
        };
        let expected = 20 * 100 + 60 * 10 + 20 * 125 + 30 * 1_000 + 7;
        assert_eq!(cost(&price, usage), expected);
    }

    #[test]
    fn every_class_is_charged_once_and_falls_back_to_its_parents_price() {
        let usage = Usage {
            prompt_tokens: 100,
            cache_write_tokens: 30,
            cache_write_1h_tokens: 10,
            audio_prompt_tokens: 20,
            completion_tokens: 50,
            audio_completion_tokens: 5,
            image_completion_tokens: 15,
            web_searches: 2,
            ..Usage::default()
        };
        assert_eq!(cost(&price(), usage.clone()), 100 * 100 + 50 * 1_000);
        let own = Price {
            cache_write: Some(pico(125)),
            cache_write_1h: Some(pico(200)),
            audio: Some(pico(300)),
            audio_output: Some(pico(2_000)),
            image_output: Some(pico(3_000)),
            web_search: Some(pico(5_000)),
            ..price()
        };
        let prompt = 50 * 100 + 20 * 125 + 10 * 200 + 20 * 300;
        let completion = 30 * 1_000 + 5 * 2_000 + 15 * 3_000;
        assert_eq!(cost(&own, usage), prompt + completion + 2 * 5_000);
    }

    #[test]
    fn a_tier_holds_for_longer_prompts_only_and_a_later_one_wins_for_what_it_names() {
        let tier = |least, prompt, completion: Option<i64>| PriceTier {
            min_prompt_tokens: Some(least),
            prompt: Some(pico(prompt)),
            completion: completion.map(pico),
            ..PriceTier::default()
        };
        let price =
            Price { tiers: vec![tier(10, 200, Some(2_000)), tier(20, 300, None)], ..price() };
        let of = |prompt_tokens| {
            cost(&price, Usage { prompt_tokens, completion_tokens: 1, ..Usage::default() })
        };
        assert_eq!(of(10), 10 * 100 + 1_000);
        assert_eq!(of(11), 11 * 200 + 2_000);
        assert_eq!(of(21), 21 * 300 + 2_000);
    }

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
