//! Which model a provider's name and a model's name mean together.

use backstay_core::{Modality, RoutingPolicy, RoutingPreferences, Sort, SortBy, chat::ChatRequest};

use crate::Engine;

const PROVIDER_DEFAULT: &str = "openai";
const MODEL_DEFAULT: &str = "gpt-4o";
/// A provider of another kind of model, and its model that is meant where none is named.
const TYPED: (&str, &str) = ("typesafe", "jev-latest");
const AGGREGATOR: &str = "openrouter";
/// OpenRouter's model that stands for whichever suits the prompt.
const AUTO: &str = "openrouter/auto";
/// Models that the automatic choice is made among.
const AUTO_MODELS_MAX: usize = 8;
/// Names of providers that are called otherwise here.
const ALIASES: [(&str, &str); 5] = [
    ("google", "gemini"),
    ("aws-bedrock", "bedrock"),
    ("aws_bedrock", "bedrock"),
    ("xai", "x-ai"),
    ("x-ai", "xai"),
];

/// What the automatic choice may choose among.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AutoChoice {
    /// Names in which `*` stands for any characters; empty for every model.
    pub allowed: Vec<String>,
    pub excluded: Vec<String>,
    /// Whether the cheapest is wanted.
    pub cheap: bool,
}

impl Engine {
    /// The catalogue's name of a model: the first of its possible names that is known here. One that
    /// nobody knows keeps its first name, so that the error names it.
    pub fn model_named(&self, provider: Option<&str>, model: Option<&str>) -> String {
        let said = |text: Option<&str>| {
            text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let (provider, model) = (said(provider), said(model));
        let is_typed = provider.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(TYPED.0));
        let Some(model) = model.or_else(|| is_typed.then(|| TYPED.1.to_owned())) else {
            return format!("{PROVIDER_DEFAULT}/{MODEL_DEFAULT}");
        };
        let Some(provider) = provider.map(|provider| provider.to_lowercase()) else {
            let default = format!("{PROVIDER_DEFAULT}/{model}");
            let names = if model.contains('/') { [model, default] } else { [default, model] };
            return self.first_known(&names);
        };
        let alias = ALIASES.iter().find(|(theirs, _)| *theirs == provider).map(|(_, ours)| *ours);
        let mut names = vec![format!("{provider}/{model}")];
        names.extend(alias.map(|alias| format!("{alias}/{model}")));
        if provider == AGGREGATOR || model.starts_with(&format!("{provider}/")) {
            names.push(model);
        }
        self.first_known(&names)
    }

    fn first_known(&self, names: &[String]) -> String {
        let known = names.iter().find(|name| self.catalogue().resolve(name).is_ok());
        known.or(names.first()).cloned().unwrap_or_default()
    }

    /// Puts models of this installation in the place of the automatic choice, where no aggregator is there
    /// that makes it.
    pub(super) fn choose_automatically(&self, request: &mut ChatRequest, choice: &AutoChoice) {
        if request.model != AUTO || self.catalogue().resolve(AUTO).is_ok() {
            return;
        }
        let among = RoutingPolicy {
            allow_models: choice.allowed.clone(),
            deny_models: choice.excluded.clone(),
            ..RoutingPolicy::default()
        };
        let models = self.catalogue().models();
        let mut suitable = models
            .iter()
            .filter(|card| {
                among.permits_model(&card.id)
                    && card.output_modalities().contains(&Modality::Text)
                    && (request.tools.is_empty() || card.facts.supports("tools"))
            })
            .map(|card| card.id.clone())
            .take(AUTO_MODELS_MAX);
        let Some(first) = suitable.next() else { return };
        request.model = first;
        request.routing.models.extend(suitable);
        if choice.cheap {
            let RoutingPreferences { sort, .. } = &mut request.routing;
            *sort = sort.or(Some(Sort { by: SortBy::Price, across_models: true }));
        }
    }
}
