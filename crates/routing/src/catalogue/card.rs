//! Models as lists show them: each once, with everyone here who serves it.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use backstay_core::{EndpointFacts, Modality, Money};

use super::{ModelEntry, snapshot::Snapshot};

/// A name that can be called: a route, a model of the catalogue, or a provider's own model that the
/// catalogue does not know.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelCard {
    pub id: String,
    pub name: String,
    /// Seconds since the Unix epoch.
    pub created: Option<i64>,
    pub facts: EndpointFacts,
    /// In order of preference.
    pub endpoints: Vec<Arc<ModelEntry>>,
    pub is_route: bool,
}

impl ModelCard {
    /// The part of the name before the slash.
    pub fn author(&self) -> &str {
        self.id.split_once('/').map_or("", |(author, _)| author)
    }
}

/// Routes first, then the newest models; those of unknown age last.
pub(super) fn cards(snapshot: &Snapshot) -> Vec<ModelCard> {
    let mut by_id: HashMap<&str, Vec<Arc<ModelEntry>>> = HashMap::new();
    for row in snapshot.rows.iter().filter(|row| row.is_listed) {
        let id = row.entry.model.as_deref().unwrap_or(&row.entry.id);
        by_id.entry(id).or_default().push(Arc::clone(&row.entry));
    }
    let mut cards: Vec<ModelCard> =
        by_id.into_iter().map(|(id, endpoints)| card(id, endpoints)).collect();
    cards.sort_by(|a, b| (Reverse(a.created), &a.id).cmp(&(Reverse(b.created), &b.id)));
    let routes = snapshot.routes().iter().map(|route| {
        let names = route.endpoints.iter().flat_map(|name| snapshot.of_route(name));
        let entries = names.filter_map(|endpoint| snapshot.row(&endpoint.name()));
        let endpoints = entries.map(|row| Arc::clone(&row.entry)).collect();
        ModelCard {
            name: route.endpoints.join(", "),
            created: None,
            is_route: true,
            ..card(&route.id, endpoints)
        }
    });
    routes.collect::<Vec<_>>().into_iter().chain(cards).collect()
}

fn card(id: &str, endpoints: Vec<Arc<ModelEntry>>) -> ModelCard {
    let name = endpoints.iter().find_map(|entry| entry.display_name.clone());
    ModelCard {
        id: id.to_owned(),
        name: name.unwrap_or_else(|| id.to_owned()),
        created: endpoints.iter().filter_map(|entry| entry.created).min(),
        facts: facts(&endpoints),
        endpoints,
        is_route: false,
    }
}

/// What a caller can have of a model at one or the other endpoint; the price is the lowest known.
fn facts(endpoints: &[Arc<ModelEntry>]) -> EndpointFacts {
    let all = || endpoints.iter().map(|entry| &entry.facts);
    let cheapest = all().filter_map(|facts| facts.price.as_ref()).min_by_key(|price| {
        price.prompt.checked_add(price.completion).map(Money::picodollars).unwrap_or(i64::MAX)
    });
    let first = endpoints.first().map(|entry| entry.facts.as_ref().clone()).unwrap_or_default();
    let lacks = all().map(|facts| facts.lacks.clone()).reduce(|a, b| Some(common(a?, &b?)));
    EndpointFacts {
        price: cheapest.cloned(),
        context_length: all().filter_map(|facts| facts.context_length).max(),
        output_tokens_max: all().filter_map(|facts| facts.output_tokens_max).max(),
        input_modalities: union(all().map(|facts| facts.input_modalities.as_deref())),
        output_modalities: union(all().map(|facts| facts.output_modalities.as_deref())),
        parameters: union(all().map(|facts| facts.parameters.as_deref())),
        lacks: lacks.flatten(),
        tokenizer: all().find_map(|facts| facts.tokenizer.clone()),
        ..first
    }
}

fn common(a: Vec<String>, b: &[String]) -> Vec<String> {
    a.into_iter().filter(|name| b.contains(name)).collect()
}

/// In the order in which they come up; `None` when nobody knows.
fn union<'a, T: Clone + PartialEq + 'a>(
    lists: impl Iterator<Item = Option<&'a [T]>>,
) -> Option<Vec<T>> {
    let mut known: Option<Vec<T>> = None;
    for item in lists.flatten() {
        let known = known.get_or_insert_default();
        for item in item {
            if !known.contains(item) {
                known.push(item.clone());
            }
        }
    }
    known
}

impl ModelCard {
    /// Text in and text out where nothing is known: what a chat model is.
    pub fn input_modalities(&self) -> &[Modality] {
        self.facts.input_modalities.as_deref().unwrap_or(&[Modality::Text])
    }

    pub fn output_modalities(&self) -> &[Modality] {
        self.facts.output_modalities.as_deref().unwrap_or(&[Modality::Text])
    }
}
