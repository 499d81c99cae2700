//! How much a model shall think, as `thinkingConfig`.

use backstay_core::chat::Reasoning;
use serde_json::{Value, json};

use super::model_generation::ModelGeneration;
use crate::Loss;

/// Pro models of the second generation cannot think less than this.
const PRO_BUDGET_TOKENS_MIN: u64 = 128;

/// `None` leaves it to the model. A budget wins over an effort, because both together are refused.
pub(super) fn config(
    reasoning: &Reasoning,
    generation: ModelGeneration,
    loss: &mut Loss,
) -> Option<Value> {
    if reasoning.enabled == Some(false) || reasoning.effort.as_deref() == Some("none") {
        return Some(as_little_as_possible(generation, loss));
    }
    let mut config = json!({"includeThoughts": true});
    match (reasoning.budget_tokens, reasoning.effort.as_deref()) {
        (Some(budget), _) => config["thinkingBudget"] = Value::from(budget),
        (None, Some(effort)) if generation.takes_thinking_level() => {
            config["thinkingLevel"] = Value::from(level(effort, generation));
        }
        (None, Some(effort)) => config["thinkingBudget"] = Value::from(budget_of_effort(effort)),
        (None, None) if reasoning.enabled.is_none() => return None,
        (None, None) => {}
    }
    Some(config)
}

fn as_little_as_possible(generation: ModelGeneration, loss: &mut Loss) -> Value {
    if generation.takes_thinking_level() {
        loss.record("reasoning");
        return json!({"thinkingLevel": level("minimal", generation)});
    }
    if generation.is_pro() {
        loss.record("reasoning");
        return json!({"thinkingBudget": PRO_BUDGET_TOKENS_MIN});
    }
    json!({"thinkingBudget": 0})
}

fn level(effort: &str, generation: ModelGeneration) -> &'static str {
    match effort {
        "minimal" if !generation.is_pro() => "minimal",
        "minimal" | "low" => "low",
        "medium" => "medium",
        _ => "high",
    }
}

/// The budgets that Google's own OpenAI-compatible interface makes of an effort. Source:
/// <https://ai.google.dev/gemini-api/docs/openai>, "Thinking".
fn budget_of_effort(effort: &str) -> u64 {
    match effort {
        "minimal" | "low" => 1_024,
        "medium" => 8_192,
        _ => 24_576,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effort(word: &str, model: &str) -> (Option<Value>, Loss) {
        let reasoning = Reasoning { effort: Some(word.to_owned()), ..Reasoning::default() };
        let mut loss = Loss::default();
        (config(&reasoning, ModelGeneration::of(model), &mut loss), loss)
    }

    #[test]
    fn an_effort_is_a_budget_for_older_models_and_a_level_for_later_ones() {
        let thoughts = |key: &str, value: Value| Some(json!({"includeThoughts": true, key: value}));
        assert_eq!(effort("low", "gemini-2.5-flash").0, thoughts("thinkingBudget", json!(1024)));
        assert_eq!(effort("low", "gemini-3-flash").0, thoughts("thinkingLevel", json!("low")));
        assert_eq!(effort("minimal", "gemini-3-pro").0, thoughts("thinkingLevel", json!("low")));
    }

    #[test]
    fn a_model_that_cannot_stop_thinking_thinks_least_and_that_is_reported() {
        let (config, loss) = effort("none", "gemini-2.5-flash");
        assert_eq!((config, loss.is_empty()), (Some(json!({"thinkingBudget": 0})), true));
        let (config, loss) = effort("none", "gemini-2.5-pro");
        assert_eq!((config, loss.is_empty()), (Some(json!({"thinkingBudget": 128})), false));
        let (config, loss) = effort("none", "gemini-3-pro");
        assert_eq!((config, loss.is_empty()), (Some(json!({"thinkingLevel": "low"})), false));
    }

    #[test]
    fn a_budget_wins_and_thinking_alone_shows_the_thoughts() {
        let generation = ModelGeneration::of("gemini-3-pro");
        let reasoning = Reasoning {
            effort: Some("high".to_owned()),
            budget_tokens: Some(2_000),
            enabled: Some(true),
        };
        let written = config(&reasoning, generation, &mut Loss::default());
        assert_eq!(written, Some(json!({"includeThoughts": true, "thinkingBudget": 2000})));
        let reasoning = Reasoning { enabled: Some(true), ..Reasoning::default() };
        let written = config(&reasoning, generation, &mut Loss::default());
        assert_eq!(written, Some(json!({"includeThoughts": true})));
    }
}
