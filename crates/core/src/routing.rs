//! How a caller wants endpoints chosen: OpenRouter's `provider` object and what stands beside it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{Money, Quantization};

/// Names of providers are as OpenRouter writes them: a provider's id (`deepinfra`), which matches all
/// of its endpoints, or an endpoint's tag (`deepinfra/turbo`).
#[derive(Clone, Debug, PartialEq, Default, Serialize)]
pub struct RoutingPreferences {
    /// Models to fall back to, after the request's own.
    pub models: Vec<String>,
    /// Providers to try first, in this order; nothing else is weighed among them.
    pub order: Vec<String>,
    /// When not empty, the only providers.
    pub only: Vec<String>,
    pub ignore: Vec<String>,
    /// False: the first endpoint (or those of `order`) and no other.
    pub allow_fallbacks: Option<bool>,
    /// True: only endpoints that honour every parameter of the request.
    pub require_parameters: bool,
    /// True: no endpoint that may train on prompts.
    pub deny_data_collection: bool,
    /// True: only endpoints that neither store prompts nor train on them.
    pub zero_retention: bool,
    /// When not empty, only endpoints that process prompts in one of these regions.
    pub regions: Vec<String>,
    /// When not empty, only endpoints with one of these.
    pub quantizations: Vec<Quantization>,
    pub sort: Option<Sort>,
    pub price_max: PriceCeiling,
    /// Tokens per second that endpoints should reach; those that do not go to the back.
    pub throughput_min: Percentiles,
    /// Milliseconds to the first token that endpoints should keep to; others go to the back.
    pub latency_max: Percentiles,
    /// By provider: fields of the request's body for that provider alone.
    pub options: Map<String, Value>,
    /// Fields of OpenRouter's interface that a provider which passes calls on acts upon, and nobody
    /// else: `plugins`, `transforms` and the like.
    pub relayed: Map<String, Value>,
    /// What keeps a conversation at the endpoint whose prompt cache is warm.
    pub session: Option<String>,
    /// Whether an answer that breaks off is continued elsewhere, with what was said as its beginning.
    pub continue_broken: bool,
    /// Whether a second endpoint is asked when the first is slower than it usually is.
    pub hedge: Option<bool>,
    /// Whether the reply tells how the endpoint was chosen.
    pub trace: bool,
}

impl RoutingPreferences {
    /// The preferences with a policy's demands, so that whoever acts on them acts on both.
    #[must_use]
    pub fn narrowed_by(mut self, policy: &RoutingPolicy) -> Self {
        self.zero_retention |= policy.zero_retention;
        self.deny_data_collection |= policy.deny_data_collection;
        self.price_max = self.price_max.lower_of(&policy.price_max);
        for provider in &policy.deny_providers {
            if !self.ignore.contains(provider) {
                self.ignore.push(provider.clone());
            }
        }
        self
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sort {
    pub by: SortBy,
    /// True: the endpoints of all models are sorted together; false: each model's in turn.
    pub across_models: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum SortBy {
    Price,
    Throughput,
    Latency,
}

/// The most that an endpoint may charge, in dollars per token, request and image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PriceCeiling {
    pub prompt: Option<Money>,
    pub completion: Option<Money>,
    pub request: Option<Money>,
    pub image: Option<Money>,
}

impl PriceCeiling {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    fn lower_of(&self, other: &Self) -> Self {
        let lower = |a: Option<Money>, b: Option<Money>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        };
        Self {
            prompt: lower(self.prompt, other.prompt),
            completion: lower(self.completion, other.completion),
            request: lower(self.request, other.request),
            image: lower(self.image, other.image),
        }
    }
}

/// A bound for each percentile that is given; all of them have to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Percentiles {
    pub p50: Option<f64>,
    pub p75: Option<f64>,
    pub p90: Option<f64>,
    pub p99: Option<f64>,
}

impl Percentiles {
    /// The percentiles that are bounded, as fractions.
    pub fn given(&self) -> impl Iterator<Item = (f64, f64)> {
        let all = [(0.5, self.p50), (0.75, self.p75), (0.9, self.p90), (0.99, self.p99)];
        all.into_iter().filter_map(|(percentile, bound)| Some((percentile, bound?)))
    }
}

/// What an operator, or the owner of a key, permits, whatever a request asks for. It holds for
/// fallbacks and for Backstay's own calls too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoutingPolicy {
    /// When not empty, the only models. `*` stands for any characters: `anthropic/*`.
    pub allow_models: Vec<String>,
    pub deny_models: Vec<String>,
    /// When not empty, the only providers, by id or tag.
    pub allow_providers: Vec<String>,
    pub deny_providers: Vec<String>,
    /// True: no endpoint that may train on prompts.
    pub deny_data_collection: bool,
    /// True: only endpoints that neither store prompts nor train on them.
    pub zero_retention: bool,
    /// When not empty, only endpoints that process prompts in one of these regions.
    pub regions: Vec<String>,
    pub price_max: PriceCeiling,
}

impl RoutingPolicy {
    pub fn permits_model(&self, name: &str) -> bool {
        let matches = |patterns: &[String]| patterns.iter().any(|pattern| is_like(pattern, name));
        (self.allow_models.is_empty() || matches(&self.allow_models)) && !matches(&self.deny_models)
    }
}

/// Whether a name fits a pattern in which `*` stands for any characters, none included.
fn is_like(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else {
        return rest.is_empty();
    };
    for piece in middle {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_authors_and_families() {
        for (pattern, name, fits) in [
            ("anthropic/*", "anthropic/claude-sonnet-4.5", true),
            ("anthropic/*", "openai/gpt-4o", false),
            ("*", "anything", true),
            ("openai/gpt-4o", "openai/gpt-4o", true),
            ("openai/gpt-4o", "openai/gpt-4o-mini", false),
            ("*/llama-*-instruct", "meta-llama/llama-3.3-70b-instruct", true),
            ("*:free", "a/b:free", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(is_like(pattern, name), fits, "{pattern} {name}");
        }
        let policy = RoutingPolicy {
            allow_models: vec!["openai/*".to_owned()],
            deny_models: vec!["*-preview".to_owned()],
            ..RoutingPolicy::default()
        };
        assert!(policy.permits_model("openai/gpt-4o"));
        assert!(!policy.permits_model("openai/o9-preview"));
        assert!(!policy.permits_model("google/gemini"));
    }
}
