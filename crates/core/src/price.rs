//! What an endpoint asks for each class of use, and what a call comes to.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::ToSchema;

use crate::{ChargeClass, ChargeLine, Money, Timestamp, Usage};

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

    /// What usage costs, class by class: the one function that turns usage into money. Classes of
    /// which nothing was used are left out. Tiers by the hour count only once [`Price::in_force`] has
    /// settled them. `None` only when an amount does not fit, which no real usage reaches.
    pub fn lines(&self, usage: &Usage) -> Option<Vec<ChargeLine>> {
        use ChargeClass as Class;
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
        let prompt = |own: Option<Money>| own.unwrap_or(price.prompt);
        let completion = |own: Option<Money>| own.unwrap_or(price.completion);
        let cache_write = prompt(price.cache_write);
        let cache_write_1h = price.cache_write_1h.unwrap_or(cache_write);
        let free = |own: Option<Money>| own.unwrap_or(Money::ZERO);
        let requests = u64::from(price.request.is_some());
        let all = [
            (Class::Prompt, plain_prompt, price.prompt),
            (Class::CachedPrompt, usage.cached_prompt_tokens, prompt(price.cached_prompt)),
            (Class::CacheWrite, written_briefly, cache_write),
            (Class::CacheWriteHour, usage.cache_write_1h_tokens, cache_write_1h),
            (Class::AudioPrompt, usage.audio_prompt_tokens, prompt(price.audio)),
            (Class::Completion, plain_completion, price.completion),
            (Class::Reasoning, usage.reasoning_tokens, completion(price.reasoning)),
            (Class::AudioCompletion, usage.audio_completion_tokens, completion(price.audio_output)),
            (Class::ImageCompletion, usage.image_completion_tokens, completion(price.image_output)),
            (Class::Request, requests, free(price.request)),
            (Class::WebSearch, usage.web_searches, free(price.web_search)),
        ];
        let used = all.into_iter().filter(|(_, count, _)| *count > 0);
        used.map(|(class, count, unit_price)| {
            let amount = unit_price.times(count)?;
            Some(ChargeLine { class, count, unit_price: Some(unit_price), amount })
        })
        .collect()
    }

    /// What a generation costs: the sum of its lines.
    pub fn cost(&self, usage: &Usage) -> Option<Money> {
        Money::sum(self.lines(usage)?.into_iter().map(|line| line.amount))
    }

    /// The most that so many tokens can cost, whichever classes they turn out to be of and at whatever
    /// hour. Searches by the provider are not in it: nobody knows how many there will be.
    pub fn ceiling(&self, prompt_tokens: u64, completion_tokens: u64) -> Option<Money> {
        let holds =
            |tier: &&PriceTier| tier.min_prompt_tokens.is_none_or(|least| prompt_tokens > least);
        let tiers = || self.tiers.iter().filter(holds);
        let dearest = |own: [Option<Money>; 5], of_tier: fn(&PriceTier) -> [Option<Money>; 5]| {
            own.into_iter().chain(tiers().flat_map(of_tier)).flatten().max().unwrap_or_default()
        };
        let of_prompt =
            |p: &PriceTier| [p.prompt, p.cached_prompt, p.cache_write, p.cache_write_1h, p.audio];
        let of_completion =
            |p: &PriceTier| [p.completion, p.reasoning, p.audio_output, p.image_output, None];
        let base = self.as_tier();
        let request = dearest([self.request, None, None, None, None], |tier| {
            [tier.request, None, None, None, None]
        });
        Money::sum([
            dearest(of_prompt(&base), of_prompt).times(prompt_tokens)?,
            dearest(of_completion(&base), of_completion).times(completion_tokens)?,
            request,
        ])
    }

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
    use proptest::prelude::*;

    use super::*;
    use crate::Charge;

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

    fn any_price() -> impl Strategy<Value = Price> {
        let unit = || (0_i64..10_000_000_000).prop_map(Money::from_picodollars);
        let maybe = || proptest::option::of(unit());
        let tier = (maybe(), maybe(), maybe(), 0_u64..2_000_000).prop_map(
            |(prompt, completion, cache_write, least)| PriceTier {
                min_prompt_tokens: Some(least),
                prompt,
                completion,
                cache_write,
                ..PriceTier::default()
            },
        );
        let own = (maybe(), maybe(), maybe(), maybe(), maybe(), maybe());
        (unit(), unit(), own, proptest::collection::vec(tier, 0..3)).prop_map(
            |(prompt, completion, own, tiers)| {
                let (cached_prompt, cache_write, cache_write_1h, reasoning, audio, request) = own;
                Price {
                    prompt,
                    completion,
                    cached_prompt,
                    cache_write,
                    cache_write_1h,
                    reasoning,
                    audio,
                    request,
                    tiers,
                    ..Price::FREE
                }
            },
        )
    }

    fn any_usage() -> impl Strategy<Value = Usage> {
        let count = || 0_u64..1_000_000;
        let reported = proptest::option::of((0_i64..1_000_000).prop_map(Money::from_picodollars));
        (count(), count(), count(), count(), count(), count(), reported).prop_map(
            |(plain, cached, written, heard, completion_tokens, reasoning, provider_cost)| Usage {
                prompt_tokens: plain + cached + written + heard,
                completion_tokens: completion_tokens + reasoning,
                cached_prompt_tokens: cached,
                cache_write_tokens: written,
                cache_write_1h_tokens: written / 3,
                audio_prompt_tokens: heard,
                reasoning_tokens: reasoning,
                provider_cost,
                ..Usage::default()
            },
        )
    }

    proptest! {
        #[test]
        fn the_lines_of_a_charge_add_up_to_its_cost(price in any_price(), usage in any_usage()) {
            let charge = Charge::of(usage, Some(price));
            let lines = charge.lines();
            prop_assert_eq!(Money::sum(lines.iter().map(|line| line.amount)), charge.cost);
            for line in &lines {
                let product = line.unit_price.map(|price| price.times(line.count));
                prop_assert!(product.is_none_or(|product| product == Some(line.amount)));
            }
        }

        #[test]
        fn no_usage_costs_more_than_the_ceiling(price in any_price(), usage in any_usage()) {
            let ceiling = price.ceiling(usage.prompt_tokens, usage.completion_tokens);
            prop_assert!(price.cost(&usage) <= ceiling);
            prop_assert!(!price.is_free() || ceiling == Some(Money::ZERO));
        }
    }
}
