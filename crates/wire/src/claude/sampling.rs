//! Which sampling parameters a model takes.

use backstay_core::chat::Parameters;

use super::ClaudeVersion;
use crate::Loss;

const TEMPERATURE_MAX: f64 = 1.0;
/// Nucleus sampling below this is refused while a model thinks.
const TOP_P_MIN_WHILE_THINKING: f64 = 0.95;

/// What of the client's wishes can be sent.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Sampling {
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) top_k: Option<u64>,
}

impl Sampling {
    /// Temperatures end at 1, and several models refuse a temperature beside `top_p`, later ones and
    /// all thinking ones any setting.
    pub(crate) fn allowed(
        parameters: &Parameters,
        version: Option<ClaudeVersion>,
        is_thinking: bool,
        loss: &mut Loss,
    ) -> Self {
        let is_refused = version.is_some_and(ClaudeVersion::refuses_sampling);
        let mut allow = |name: &str, is_allowed: bool| {
            if !is_allowed {
                loss.record(name);
            }
            is_allowed
        };
        let temperature = parameters.temperature.filter(|temperature| {
            let is_default = (*temperature - TEMPERATURE_MAX).abs() < f64::EPSILON;
            allow("temperature", is_default || !(is_refused || is_thinking))
        });
        let is_alone = parameters.temperature.is_none();
        let top_p = parameters.top_p.filter(|top_p| {
            let fits = !is_thinking || *top_p >= TOP_P_MIN_WHILE_THINKING;
            allow("top_p", is_alone && fits && !is_refused)
        });
        let top_k = parameters.top_k.filter(|_| allow("top_k", !is_refused && !is_thinking));
        if temperature.is_some_and(|temperature| temperature > TEMPERATURE_MAX) {
            loss.record("temperature");
        }
        let temperature = temperature.map(|temperature| temperature.min(TEMPERATURE_MAX));
        Self { temperature, top_p, top_k }
    }
}
