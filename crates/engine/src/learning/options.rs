//! How learning is set up.

use backstay_core::{Money, Price, Timestamp, Usage};
use backstay_memory::learn::{prompt, segment};
use backstay_store::{LearnWhen, Spent};

/// What an operator may change about learning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearningOptions {
    /// The catalogue name of the model that learns.
    pub model: String,
    /// The operator's own words on what is worth remembering.
    pub instructions: Option<String>,
    /// A conversation is learned from when this many turns are new …
    pub segment_turns: usize,
    /// … or when nobody has said anything for this long.
    pub idle_seconds: u64,
    /// Prompt and completion tokens that one workspace may spend on learning in a day (UTC).
    pub daily_token_limit: Option<u64>,
    /// What one workspace may spend on learning in a day (UTC).
    pub daily_budget: Option<Money>,
}

impl LearningOptions {
    /// 12 turns or two idle minutes, without a cap.
    pub fn with_model(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            instructions: None,
            segment_turns: 12,
            idle_seconds: 120,
            daily_token_limit: None,
            daily_budget: None,
        }
    }
}

impl LearningOptions {
    pub(super) fn is_capped(&self) -> bool {
        self.daily_token_limit.is_some() || self.daily_budget.is_some()
    }

    /// When a thread is to be learned from that has a new turn now.
    pub(crate) fn when(&self, now: Timestamp) -> LearnWhen {
        let idle = i64::try_from(self.idle_seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        LearnWhen {
            new_turns: u32::try_from(self.segment_turns).unwrap_or(u32::MAX),
            idle_at: Timestamp::from_micros(now.micros().saturating_add(idle)),
        }
    }
}

/// The most that one call can take, prompt and answer: a smaller daily limit would never allow any.
pub const CALL_TOKENS_MAX: u64 = PROMPT_TOKENS_MAX + prompt::ANSWER_TOKENS_MAX;

/// A segment's turns with their heads, known memories, rules and instructions, and the answer that
/// a repair shows again; as an estimate.
const PROMPT_TOKENS_MAX: u64 = 2 * segment::TOKENS_MAX + prompt::ANSWER_TOKENS_MAX;

/// The most that a call with this prompt can use.
pub(super) fn worst_case(prompt_tokens: u64) -> Usage {
    Usage {
        prompt_tokens,
        completion_tokens: prompt::ANSWER_TOKENS_MAX,
        estimated: true,
        ..Usage::default()
    }
}

/// Whether a call of this size still fits the day.
pub(super) fn fits(
    options: &LearningOptions,
    spent: &Spent,
    price: Option<&Price>,
    worst: &Usage,
) -> Result<(), CapReached> {
    let tokens = spent.tokens.saturating_add(worst.total_tokens());
    if options.daily_token_limit.is_some_and(|limit| tokens > limit) {
        return Err(CapReached::Tokens);
    }
    let Some(budget) = options.daily_budget else { return Ok(()) };
    let cost = price.and_then(|price| price.cost(worst)).ok_or(CapReached::UnknownPrice)?;
    let spent = spent.cost.ok_or(CapReached::UnknownPrice)?;
    match spent.checked_add(cost) {
        Some(total) if total <= budget => Ok(()),
        _ => Err(CapReached::Budget),
    }
}

/// Why learning waits for the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CapReached {
    Tokens,
    Budget,
    /// A budget cannot be kept when nobody knows what a call costs.
    UnknownPrice,
}

impl std::fmt::Display for CapReached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tokens => {
                "the next call would exceed memory.learning.daily_token_limit; learning goes on at \
                 midnight UTC"
            }
            Self::Budget => {
                "the next call would exceed memory.learning.daily_budget; learning goes on at \
                 midnight UTC"
            }
            Self::UnknownPrice => {
                "memory.learning.daily_budget is set, but the model's price is not known; set a \
                 price for it, or daily_token_limit instead"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_counts_the_worst_case_before_the_call_and_never_guesses_a_price() {
        let worst = worst_case(1_000);
        let price = Price {
            prompt: Money::from_picodollars(10),
            completion: Money::from_picodollars(20),
            ..Price::FREE
        };
        let cost = price.cost(&worst).unwrap();
        let spent = Spent { tokens: 500, cost: Some(Money::from_picodollars(7)) };
        let mut options = LearningOptions::with_model("m");
        assert_eq!(fits(&options, &spent, None, &worst), Ok(()));
        options.daily_token_limit = Some(500 + worst.total_tokens());
        assert_eq!(fits(&options, &spent, None, &worst), Ok(()));
        options.daily_token_limit = Some(499 + worst.total_tokens());
        assert_eq!(fits(&options, &spent, None, &worst), Err(CapReached::Tokens));
        options.daily_token_limit = None;
        options.daily_budget = cost.checked_add(Money::from_picodollars(7));
        assert_eq!(fits(&options, &spent, Some(&price), &worst), Ok(()));
        options.daily_budget = cost.checked_add(Money::from_picodollars(6));
        assert_eq!(fits(&options, &spent, Some(&price), &worst), Err(CapReached::Budget));
        assert_eq!(fits(&options, &spent, None, &worst), Err(CapReached::UnknownPrice));
    }
}
