//! The catalogue as it is at one moment.

use std::{collections::HashMap, sync::Arc};

use backstay_core::{DataPolicy, EndpointFacts, Error, Price, Result};
use backstay_providers::{Provider, ProviderKind};
use backstay_wire::ListedModel;

use super::{ConfiguredModel, Endpoint, ModelEntry, Resolved, Route};

#[derive(Clone, Default)]
pub(super) struct Snapshot {
    /// In order of preference for names without a provider.
    pub(super) providers: Vec<Arc<Provider>>,
    /// By `provider/model`.
    pub(super) facts: HashMap<String, Arc<EndpointFacts>>,
    /// The endpoints of a catalogue name (`author/slug`), as provider and its own name of the model.
    pub(super) serving: HashMap<String, Vec<(String, String)>>,
    pub(super) routes: Vec<Route>,
    /// What each provider listed, by provider.
    pub(super) listed: HashMap<String, Vec<ModelEntry>>,
}

impl Snapshot {
    pub(super) fn add_provider(&mut self, provider: Arc<Provider>) -> Result<()> {
        if self.providers.iter().any(|known| known.id == provider.id) {
            return Err(Error::invalid(format!(
                "two providers have the id {:?}; give one another id",
                provider.id
            )));
        }
        if matches!(provider.kind, ProviderKind::Builtin) {
            let entries = backstay_providers::builtin_models().into_iter().map(|(id, about)| {
                let id = format!("{}/{id}", provider.id);
                let facts = builtin_facts();
                let display_name = Some(about.to_owned());
                ModelEntry { id, provider: provider.id.clone(), display_name, facts }
            });
            self.listed.insert(provider.id.clone(), entries.collect());
        }
        self.providers.push(provider);
        Ok(())
    }

    pub(super) fn add_configured(&mut self, provider: String, model: ConfiguredModel) {
        let name = format!("{provider}/{}", model.id);
        let facts = model.facts();
        self.facts.insert(name.clone(), Arc::new(facts.clone()));
        if let Some(canonical) = model.model {
            self.serve(canonical, &provider, &model.id);
        }
        let entry = ModelEntry { id: name, provider: provider.clone(), display_name: None, facts };
        self.listed.entry(provider).or_default().push(entry);
    }

    /// Notes that a provider's model is the one of this catalogue name.
    fn serve(&mut self, canonical: String, provider: &str, model: &str) {
        let serving = self.serving.entry(canonical).or_default();
        if !serving.iter().any(|(id, own)| id == provider && own == model) {
            serving.push((provider.to_owned(), model.to_owned()));
        }
    }

    pub(super) fn resolve(&self, name: &str) -> Option<Resolved> {
        if let Some(route) = self.routes.iter().find(|route| route.id == name) {
            let endpoints = route.endpoints.iter().flat_map(|name| self.of_route(name)).collect();
            return Some(Resolved { endpoints, is_route: true });
        }
        let mut endpoints = self.endpoints(name);
        if endpoints.is_empty() {
            endpoints.extend(self.listed_anywhere(name));
        }
        (!endpoints.is_empty()).then_some(Resolved { endpoints, is_route: false })
    }

    /// Whether somebody has said that there is a model of exactly this name.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.routes.iter().any(|route| route.id == name)
            || self.serving.contains_key(name)
            || self.facts.contains_key(name)
            || self.is_listed(name)
            || self.listed_anywhere(name).is_some()
    }

    fn is_listed(&self, name: &str) -> bool {
        let provider = name.split_once('/').and_then(|(id, _)| self.listed.get(id));
        provider.is_some_and(|listed| listed.iter().any(|entry| entry.id == name))
    }

    /// The endpoints of a name that says a provider, a model of the catalogue, or both: `openai/gpt-4o`
    /// is OpenAI's own endpoint and those of everyone else who runs that model. Who runs a model comes
    /// before who passes it on.
    fn endpoints(&self, name: &str) -> Vec<Endpoint> {
        let mut endpoints: Vec<Endpoint> = self.with_provider_prefix(name).into_iter().collect();
        for (provider, model) in self.serving.get(name).into_iter().flatten() {
            if let Some(provider) = self.provider(provider) {
                let endpoint = self.endpoint(provider, model);
                if !endpoints.iter().any(|known| known.is_same(&endpoint)) {
                    endpoints.push(endpoint);
                }
            }
        }
        endpoints.sort_by_key(|endpoint| endpoint.provider.is_aggregator);
        endpoints
    }

    /// In a route a provider's id means that provider and no other.
    pub(super) fn of_route(&self, name: &str) -> Vec<Endpoint> {
        match self.with_provider_prefix(name) {
            Some(endpoint) => vec![endpoint],
            None => self.endpoints(name),
        }
    }

    fn with_provider_prefix(&self, name: &str) -> Option<Endpoint> {
        let (id, model) = name.split_once('/')?;
        let provider = self.provider(id)?;
        // An aggregator's own models carry its name: `openrouter/auto`.
        let is_its_own = provider.is_aggregator && !model.contains('/');
        let model = if is_its_own { name } else { model };
        (!model.is_empty()).then(|| self.endpoint(provider, model))
    }

    /// A name without a provider, at the first provider that lists it.
    fn listed_anywhere(&self, model: &str) -> Option<Endpoint> {
        self.providers.iter().find_map(|provider| {
            let full = format!("{}/{model}", provider.id);
            let listed = self.listed.get(&provider.id)?;
            listed.iter().any(|entry| entry.id == full).then(|| self.endpoint(provider, model))
        })
    }

    fn provider(&self, id: &str) -> Option<&Arc<Provider>> {
        self.providers.iter().find(|provider| provider.id == id)
    }

    fn endpoint(&self, provider: &Arc<Provider>, model: &str) -> Endpoint {
        let facts = match provider.kind {
            ProviderKind::Builtin => Arc::new(builtin_facts()),
            ProviderKind::Http(_) => {
                let name = format!("{}/{model}", provider.id);
                self.facts.get(&name).cloned().unwrap_or_default()
            }
        };
        Endpoint { provider: Arc::clone(provider), model: model.to_owned(), facts }
    }

    pub(super) fn set_listed(&mut self, provider: &Provider, models: Vec<ListedModel>) {
        if provider.is_aggregator {
            for model in &models {
                self.serve(model.id.clone(), &provider.id, &model.id);
            }
        }
        let id = &provider.id;
        let entries = models.into_iter().map(|model| {
            let name = format!("{id}/{}", model.id);
            let configured = self.facts.get(&name).map(|facts| facts.as_ref().clone());
            let said = EndpointFacts { context_length: model.context_length, ..Default::default() };
            let facts = configured.unwrap_or_default().or(&said);
            ModelEntry { id: name, provider: id.clone(), display_name: model.display_name, facts }
        });
        let mut entries: Vec<ModelEntry> = entries.collect();
        // Configured models stay listed where the provider's own list leaves them out.
        let known = self.listed.remove(id).unwrap_or_default();
        let kept: Vec<ModelEntry> = known
            .into_iter()
            .filter(|entry| self.facts.contains_key(&entry.id))
            .filter(|entry| !entries.iter().any(|new| new.id == entry.id))
            .collect();
        entries.extend(kept);
        self.listed.insert(id.clone(), entries);
    }
}

fn builtin_facts() -> EndpointFacts {
    EndpointFacts {
        price: Some(Price::FREE),
        data: DataPolicy::NOTHING_KEPT,
        ..EndpointFacts::default()
    }
}
