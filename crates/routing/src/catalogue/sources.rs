//! What everyone who is asked says of models: the input of which a [`Snapshot`] is made.
//!
//! [`Snapshot`]: super::snapshot::Snapshot

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use backstay_core::{Error, Result, Timestamp};
use backstay_providers::Provider;
use backstay_wire::{ListedEndpoint, ListedModel};
use serde::{Deserialize, Serialize};

use super::{ConfiguredModel, Route};

/// Models that a provider listed once and not any more; older ones are forgotten.
const GONE_MAX: usize = 2_000;

#[derive(Clone, Default)]
pub(super) struct Sources {
    /// In order of preference for names without a provider.
    pub(super) providers: Vec<Arc<Provider>>,
    /// By provider.
    pub(super) configured: Vec<(String, ConfiguredModel)>,
    pub(super) routes: Vec<Route>,
    /// The last list that each provider gave.
    pub(super) lists: HashMap<String, Arc<ProviderList>>,
}

/// What a provider said of its models when it last answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ProviderList {
    pub(super) taken_at: Timestamp,
    pub(super) models: Vec<ListedModel>,
    /// What it listed once and does not any more, newest first.
    #[serde(default)]
    pub(super) gone: Vec<Gone>,
    /// An aggregator's word on other providers' endpoints, by catalogue name.
    #[serde(default)]
    pub(super) offers: BTreeMap<String, Offers>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Gone {
    pub(super) model: ListedModel,
    pub(super) since: Timestamp,
}

/// The endpoints of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Offers {
    pub(super) taken_at: Timestamp,
    pub(super) endpoints: Vec<ListedEndpoint>,
}

impl Sources {
    pub(super) fn add_provider(&mut self, provider: Arc<Provider>) -> Result<()> {
        if self.providers.iter().any(|known| known.id == provider.id) {
            return Err(Error::invalid(format!(
                "two providers have the id {:?}; give one another id",
                provider.id
            )));
        }
        self.providers.push(provider);
        Ok(())
    }

    pub(super) fn configured_of(&self, provider: &str) -> impl Iterator<Item = &ConfiguredModel> {
        self.configured.iter().filter(move |(id, _)| id == provider).map(|(_, model)| model)
    }
}

impl ProviderList {
    /// The list after this one, with what is missing from it noted as gone.
    pub(super) fn followed_by(&self, models: Vec<ListedModel>, taken_at: Timestamp) -> Self {
        let listed: HashSet<&str> = models.iter().map(|model| model.id.as_str()).collect();
        let is_missing = |model: &ListedModel| !listed.contains(model.id.as_str());
        let newly = self.models.iter().filter(|model| is_missing(model));
        let newly = newly.map(|model| Gone { model: model.clone(), since: taken_at });
        let before = self.gone.iter().filter(|gone| is_missing(&gone.model)).cloned();
        let gone = newly.chain(before).take(GONE_MAX).collect();
        Self { taken_at, gone, offers: self.offers.clone(), models }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models(ids: &[&str]) -> Vec<ListedModel> {
        let model = |id: &&str| ListedModel { id: (*id).to_owned(), ..ListedModel::default() };
        ids.iter().map(model).collect()
    }

    fn gone(list: &ProviderList) -> Vec<(&str, i64)> {
        list.gone.iter().map(|gone| (gone.model.id.as_str(), gone.since.seconds())).collect()
    }

    #[test]
    fn what_a_list_leaves_out_is_gone_until_it_is_listed_again() {
        let at = |second: i64| Timestamp::from_millis(second * 1_000);
        let first = ProviderList::default().followed_by(models(&["a", "b"]), at(1));
        assert!(first.gone.is_empty());
        let second = first.followed_by(models(&["a"]), at(2));
        assert_eq!(gone(&second), [("b", 2)]);
        let third = second.followed_by(models(&["c"]), at(3));
        assert_eq!(gone(&third), [("a", 3), ("b", 2)]);
        let fourth = third.followed_by(models(&["b", "c"]), at(4));
        assert_eq!(gone(&fourth), [("a", 3)]);
    }
}
