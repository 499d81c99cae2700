//! What a deployment says that its tokens cost.

use backstay_core::Money;

use super::{
    report::{Place, Report},
    yaml::Entry,
};

/// LiteLLM's names of costs, and the classes of a price in Backstay's configuration.
const CLASSES: &[(&str, &str)] = &[
    (PROMPT, "prompt"),
    (COMPLETION, "completion"),
    ("cache_read_input_token_cost", "cached_prompt"),
    ("cache_creation_input_token_cost", "cache_write"),
    ("cache_creation_input_token_cost_above_1hr", "cache_write_1h"),
    ("output_cost_per_reasoning_token", "reasoning"),
    ("input_cost_per_image", "image"),
    ("output_cost_per_image_token", "image_output"),
    ("input_cost_per_audio_token", "audio"),
    ("output_cost_per_audio_token", "audio_output"),
    ("input_cost_per_request", "request"),
];
const PROMPT: &str = "input_cost_per_token";
const COMPLETION: &str = "output_cost_per_token";

/// Dollars by LiteLLM's name.
#[derive(Default)]
pub(super) struct Costs(Vec<(String, Money)>);

impl Costs {
    /// Whether the entry was a cost that Backstay knows. They may stand among a deployment's
    /// parameters and in its `model_info`.
    pub(super) fn take(&mut self, entry: &Entry, place: &Place, report: &mut Report) -> bool {
        if !CLASSES.iter().any(|(name, _)| *name == entry.key) {
            return false;
        }
        match entry.value.text().and_then(Money::parse_dollars) {
            Some(amount) => self.0.push((entry.key.clone(), amount)),
            None => report.missing(place, "it is not a dollar amount of at least 10⁻¹² dollars"),
        }
        true
    }

    /// Classes with dollars. A price needs both directions, since one alone would make the other
    /// free; but what embeds has no completion that could cost anything.
    pub(super) fn price(
        mut self,
        is_embedding: bool,
        place: &Place,
        report: &mut Report,
    ) -> Vec<(&'static str, String)> {
        if is_embedding && self.has(PROMPT) && !self.has(COMPLETION) {
            self.0.push((COMPLETION.to_owned(), Money::ZERO));
        }
        if !self.has(PROMPT) || !self.has(COMPLETION) {
            if !self.0.is_empty() {
                report.missing(place, "its price lacks input or output; none is written");
            }
            return Vec::new();
        }
        let of_class = |(name, class): &(&str, &'static str)| {
            let (_, amount) = self.0.iter().find(|(known, _)| known == name)?;
            Some((*class, amount.to_string()))
        };
        CLASSES.iter().filter_map(of_class).collect()
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }
}
