//! From what everyone says to what is known of each endpoint.
//!
//! In order of trust: the operator's configuration; an aggregator's word on that provider's endpoint;
//! the provider's own list; the shipped catalogue. What none of them knows of the endpoint is taken
//! from what is known of its model, but never a price: that is the endpoint's own.

use std::{collections::HashMap, sync::Arc};

use backstay_core::{DataPolicy, EndpointFacts, Price, Timestamp};
use backstay_providers::{Provider, ProviderKind, presets};
use backstay_wire::ListedModel;

use super::{
    ConfiguredModel, Endpoint, ModelEntry, PriceSource,
    names::Names,
    offers::offer_for,
    seed::{SeedEndpoint, seed},
    sources::{Gone, ProviderList, Sources},
};

/// An endpoint and all that is known of it.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) endpoint: Endpoint,
    pub(super) entry: Arc<ModelEntry>,
    /// Whether lists show it: its provider says that it has it, or does not say what it has.
    pub(super) is_listed: bool,
}

/// All endpoints, by provider in order of preference.
pub(super) fn rows(sources: &Sources) -> Vec<Row> {
    let builder = Builder::new(sources);
    sources.providers.iter().flat_map(|provider| builder.of_provider(provider)).collect()
}

struct Builder<'a> {
    sources: &'a Sources,
    /// The models of the first aggregator's list, by catalogue name.
    models: HashMap<&'a str, &'a ListedModel>,
    aggregator: Option<(&'a Provider, &'a ProviderList)>,
    names: Names<'a>,
}

/// What one provider is known to have said of one model.
#[derive(Clone, Copy, Default)]
struct Said<'a> {
    listed: Option<&'a ListedModel>,
    gone: Option<Timestamp>,
    configured: Option<&'a ConfiguredModel>,
    seeded: Option<&'a SeedEndpoint>,
}

impl<'a> Builder<'a> {
    fn new(sources: &'a Sources) -> Self {
        let aggregators = sources.providers.iter().filter(|provider| provider.is_aggregator);
        let aggregator = aggregators
            .filter_map(|provider| Some((&**provider, &**sources.lists.get(&provider.id)?)))
            .next();
        let listed = aggregator.map(|(_, list)| list.models.as_slice()).unwrap_or_default();
        let models = listed.iter().map(|model| (model.id.as_str(), model)).collect();
        let names = listed.iter().map(|model| model.id.as_str()).chain(seed().names());
        Self { sources, models, aggregator, names: Names::of(names) }
    }

    fn of_provider(&self, provider: &'a Arc<Provider>) -> Vec<Row> {
        let ProviderKind::Http(http) = &provider.kind else {
            return builtin(provider);
        };
        let list = self.sources.lists.get(&provider.id).map(|list| &**list);
        // A provider under another id is known by where it is.
        let preset = presets().iter().find(|preset| preset.base_url == http.base_url);
        let seeded = seed().endpoints(preset.map_or(&provider.id, |preset| preset.id));
        let mut said: HashMap<&str, Said<'_>> = HashMap::new();
        let mut order: Vec<&str> = Vec::new();
        let mut entry = |id: &'a str, note: &dyn Fn(&mut Said<'a>)| {
            let said = said.entry(id).or_insert_with(|| {
                order.push(id);
                Said::default()
            });
            note(said);
        };
        for model in list.map(|list| list.models.as_slice()).unwrap_or_default() {
            entry(&model.id, &|said| said.listed = Some(model));
        }
        for model in self.sources.configured_of(&provider.id) {
            entry(&model.id, &|said| said.configured = Some(model));
        }
        for endpoint in seeded {
            entry(&endpoint.id, &|said| said.seeded = Some(endpoint));
        }
        for Gone { model, since } in list.map(|list| list.gone.as_slice()).unwrap_or_default() {
            entry(&model.id, &|said| (said.listed, said.gone) = (Some(model), Some(*since)));
        }
        let row = |id: &&str| {
            let said = said.get(*id).copied().unwrap_or_default();
            self.row(provider, id, said, list)
        };
        order.iter().map(row).collect()
    }

    fn row(
        &self,
        provider: &Arc<Provider>,
        id: &str,
        said: Said<'a>,
        list: Option<&ProviderList>,
    ) -> Row {
        let model = self.catalogue_name(provider, id, said);
        let offer = model.as_deref().filter(|_| !provider.is_aggregator).and_then(|model| {
            let (aggregator, list) = self.aggregator?;
            Some((aggregator, offer_for(list, model, &provider.id)?))
        });
        let configured = said.configured.map(ConfiguredModel::facts).unwrap_or_default();
        let own = said.listed.map(listed_facts).unwrap_or_default();
        let day = |at: Timestamp| Some(at.date());
        // In order of trust.
        let said_by = [
            (configured, "configuration", None),
            offer.map_or_else(Default::default, |(aggregator, offer)| {
                (offer.facts.clone(), aggregator.id.as_str(), day(offer.taken_at))
            }),
            (own, provider.id.as_str(), list.and_then(|list| day(list.taken_at))),
        ];
        let mut facts = EndpointFacts::default();
        let mut price_source = None;
        for (said, name, as_of) in said_by {
            if facts.price.is_none() && said.price.is_some() {
                price_source = Some(PriceSource { name: name.to_owned(), as_of });
            }
            facts = facts.or(&said);
        }
        if let Some(seeded) = said.seeded {
            if facts.price.is_none() {
                price_source = seeded.price_source.clone();
            }
            facts = facts.or(&seeded.facts);
        }
        facts = facts.or(&EndpointFacts { data: provider.data.clone(), ..Default::default() });
        if let Some(model) = &model {
            facts = facts.or(&self.facts_of_model(model));
        }
        let facts = Arc::new(facts);
        // Configured models can be called whatever the list says.
        let gone_since = said.gone.filter(|_| said.configured.is_none());
        let is_listed = gone_since.is_none()
            && (list.is_none() || said.listed.is_some() || said.configured.is_some());
        let entry = ModelEntry {
            id: format!("{}/{id}", provider.id),
            provider: provider.id.clone(),
            display_name: self.display_name(model.as_deref(), said),
            created: self.created(model.as_deref(), said),
            facts: Arc::clone(&facts),
            model,
            price_source,
            gone_since,
        };
        let endpoint = Endpoint { provider: Arc::clone(provider), model: id.to_owned(), facts };
        Row { endpoint, entry: Arc::new(entry), is_listed }
    }

    /// Which model of the catalogue a provider's is.
    fn catalogue_name(&self, provider: &Provider, id: &str, said: Said<'_>) -> Option<String> {
        if let Some(named) = said.configured.and_then(|configured| configured.model.clone()) {
            return Some(named);
        }
        if provider.is_aggregator {
            return id.contains('/').then(|| id.to_owned());
        }
        let seeded = said.seeded.map(|seeded| seeded.model.as_str());
        seeded.or_else(|| self.names.find(id)).map(str::to_owned)
    }

    /// Without what can differ from one provider to the next to a caller's harm.
    fn facts_of_model(&self, name: &str) -> EndpointFacts {
        let live = self.models.get(name).map(|model| listed_facts(model)).unwrap_or_default();
        let live = EndpointFacts { price: None, ..live };
        match seed().model(name) {
            Some(seeded) => live.or(&seeded.facts),
            None => live,
        }
    }

    fn display_name(&self, model: Option<&str>, said: Said<'_>) -> Option<String> {
        let own = said.listed.and_then(|listed| listed.display_name.clone());
        let live = || self.models.get(model?)?.display_name.clone();
        own.or_else(live).or_else(|| Some(seed().model(model?)?.name.clone()))
    }

    fn created(&self, model: Option<&str>, said: Said<'_>) -> Option<i64> {
        let own = said.listed.and_then(|listed| listed.created);
        own.or_else(|| self.models.get(model?)?.created)
    }
}

fn listed_facts(model: &ListedModel) -> EndpointFacts {
    let facts = model.facts.clone();
    EndpointFacts { context_length: facts.context_length.or(model.context_length), ..facts }
}

fn builtin(provider: &Arc<Provider>) -> Vec<Row> {
    let facts = Arc::new(builtin_facts());
    let row = |(id, about): (&str, &str)| {
        let entry = ModelEntry {
            id: format!("{}/{id}", provider.id),
            provider: provider.id.clone(),
            model: None,
            display_name: Some(about.to_owned()),
            created: None,
            facts: Arc::clone(&facts),
            price_source: Some(PriceSource { name: provider.id.clone(), as_of: None }),
            gone_since: None,
        };
        let endpoint = Endpoint {
            provider: Arc::clone(provider),
            model: id.to_owned(),
            facts: Arc::clone(&facts),
        };
        Row { endpoint, entry: Arc::new(entry), is_listed: true }
    };
    backstay_providers::builtin_models().into_iter().map(row).collect()
}

pub(super) fn builtin_facts() -> EndpointFacts {
    EndpointFacts {
        price: Some(Price::FREE),
        data: DataPolicy::NOTHING_KEPT,
        ..EndpointFacts::default()
    }
}
