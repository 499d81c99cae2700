//! What usage costs, and what it can cost at most.

use super::{Price, PriceTier};
use crate::{ChargeClass, ChargeLine, Money, Usage};

impl Price {
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
        let images = if price.image.is_some() { usage.prompt_images } else { 0 };
        let all = [
            (Class::Prompt, plain_prompt, price.prompt),
            (Class::CachedPrompt, usage.cached_prompt_tokens, prompt(price.cached_prompt)),
            (Class::CacheWrite, written_briefly, cache_write),
            (Class::CacheWriteHour, usage.cache_write_1h_tokens, cache_write_1h),
            (Class::AudioPrompt, usage.audio_prompt_tokens, prompt(price.audio)),
            (Class::ImagePrompt, images, free(price.image)),
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

    /// The most that a call of so many tokens, images and searches can cost, whichever classes its
    /// tokens turn out to be of and at whatever hour.
    pub fn ceiling(&self, most: &Usage) -> Option<Money> {
        let holds = |tier: &&PriceTier| {
            tier.min_prompt_tokens.is_none_or(|least| most.prompt_tokens > least)
        };
        let tiers = || self.tiers.iter().filter(holds);
        let base = self.as_tier();
        let dearest = |of: fn(&PriceTier) -> [Option<Money>; 5]| {
            let prices = of(&base).into_iter().chain(tiers().flat_map(of));
            prices.flatten().max().unwrap_or_default()
        };
        let prompt =
            dearest(|p| [p.prompt, p.cached_prompt, p.cache_write, p.cache_write_1h, p.audio]);
        let completion =
            dearest(|p| [p.completion, p.reasoning, p.audio_output, p.image_output, None]);
        Money::sum([
            prompt.times(most.prompt_tokens)?,
            completion.times(most.completion_tokens)?,
            dearest(|p| [p.image, None, None, None, None]).times(most.prompt_images)?,
            dearest(|p| [p.web_search, None, None, None, None]).times(most.web_searches)?,
            dearest(|p| [p.request, None, None, None, None]),
        ])
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
            prompt_images: 3,
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
            image: Some(pico(7_000)),
            ..price()
        };
        let prompt = 50 * 100 + 20 * 125 + 10 * 200 + 20 * 300;
        let completion = 30 * 1_000 + 5 * 2_000 + 15 * 3_000;
        assert_eq!(cost(&own, usage), prompt + completion + 2 * 5_000 + 3 * 7_000);
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
        let own = (maybe(), maybe(), maybe(), maybe(), maybe(), maybe(), maybe(), maybe());
        (unit(), unit(), own, proptest::collection::vec(tier, 0..3)).prop_map(
            |(prompt, completion, own, tiers)| {
                let (cached_prompt, cache_write, cache_write_1h, reasoning, audio, ..) = own;
                let (.., request, image, web_search) = own;
                Price {
                    prompt,
                    completion,
                    cached_prompt,
                    cache_write,
                    cache_write_1h,
                    reasoning,
                    audio,
                    request,
                    image,
                    web_search,
                    tiers,
                    ..Price::FREE
                }
            },
        )
    }

    fn any_usage() -> impl Strategy<Value = Usage> {
        let count = || 0_u64..1_000_000;
        let reported = proptest::option::of((0_i64..1_000_000).prop_map(Money::from_picodollars));
        let tokens = (count(), count(), count(), count(), count(), count());
        (tokens, 0_u64..20, 0_u64..20, reported).prop_map(
            |(tokens, prompt_images, web_searches, provider_cost)| {
                let (plain, cached, written, heard, completion_tokens, reasoning) = tokens;
                Usage {
                    prompt_tokens: plain + cached + written + heard,
                    completion_tokens: completion_tokens + reasoning,
                    cached_prompt_tokens: cached,
                    cache_write_tokens: written,
                    cache_write_1h_tokens: written / 3,
                    audio_prompt_tokens: heard,
                    reasoning_tokens: reasoning,
                    prompt_images,
                    web_searches,
                    provider_cost,
                    ..Usage::default()
                }
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
            let ceiling = price.ceiling(&usage);
            prop_assert!(price.cost(&usage) <= ceiling);
            prop_assert!(!price.is_free() || ceiling == Some(Money::ZERO));
        }
    }
}
