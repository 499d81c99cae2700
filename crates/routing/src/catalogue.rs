//! Providers, models, prices and routes, and how a model's name becomes endpoints.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

use backstay_core::{Error, ErrorCode, Price, Result};
use backstay_providers::{Provider, ProviderKind, Upstreams};
use futures::future::join_all;
use serde::{Deserialize, Serialize};

use crate::nearest::nearest;

/// One model at one provider.
#[derive(Clone)]
pub struct Endpoint {
    pub provider: Arc<Provider>,
    /// The provider's own name of the model.
    pub model: String,
    /// `None` when unknown: its generations then have no cost, rather than a wrong one.
    pub price: Option<Price>,
}

impl Endpoint {
    /// `provider/model`, the name that clients can use.
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider.id, self.model)
    }
}

/// What configuration says of a provider's model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfiguredModel {
    pub id: String,
    #[serde(default)]
    pub price: Option<Price>,
    #[serde(default)]
    pub context_length: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ModelFacts {
    pub price: Option<Price>,
    /// Tokens of prompt and completion together.
    pub context_length: Option<u64>,
}

/// A model name of the operator's own, served by endpoints in order of preference.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    pub id: String,
    /// `provider/model` each.
    pub endpoints: Vec<String>,
}

/// A line of the model list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelEntry {
    pub id: String,
    pub provider: String,
    pub display_name: Option<String>,
    pub facts: ModelFacts,
}

/// Shared by every call; replaced as a whole when model lists are refreshed.
pub struct Catalogue {
    snapshot: RwLock<Arc<Snapshot>>,
}

#[derive(Clone, Default)]
struct Snapshot {
    /// In order of preference for names without a provider.
    providers: Vec<Arc<Provider>>,
    /// By `provider/model`.
    facts: HashMap<String, ModelFacts>,
    routes: Vec<Route>,
    /// What each provider listed, by provider.
    listed: HashMap<String, Vec<ModelEntry>>,
}

impl Catalogue {
    /// `models` are configured models by provider. Fails when two providers share an id or a route
    /// names a provider that does not exist.
    pub fn new(
        providers: Vec<Arc<Provider>>,
        models: Vec<(String, ConfiguredModel)>,
        routes: Vec<Route>,
    ) -> Result<Self> {
        let mut snapshot = Snapshot { routes, ..Snapshot::default() };
        for provider in providers {
            snapshot.add(provider)?;
        }
        for (provider, model) in models {
            let name = format!("{provider}/{}", model.id);
            let facts = ModelFacts { price: model.price, context_length: model.context_length };
            snapshot.facts.insert(name.clone(), facts.clone());
            let entry =
                ModelEntry { id: name, provider: provider.clone(), display_name: None, facts };
            snapshot.listed.entry(provider).or_default().push(entry);
        }
        for route in &snapshot.routes {
            if route.endpoints.is_empty() {
                return Err(Error::invalid(format!("model {:?} has no endpoints", route.id)));
            }
            for endpoint in &route.endpoints {
                if snapshot.with_provider_prefix(endpoint).is_none() {
                    return Err(Error::invalid(format!(
                        "model {:?}: endpoint {endpoint:?} does not begin with the id of a \
                         configured provider and a slash",
                        route.id
                    )));
                }
            }
        }
        Ok(Self { snapshot: RwLock::new(Arc::new(snapshot)) })
    }

    /// The endpoints that serve a name, best first. Tried in this order: a configured route, a
    /// provider's id as prefix, a name that some provider lists.
    pub fn resolve(&self, name: &str) -> Result<Vec<Endpoint>> {
        let snapshot = self.snapshot();
        if let Some(route) = snapshot.routes.iter().find(|route| route.id == name) {
            let endpoints = route.endpoints.iter();
            return Ok(endpoints.filter_map(|name| snapshot.with_provider_prefix(name)).collect());
        }
        if let Some(endpoint) = snapshot.with_provider_prefix(name) {
            return Ok(vec![endpoint]);
        }
        snapshot
            .listed_anywhere(name)
            .map(|endpoint| vec![endpoint])
            .ok_or_else(|| self.unknown(name))
    }

    /// The error for a name that nothing serves, with the names that may have been meant.
    pub fn unknown(&self, name: &str) -> Error {
        let message = format!("there is no model {name:?}; {}", self.suggestion(name));
        Error::new(ErrorCode::ModelNotFound, message).with_parameter("model")
    }

    /// Adds the names that may have been meant to a provider's word that it has no such model.
    pub fn advise(&self, name: &str, error: Error) -> Error {
        if error.code() != ErrorCode::UpstreamModelNotFound {
            return error;
        }
        let message = format!("{}; {}", error.message(), self.suggestion(name));
        error.with_message(message).with_parameter("model")
    }

    fn suggestion(&self, name: &str) -> String {
        let known = self.models();
        let others = known.iter().map(|model| model.id.as_str()).filter(|known| *known != name);
        match nearest(name, others).as_slice() {
            [] => "GET /v1/models lists what there is".to_owned(),
            names => format!("did you mean {}? GET /v1/models lists all", names.join(" or ")),
        }
    }

    /// Everything that can be called, routes first, then by provider.
    pub fn models(&self) -> Vec<ModelEntry> {
        let snapshot = self.snapshot();
        let routes = snapshot.routes.iter().map(|route| ModelEntry {
            id: route.id.clone(),
            provider: "route".to_owned(),
            display_name: Some(route.endpoints.join(", ")),
            facts: ModelFacts::default(),
        });
        let listed = snapshot.providers.iter().filter_map(|p| snapshot.listed.get(&p.id)).flatten();
        routes.chain(listed.cloned()).collect()
    }

    pub fn providers(&self) -> Vec<Arc<Provider>> {
        self.snapshot().providers.clone()
    }

    /// Adds providers that were found later; one that is known already stays as it is.
    pub fn add_discovered(&self, found: Vec<Arc<Provider>>) {
        self.replace(|snapshot| {
            for provider in found {
                // Ignored on purpose: a configured provider of the same id wins.
                let _known = snapshot.add(provider);
            }
        });
    }

    /// Asks every provider for its models. One that does not answer keeps the list it had.
    pub async fn refresh(&self, upstreams: &Upstreams) {
        let mut providers = self.providers();
        // The built-in models are known and do not change.
        providers.retain(|provider| matches!(provider.kind, ProviderKind::Http(_)));
        let lists =
            join_all(providers.iter().map(|provider| upstreams.list_models(provider))).await;
        self.replace(|snapshot| {
            for (provider, list) in providers.iter().zip(lists) {
                match list {
                    Ok(models) => snapshot.set_listed(&provider.id, models),
                    Err(error) => {
                        tracing::debug!(provider = provider.id, %error, "no model list");
                    }
                }
            }
        });
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        match self.snapshot.read() {
            Ok(snapshot) => Arc::clone(&snapshot),
            Err(poisoned) => Arc::clone(&poisoned.into_inner()),
        }
    }

    fn replace(&self, change: impl FnOnce(&mut Snapshot)) {
        let mut guard = match self.snapshot.write() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        };
        let mut next = Snapshot::clone(&guard);
        change(&mut next);
        *guard = Arc::new(next);
    }
}

impl Snapshot {
    fn add(&mut self, provider: Arc<Provider>) -> Result<()> {
        if self.providers.iter().any(|known| known.id == provider.id) {
            return Err(Error::invalid(format!(
                "two providers have the id {:?}; give one another id",
                provider.id
            )));
        }
        if matches!(provider.kind, ProviderKind::Builtin) {
            let entries = backstay_providers::builtin_models().into_iter().map(|(id, about)| {
                let id = format!("{}/{id}", provider.id);
                let facts = ModelFacts { price: Some(Price::FREE), context_length: None };
                let display_name = Some(about.to_owned());
                ModelEntry { id, provider: provider.id.clone(), display_name, facts }
            });
            self.listed.insert(provider.id.clone(), entries.collect());
        }
        self.providers.push(provider);
        Ok(())
    }

    fn with_provider_prefix(&self, name: &str) -> Option<Endpoint> {
        let (id, model) = name.split_once('/')?;
        let provider = self.providers.iter().find(|provider| provider.id == id)?;
        (!model.is_empty()).then(|| self.endpoint(provider, model))
    }

    fn listed_anywhere(&self, model: &str) -> Option<Endpoint> {
        self.providers.iter().find_map(|provider| {
            let full = format!("{}/{model}", provider.id);
            let listed = self.listed.get(&provider.id)?;
            listed.iter().any(|entry| entry.id == full).then(|| self.endpoint(provider, model))
        })
    }

    fn endpoint(&self, provider: &Arc<Provider>, model: &str) -> Endpoint {
        let price = match provider.kind {
            ProviderKind::Builtin => Some(Price::FREE),
            ProviderKind::Http(_) => {
                let name = format!("{}/{model}", provider.id);
                self.facts.get(&name).and_then(|facts| facts.price.clone())
            }
        };
        Endpoint { provider: Arc::clone(provider), model: model.to_owned(), price }
    }

    fn set_listed(&mut self, provider: &str, models: Vec<backstay_wire::ListedModel>) {
        let entries = models.into_iter().map(|model| {
            let id = format!("{provider}/{}", model.id);
            let mut facts = self.facts.get(&id).cloned().unwrap_or_default();
            facts.context_length = facts.context_length.or(model.context_length);
            ModelEntry {
                id,
                provider: provider.to_owned(),
                display_name: model.display_name,
                facts,
            }
        });
        let mut entries: Vec<ModelEntry> = entries.collect();
        // Configured models stay listed where the provider's own list leaves them out.
        let known = self.listed.remove(provider).unwrap_or_default();
        let kept: Vec<ModelEntry> = known
            .into_iter()
            .filter(|entry| self.facts.contains_key(&entry.id))
            .filter(|entry| !entries.iter().any(|new| new.id == entry.id))
            .collect();
        entries.extend(kept);
        self.listed.insert(provider.to_owned(), entries);
    }
}
