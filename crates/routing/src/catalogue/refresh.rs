//! Asking providers what they have, and keeping what they said for a start without them.

use std::{collections::BTreeSet, sync::Arc};

use backstay_core::{Result, Timestamp};
use backstay_providers::{Provider, ProviderKind, Upstreams};
use backstay_wire::{ListedEndpoint, ListedModel};
use futures::{StreamExt as _, future::join_all, stream};

use super::{
    Catalogue,
    snapshot::Snapshot,
    sources::{Offers, ProviderList},
};

/// How old an aggregator's word on one model's endpoints may be before it is asked again.
const OFFERS_AGE_S: i64 = 6 * 60 * 60;
/// Models whose endpoints are asked for in one refresh; the rest follows in the next ones.
const OFFERS_AT_ONCE: usize = 100;
const OFFERS_IN_FLIGHT: usize = 4;

/// What asking one provider came to.
#[derive(Debug)]
pub struct Refreshed {
    pub provider: String,
    pub outcome: Result<RefreshedList>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshedList {
    /// Models that the provider has now.
    pub models: usize,
    /// Names that were not in the list before.
    pub added: Vec<String>,
    /// Names that were in the list before.
    pub gone: Vec<String>,
    /// Whether anything is other than before: names, or what is said of them.
    pub is_changed: bool,
}

impl Catalogue {
    /// Asks every provider for its models. One that does not answer keeps the list it had.
    pub async fn refresh(&self, upstreams: &Upstreams, now: Timestamp) -> Vec<Refreshed> {
        let _alone = self.refreshing.lock().await;
        let mut providers = self.providers();
        // The built-in models are known and do not change.
        providers.retain(|provider| matches!(provider.kind, ProviderKind::Http(_)));
        let lists =
            join_all(providers.iter().map(|provider| upstreams.list_models(provider))).await;
        let mut refreshed = Vec::with_capacity(providers.len());
        self.replace(|sources| {
            for (provider, list) in providers.iter().zip(lists) {
                let outcome = list.map(|models| {
                    let list = sources.lists.entry(provider.id.clone()).or_default();
                    let before = Arc::clone(list);
                    *list = Arc::new(before.followed_by(models, now));
                    difference(&before, list)
                });
                if let Err(error) = &outcome {
                    tracing::debug!(provider = provider.id, %error, "no model list");
                }
                refreshed.push(Refreshed { provider: provider.id.clone(), outcome });
            }
        });
        refreshed
    }

    /// Asks aggregators what they know of endpoints that are called directly here: what they say of
    /// them is fresher than what is shipped. Returns those who were asked, by id.
    pub async fn refresh_offers(&self, upstreams: &Upstreams, now: Timestamp) -> Vec<String> {
        let _alone = self.refreshing.lock().await;
        let providers = self.providers();
        let mut asked = Vec::new();
        for aggregator in providers.iter().filter(|provider| provider.is_aggregator) {
            if self.refresh_offers_of(aggregator, upstreams, now).await > 0 {
                asked.push(aggregator.id.clone());
            }
        }
        asked
    }

    async fn refresh_offers_of(
        &self,
        aggregator: &Provider,
        upstreams: &Upstreams,
        now: Timestamp,
    ) -> usize {
        let wanted = self.snapshot().wanted_offers(aggregator, now);
        let asked = stream::iter(wanted.into_iter().map(|model| async move {
            let endpoints = upstreams.list_endpoints(aggregator, &model).await;
            (model, endpoints)
        }));
        let answers: Vec<(String, Result<Vec<ListedEndpoint>>)> =
            asked.buffer_unordered(OFFERS_IN_FLIGHT).collect().await;
        let count = answers.len();
        if count == 0 {
            return 0;
        }
        self.replace(|sources| {
            let Some(list) = sources.lists.get_mut(&aggregator.id) else { return };
            let list = Arc::make_mut(list);
            for (model, answer) in answers {
                match answer {
                    Ok(endpoints) => {
                        list.offers.insert(model, Offers { taken_at: now, endpoints });
                    }
                    Err(error) => {
                        tracing::debug!(provider = aggregator.id, model, %error, "no endpoints");
                    }
                }
            }
        });
        count
    }

    /// A provider's list as JSON, with the moment that it was taken.
    pub fn kept_list(&self, provider: &str) -> Option<(Timestamp, String)> {
        let snapshot = self.snapshot();
        let list = snapshot.sources.lists.get(provider)?;
        Some((list.taken_at, serde_json::to_string(list.as_ref()).ok()?))
    }

    /// Takes back lists that [`Catalogue::kept_list`] gave, by provider. One that cannot be read, as
    /// another version may have written it, is left out.
    pub fn restore_lists(&self, lists: Vec<(String, String)>) {
        self.replace(|sources| {
            for (provider, json) in lists {
                match serde_json::from_str::<ProviderList>(&json) {
                    Ok(list) => {
                        sources.lists.insert(provider, Arc::new(list));
                    }
                    Err(error) => {
                        tracing::warn!(provider, %error, "a kept model list is unreadable")
                    }
                }
            }
        });
    }
}

impl Snapshot {
    /// Catalogue names that an aggregator lists and someone else here serves, those that were asked
    /// for longest ago first.
    fn wanted_offers(&self, aggregator: &Provider, now: Timestamp) -> Vec<String> {
        let Some(list) = self.sources.lists.get(&aggregator.id) else { return Vec::new() };
        let is_served_directly = |model: &&ListedModel| {
            self.serving(&model.id).any(|row| !row.endpoint.provider.is_aggregator)
        };
        let mut wanted: Vec<(Option<Timestamp>, &str)> = list
            .models
            .iter()
            .filter(is_served_directly)
            .map(|model| (list.offers.get(&model.id).map(|offers| offers.taken_at), &*model.id))
            .filter(|(taken_at, _)| {
                taken_at.is_none_or(|at| now.seconds() - at.seconds() >= OFFERS_AGE_S)
            })
            .collect();
        wanted.sort_unstable();
        wanted.into_iter().take(OFFERS_AT_ONCE).map(|(_, model)| model.to_owned()).collect()
    }
}

fn difference(before: &ProviderList, now: &ProviderList) -> RefreshedList {
    let ids = |models: &[ListedModel]| -> BTreeSet<String> {
        models.iter().map(|model| model.id.clone()).collect()
    };
    let is_changed = before.models != now.models || before.gone != now.gone;
    let (before, now) = (ids(&before.models), ids(&now.models));
    RefreshedList {
        is_changed,
        models: now.len(),
        added: now.difference(&before).cloned().collect(),
        gone: before.difference(&now).cloned().collect(),
    }
}
