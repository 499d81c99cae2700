//! What no endpoint may be used in spite of. These hold for fallbacks too.

use backstay_core::{DataPolicy, Money, Price, PriceCeiling, RoutingPolicy, RoutingPreferences};
use serde::Serialize;
use utoipa::ToSchema;

use super::{candidate::Candidate, needs::Needs};
use crate::Endpoint;

/// Our count of a prompt may be off by about a tenth; an endpoint is not given up for that.
const ESTIMATE_MARGIN_PERCENT: u64 = 85;

/// Why an endpoint is out of the question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Removal {
    /// Which filter, in the word of the request or the policy: `max_price`, `zdr`, `context_length`.
    pub filter: &'static str,
    /// What about the endpoint, for people.
    pub reason: String,
}

impl Removal {
    fn new(filter: &'static str, reason: impl Into<String>) -> Self {
        Self { filter, reason: reason.into() }
    }
}

/// The filters of a request in the order in which they are asked; a policy's come before them.
const IN_ORDER: [&str; 12] = [
    "ignore",
    "only",
    "variant",
    "zdr",
    "data_collection",
    "region",
    "quantizations",
    "modality",
    "require_parameters",
    "max_tokens",
    "context_length",
    "max_price",
];

/// Where in that order a filter stands; 0 for a policy's.
pub(super) fn place(filter: &str) -> usize {
    IN_ORDER.iter().position(|known| *known == filter).map_or(0, |place| place + 1)
}

/// What has to hold of every endpoint of a call.
pub(super) struct Filters<'a> {
    /// Narrowed by the policies already.
    pub(super) preferences: &'a RoutingPreferences,
    /// For what a preference cannot say: which models and providers may be called, and where.
    pub(super) policies: &'a [&'a RoutingPolicy],
    pub(super) needs: &'a Needs<'a>,
}

impl Filters<'_> {
    /// The first reason against a candidate, `None` when there is none.
    pub(super) fn against(&self, candidate: &Candidate) -> Option<Removal> {
        let endpoint = &candidate.endpoint;
        self.by_policy(candidate)
            .or_else(|| self.by_provider(endpoint))
            .or_else(|| by_variant(candidate))
            .or_else(|| self.by_data_policy(endpoint))
            .or_else(|| self.by_region(endpoint))
            .or_else(|| self.by_quantization(endpoint))
            .or_else(|| self.by_ability(endpoint))
            .or_else(|| self.by_length(endpoint))
            .or_else(|| self.by_price(endpoint))
    }

    fn by_policy(&self, candidate: &Candidate) -> Option<Removal> {
        let endpoint = &candidate.endpoint;
        self.policies.iter().find_map(|policy| {
            let own_name = endpoint.name();
            let names = [candidate.requested.as_str(), endpoint.model.as_str(), own_name.as_str()];
            let is_denied = |name: &str| {
                !RoutingPolicy { allow_models: Vec::new(), ..(*policy).clone() }.permits_model(name)
            };
            if !policy.deny_models.is_empty() && names.iter().any(|name| is_denied(name)) {
                return Some(Removal::new("policy.deny_models", "the policy denies this model"));
            }
            if !policy.allow_models.is_empty()
                && !names.iter().any(|name| policy.permits_model(name))
            {
                return Some(Removal::new(
                    "policy.allow_models",
                    "the policy does not allow this model",
                ));
            }
            if is_named(endpoint, &policy.deny_providers) {
                return Some(Removal::new(
                    "policy.deny_providers",
                    "the policy denies this provider",
                ));
            }
            if !policy.allow_providers.is_empty() && !is_named(endpoint, &policy.allow_providers) {
                return Some(Removal::new(
                    "policy.allow_providers",
                    "the policy does not allow this provider",
                ));
            }
            None
        })
    }

    /// An aggregator is told which of its own providers are wanted, and stays.
    fn by_provider(&self, endpoint: &Endpoint) -> Option<Removal> {
        let preferences = self.preferences;
        if is_named(endpoint, &preferences.ignore) {
            return Some(Removal::new("ignore", "the request ignores this provider"));
        }
        let only = &preferences.only;
        if !only.is_empty() && !is_named(endpoint, only) && !endpoint.provider.is_aggregator {
            return Some(Removal::new("only", "the request names other providers only"));
        }
        None
    }

    fn by_data_policy(&self, endpoint: &Endpoint) -> Option<Removal> {
        // What an aggregator is told, it sees to.
        if endpoint.provider.is_aggregator {
            return None;
        }
        let data = &endpoint.facts.data;
        if self.preferences.zero_retention && !data.is_zero_retention() {
            return Some(Removal::new("zdr", unless(data.retains, "stores prompts")));
        }
        if self.preferences.deny_data_collection && data.collects() {
            return Some(Removal::new("data_collection", unless(data.trains, "trains on prompts")));
        }
        None
    }

    fn by_region(&self, endpoint: &Endpoint) -> Option<Removal> {
        let DataPolicy { region, .. } = &endpoint.facts.data;
        let wanted = self.policies.iter().map(|policy| &policy.regions);
        let mut wanted = wanted.chain([&self.preferences.regions]).filter(|all| !all.is_empty());
        let fails = wanted.any(|all| region.as_ref().is_none_or(|region| !all.contains(region)));
        fails.then(|| {
            let reason = match region {
                Some(region) => format!("it processes prompts in {region}"),
                None => "where it processes prompts is not known".to_owned(),
            };
            Removal::new("region", reason)
        })
    }

    fn by_quantization(&self, endpoint: &Endpoint) -> Option<Removal> {
        let wanted = &self.preferences.quantizations;
        if wanted.is_empty() || endpoint.provider.is_aggregator {
            return None;
        }
        let own = endpoint.facts.quantization.unwrap_or(backstay_core::Quantization::Unknown);
        (!wanted.iter().any(|wanted| wanted.admits(own))).then(|| {
            Removal::new("quantizations", format!("its quantization is {own:?}").to_lowercase())
        })
    }

    fn by_ability(&self, endpoint: &Endpoint) -> Option<Removal> {
        if let Some(own) = &endpoint.facts.input_modalities
            && let Some(lacking) =
                self.needs.modalities().iter().find(|needed| !own.contains(needed))
        {
            let reason = format!("it takes no {lacking:?} input").to_lowercase();
            return Some(Removal::new("modality", reason));
        }
        if !self.preferences.require_parameters || endpoint.facts.parameters.is_none() {
            return None;
        }
        let lacking = self.needs.parameters().iter().find(|name| !endpoint.facts.supports(name));
        lacking.map(|name| Removal::new("require_parameters", format!("it does not honour {name}")))
    }

    fn by_length(&self, endpoint: &Endpoint) -> Option<Removal> {
        let asked = self.needs.output_tokens_max();
        if let (Some(asked), Some(own)) = (asked, endpoint.facts.output_tokens_max)
            && asked > own
        {
            let reason = format!("it answers with at most {own} tokens");
            return Some(Removal::new("max_tokens", reason));
        }
        let context = endpoint.facts.context_length?;
        let prompt = self.needs.prompt_tokens() * ESTIMATE_MARGIN_PERCENT / 100;
        (prompt + asked.unwrap_or(0) > context).then(|| {
            let reason = format!(
                "its context has {context} tokens; the prompt has about {} and the answer may have {}",
                self.needs.prompt_tokens(),
                asked.unwrap_or(0)
            );
            Removal::new("context_length", reason)
        })
    }

    fn by_price(&self, endpoint: &Endpoint) -> Option<Removal> {
        let ceiling = &self.preferences.price_max;
        if ceiling.is_none() {
            return None;
        }
        let reason = match endpoint.price() {
            Some(price) => over(price, ceiling)?,
            None if endpoint.provider.is_aggregator => return None,
            None => "its price is not known".to_owned(),
        };
        Some(Removal::new("max_price", reason))
    }
}

fn over(price: &Price, ceiling: &PriceCeiling) -> Option<String> {
    let prices = [
        ("prompt", Some(price.prompt), ceiling.prompt),
        ("completion", Some(price.completion), ceiling.completion),
        ("request", price.request, ceiling.request),
    ];
    prices.into_iter().find_map(|(name, own, most)| {
        let (own, most) = (own.unwrap_or(Money::ZERO), most?);
        (own > most).then(|| format!("its {name} price is {own} dollars, above {most}"))
    })
}

fn by_variant(candidate: &Candidate) -> Option<Removal> {
    let endpoint = &candidate.endpoint;
    if let Some(word) = candidate.variant.only_passed_on
        && !endpoint.provider.is_aggregator
    {
        let reason = format!("`:{word}` needs a provider that offers it, such as OpenRouter");
        return Some(Removal::new("variant", reason));
    }
    let is_free = endpoint
        .price()
        .is_some_and(|price| price.prompt == Money::ZERO && price.completion == Money::ZERO);
    (candidate.variant.free && !is_free && !endpoint.provider.is_aggregator)
        .then(|| Removal::new("variant", "`:free` asks for an endpoint that costs nothing"))
}

fn unless(known: Option<bool>, does: &str) -> String {
    match known {
        Some(_) => format!("it {does}"),
        None => format!("whether it {does} is not known, which counts as yes"),
    }
}

/// Whether a list names the endpoint's provider.
pub(super) fn is_named(endpoint: &Endpoint, names: &[String]) -> bool {
    position(endpoint, names).is_some()
}

/// Where in a list the endpoint's provider is named: by id or by display name, whatever the case.
pub(super) fn position(endpoint: &Endpoint, names: &[String]) -> Option<usize> {
    let provider = &endpoint.provider;
    names.iter().position(|name| {
        name.eq_ignore_ascii_case(&provider.id) || name.eq_ignore_ascii_case(&provider.name)
    })
}
