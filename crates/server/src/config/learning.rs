//! `[memory.learning]`: which model learns, and what it may cost.

use backstay_core::{Error, Money, Result};
use backstay_engine::{LEARNING_CALL_TOKENS_MAX, LearningOptions};
use backstay_memory::learn::{prompt, segment};
use serde::Deserialize;

const IDLE_SECONDS_MAX: u64 = 7 * 24 * 60 * 60;

/// Learning is off when no model is set.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LearningSection {
    /// The model that learns, by any name that clients could use.
    pub model: Option<String>,
    /// What is worth remembering in this application, in the operator's own words.
    pub instructions: Option<String>,
    /// New turns after which a conversation is learned from.
    pub segment_turns: usize,
    /// Silence after which a conversation is learned from.
    pub idle_seconds: u64,
    /// Tokens, prompts and answers together, per workspace and day (UTC).
    pub daily_token_limit: Option<u64>,
    /// Dollars as decimal text, per workspace and day (UTC).
    pub daily_budget: Option<Money>,
}

impl Default for LearningSection {
    fn default() -> Self {
        let defaults = LearningOptions::with_model("");
        Self {
            model: None,
            instructions: None,
            segment_turns: defaults.segment_turns,
            idle_seconds: defaults.idle_seconds,
            daily_token_limit: None,
            daily_budget: None,
        }
    }
}

impl LearningSection {
    pub(super) fn check(&self) -> Result<()> {
        let wrong = |message: String| Err(Error::invalid(format!("memory.learning.{message}")));
        if self.model.as_ref().is_some_and(|model| model.trim().is_empty()) {
            return wrong("model is empty; name a model, or leave it out to switch it off".into());
        }
        if !(1..=segment::TURNS_MAX).contains(&self.segment_turns) {
            return wrong(format!("segment_turns must be between 1 and {}", segment::TURNS_MAX));
        }
        if self.idle_seconds > IDLE_SECONDS_MAX {
            return wrong(format!("idle_seconds can be at most {IDLE_SECONDS_MAX} (a week)"));
        }
        let too_long = |text: &String| text.chars().nth(prompt::INSTRUCTIONS_CHARS_MAX).is_some();
        if self.instructions.as_ref().is_some_and(too_long) {
            let most = prompt::INSTRUCTIONS_CHARS_MAX;
            return wrong(format!("instructions can have at most {most} characters"));
        }
        if self.daily_token_limit.is_some_and(|limit| limit < LEARNING_CALL_TOKENS_MAX) {
            return wrong(format!(
                "daily_token_limit must be at least {LEARNING_CALL_TOKENS_MAX}: one call can take \
                 as much"
            ));
        }
        if self.daily_budget.is_some_and(|budget| budget <= Money::ZERO) {
            return wrong("daily_budget must be above 0; leave out model to switch it off".into());
        }
        Ok(())
    }

    pub(super) fn options(&self) -> Option<LearningOptions> {
        Some(LearningOptions {
            model: self.model.clone()?,
            instructions: self.instructions.clone(),
            segment_turns: self.segment_turns,
            idle_seconds: self.idle_seconds,
            daily_token_limit: self.daily_token_limit,
            daily_budget: self.daily_budget,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn learning_is_off_without_a_model_and_on_with_one() {
        assert_eq!(Config::default().engine_options().learning, None);
        let text = "[memory.learning]\nmodel = \"ollama/qwen3\"\ndaily_budget = \"0.5\"";
        let learning = Config::parse(text).unwrap().engine_options().learning.unwrap();
        assert_eq!(learning.model, "ollama/qwen3");
        assert_eq!(learning.daily_budget.unwrap().to_string(), "0.5");
    }

    #[test]
    fn settings_that_could_never_work_are_refused_by_name() {
        for (line, named) in [
            ("model = \" \"", "model"),
            ("segment_turns = 0", "segment_turns"),
            ("idle_seconds = 99999999", "idle_seconds"),
            ("daily_token_limit = 10", "daily_token_limit"),
            ("daily_budget = \"0\"", "daily_budget"),
            ("daily_bugdet = \"1\"", "did you mean `daily_budget`"),
        ] {
            let error = Config::parse(&format!("[memory.learning]\n{line}")).unwrap_err();
            assert!(error.message().contains(named), "{error}");
        }
    }
}
