//! How much a model shall think, in this format's words.
//!
//! Models before Claude 4.6 take a budget of tokens, and of an effort the budget in
//! [`budget_of_effort`] is made; later ones think adaptively and take the effort itself.

use backstay_core::chat::Reasoning;
use serde_json::{Value, json};

use super::version::ClaudeVersion;
use crate::Loss;

/// The least budget that the interface takes.
const BUDGET_TOKENS_MIN: u64 = 1_024;
/// Room for the answer after the thinking, and what an answer may have when the client set no limit.
pub(crate) const ANSWER_TOKENS_DEFAULT: u64 = 4_096;

/// What goes into the request.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Thinking {
    /// The `thinking` field.
    pub(crate) field: Option<Value>,
    /// `output_config.effort`.
    pub(crate) effort: Option<&'static str>,
    /// Tokens that it may take before the answer; zero when the model does not think.
    pub(crate) budget_tokens: u64,
}

/// Facts of the request that decide whether a model can think.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances {
    pub(crate) version: Option<ClaudeVersion>,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) call_is_forced: bool,
    /// Results are sent for calls whose thinking is not known any more.
    pub(crate) thinking_is_lost: bool,
}

impl Thinking {
    pub(crate) fn is_on(&self) -> bool {
        self.budget_tokens > 0
    }

    pub(crate) fn plan(
        reasoning: Option<&Reasoning>,
        circumstances: Circumstances,
        loss: &mut Loss,
    ) -> Self {
        let Some(reasoning) = reasoning else { return Self::default() };
        let is_adaptive = circumstances.version.is_some_and(ClaudeVersion::thinks_adaptively);
        if reasoning.enabled == Some(false) || reasoning.effort.as_deref() == Some("none") {
            let field = is_adaptive.then(|| json!({"type": "disabled"}));
            return Self { field, ..Self::default() };
        }
        let thought = if circumstances.call_is_forced {
            None
        } else if is_adaptive {
            Some(Self::adaptive(reasoning, circumstances, loss))
        } else if circumstances.thinking_is_lost {
            None
        } else {
            Self::budgeted(reasoning, circumstances.max_tokens)
        };
        thought.unwrap_or_else(|| {
            loss.record(if reasoning.effort.is_some() { "reasoning_effort" } else { "reasoning" });
            Self::default()
        })
    }

    fn adaptive(reasoning: &Reasoning, circumstances: Circumstances, loss: &mut Loss) -> Self {
        if reasoning.budget_tokens.is_some() {
            loss.record("reasoning.max_tokens");
        }
        let mut field = json!({"type": "adaptive"});
        if circumstances.version.is_some_and(ClaudeVersion::hides_thinking) {
            field["display"] = Value::from("summarized");
        }
        Self {
            field: Some(field),
            effort: reasoning.effort.as_deref().map(effort_word),
            budget_tokens: budget_of_effort(reasoning.effort.as_deref()),
        }
    }

    /// The limit of the answer includes the thinking and must be larger: a budget that does not fit
    /// is cut to three quarters of the limit. `None` when that is less than the least budget.
    fn budgeted(reasoning: &Reasoning, max_tokens: Option<u64>) -> Option<Self> {
        let wanted = reasoning
            .budget_tokens
            .unwrap_or_else(|| budget_of_effort(reasoning.effort.as_deref()));
        let mut budget_tokens = wanted.max(BUDGET_TOKENS_MIN);
        if let Some(limit) = max_tokens.filter(|limit| *limit <= budget_tokens) {
            budget_tokens = limit - limit / 4;
        }
        let field = json!({"type": "enabled", "budget_tokens": budget_tokens});
        (budget_tokens >= BUDGET_TOKENS_MIN).then_some(Self {
            field: Some(field),
            effort: None,
            budget_tokens,
        })
    }
}

/// The budget for an effort that another format's client named; medium when it named none.
fn budget_of_effort(effort: Option<&str>) -> u64 {
    match effort {
        Some("minimal") => BUDGET_TOKENS_MIN,
        Some("low") => 2_048,
        Some("high") => 16_384,
        Some("xhigh" | "max") => 32_768,
        _ => 8_192,
    }
}

fn effort_word(effort: &str) -> &'static str {
    match effort {
        "minimal" | "low" => "low",
        "medium" => "medium",
        "max" => "max",
        _ => "high",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(reasoning: Reasoning, model: &str, max_tokens: Option<u64>) -> (Thinking, Loss) {
        let circumstances = Circumstances {
            version: ClaudeVersion::of(model),
            max_tokens,
            call_is_forced: false,
            thinking_is_lost: false,
        };
        let mut loss = Loss::default();
        (Thinking::plan(Some(&reasoning), circumstances, &mut loss), loss)
    }

    fn effort(word: &str) -> Reasoning {
        Reasoning { effort: Some(word.to_owned()), ..Reasoning::default() }
    }

    #[test]
    fn an_effort_is_a_budget_for_older_models_and_a_word_for_later_ones() {
        let (older, _) = plan(effort("high"), "claude-sonnet-4-5", None);
        assert_eq!(older.field, Some(json!({"type": "enabled", "budget_tokens": 16_384})));
        let (later, _) = plan(effort("minimal"), "claude-opus-4-6", None);
        assert_eq!(later.field, Some(json!({"type": "adaptive"})));
        assert_eq!(later.effort, Some("low"));
    }

    #[test]
    fn a_budget_always_fits_under_the_answers_limit() {
        for limit in [1_366, 2_000, 4_096, 8_192, 8_193] {
            let (thinking, loss) = plan(effort("medium"), "claude-sonnet-4-5", Some(limit));
            assert!(loss.is_empty() && thinking.budget_tokens < limit, "{limit}");
            assert!(thinking.budget_tokens >= BUDGET_TOKENS_MIN, "{limit}");
        }
        let (thinking, loss) = plan(effort("medium"), "claude-sonnet-4-5", Some(1_000));
        assert_eq!(
            (thinking, loss.names()),
            (Thinking::default(), &["reasoning_effort".to_owned()][..])
        );
    }

    #[test]
    fn no_thinking_is_said_only_where_a_model_would_think_by_itself() {
        assert_eq!(plan(effort("none"), "claude-sonnet-4-5", None).0, Thinking::default());
        let (later, _) = plan(effort("none"), "claude-opus-4-7", None);
        assert_eq!(later.field, Some(json!({"type": "disabled"})));
    }
}
