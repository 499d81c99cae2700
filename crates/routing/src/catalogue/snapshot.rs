//! The catalogue as it is at one moment, and finding endpoints in it.

use std::{collections::HashMap, sync::Arc};

use backstay_core::EndpointFacts;
use backstay_providers::{Provider, ProviderKind};

use super::{
    Endpoint, ModelEntry, Resolved, Route,
    build::{self, Row, builtin_facts},
    card::{self, ModelCard},
    sources::Sources,
};

#[derive(Default)]
pub(super) struct Snapshot {
    pub(super) sources: Sources,
    pub(super) rows: Vec<Row>,
    /// By `provider/model`, positions in `rows`.
    by_name: HashMap<String, usize>,
    /// By catalogue name, positions of those who serve the model.
    serving: HashMap<String, Vec<usize>>,
    /// What lists of models show.
    pub(super) cards: Vec<ModelCard>,
}

impl Snapshot {
    pub(super) fn of(sources: Sources) -> Self {
        let rows = build::rows(&sources);
        let by_name = rows.iter().enumerate().map(|(at, row)| (row.entry.id.clone(), at)).collect();
        let mut serving: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            // What is neither listed nor configured is known, but perhaps not sold any more.
            if let Some(model) = row.entry.model.as_ref().filter(|_| row.is_listed) {
                serving.entry(model.clone()).or_default().push(at);
            }
        }
        let mut snapshot = Self { sources, rows, by_name, serving, cards: Vec::new() };
        snapshot.cards = card::cards(&snapshot);
        snapshot
    }

    pub(super) fn routes(&self) -> &[Route] {
        &self.sources.routes
    }

    pub(super) fn resolve(&self, name: &str) -> Option<Resolved> {
        if let Some(route) = self.routes().iter().find(|route| route.id == name) {
            let endpoints = route.endpoints.iter().flat_map(|name| self.of_route(name)).collect();
            return Some(Resolved { endpoints, is_route: true });
        }
        let mut endpoints = self.endpoints(name);
        if endpoints.is_empty() {
            endpoints.extend(self.listed_anywhere(name));
        }
        (!endpoints.is_empty()).then_some(Resolved { endpoints, is_route: false })
    }

    /// Whether somebody has said that there is, or was, a model of exactly this name.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.routes().iter().any(|route| route.id == name)
            || self.serving.contains_key(name)
            || self.by_name.contains_key(name)
            || self.listed_anywhere(name).is_some()
            || self.gone_model(name).is_some()
    }

    /// The endpoints of a name that says a provider, a model of the catalogue, or both: `openai/gpt-4o`
    /// is OpenAI's own endpoint and those of everyone else who runs that model. Who runs a model comes
    /// before who passes it on.
    fn endpoints(&self, name: &str) -> Vec<Endpoint> {
        let serving = self.serving.get(name).map(Vec::as_slice).unwrap_or_default();
        let mut endpoints: Vec<Endpoint> =
            serving.iter().map(|at| self.rows[*at].endpoint.clone()).collect();
        // Where the catalogue knows who serves the name, its author's id in front of it is no proof
        // that the provider calls the model so.
        let is_known = self.by_name.contains_key(name) || serving.is_empty();
        let named = self.with_provider_prefix(name).filter(|_| is_known);
        let named = named.filter(|named| !endpoints.iter().any(|known| known.is_same(named)));
        if let Some(named) = named {
            endpoints.insert(0, named);
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

    /// What is known under `provider/model`.
    pub(super) fn row(&self, name: &str) -> Option<&Row> {
        self.by_name.get(name).map(|at| &self.rows[*at])
    }

    /// What is listed under a catalogue name.
    pub(super) fn serving(&self, model: &str) -> impl Iterator<Item = &Row> {
        self.serving.get(model).into_iter().flatten().map(|at| &self.rows[*at])
    }

    /// The entry of a model that its provider listed once and does not any more.
    pub(super) fn gone(&self, endpoint: &Endpoint) -> Option<&ModelEntry> {
        let entry = &self.row(&endpoint.name())?.entry;
        entry.gone_since.is_some().then_some(entry)
    }

    /// The entry of a catalogue name that nobody lists any more.
    pub(super) fn gone_model(&self, model: &str) -> Option<&ModelEntry> {
        let of_it = |entry: &&Arc<ModelEntry>| {
            entry.gone_since.is_some()
                && (entry.model.as_deref() == Some(model) || entry.id == model)
        };
        self.rows.iter().map(|row| &row.entry).filter(of_it).map(|entry| &**entry).next()
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
        self.sources.providers.iter().find_map(|provider| {
            let row = self.row(&format!("{}/{model}", provider.id))?;
            row.is_listed.then(|| row.endpoint.clone())
        })
    }

    fn provider(&self, id: &str) -> Option<&Arc<Provider>> {
        self.sources.providers.iter().find(|provider| provider.id == id)
    }

    fn endpoint(&self, provider: &Arc<Provider>, model: &str) -> Endpoint {
        if let Some(row) = self.row(&format!("{}/{model}", provider.id)) {
            return row.endpoint.clone();
        }
        let facts = match provider.kind {
            ProviderKind::Builtin => builtin_facts(),
            ProviderKind::Http(_) | ProviderKind::WebSearch => {
                EndpointFacts { data: provider.data.clone(), ..EndpointFacts::default() }
            }
        };
        Endpoint { provider: Arc::clone(provider), model: model.to_owned(), facts: Arc::new(facts) }
    }
}
