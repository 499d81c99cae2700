//! Providers, models, prices and routes, and how a model's name becomes endpoints.
//!
//! [`sources`] keeps what everyone says, [`build`] makes of it what is known of each endpoint, and
//! [`snapshot`] finds endpoints in that. A change makes a new snapshot; calls under way keep theirs.

mod build;
mod card;
mod entry;
mod names;
mod offers;
mod query;
mod refresh;
mod seed;
mod snapshot;
mod sources;

use std::{
    ops::Deref,
    sync::{Arc, RwLock},
};

use backstay_core::{Error, ErrorCode, Price, Result, Timestamp};
use backstay_providers::Provider;

use self::{snapshot::Snapshot, sources::Sources};
use crate::nearest::nearest;

pub use card::ModelCard;
pub use entry::{ConfiguredModel, Endpoint, ModelEntry, PriceSource, Resolved, Route};
pub use query::{ModelQuery, ModelSort, PriceRange};
pub use refresh::{Refreshed, RefreshedList};

/// Shared by every call; replaced as a whole when model lists are refreshed.
pub struct Catalogue {
    snapshot: RwLock<Arc<Snapshot>>,
    /// Held while lists are read, so that two refreshes do not ask everyone twice.
    refreshing: tokio::sync::Mutex<()>,
    changed: tokio::sync::Notify,
}

/// The models of one moment.
pub struct Models(Arc<Snapshot>);

impl Deref for Models {
    type Target = [ModelCard];

    fn deref(&self) -> &[ModelCard] {
        &self.0.cards
    }
}

impl Models {
    /// Whether both are of the same moment, so that what was made of one holds for the other.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub fn find(&self, id: &str) -> Option<&ModelCard> {
        self.iter().find(|card| card.id == id)
    }
}

/// What an endpoint asks now.
#[derive(Clone, Debug, PartialEq)]
pub struct CurrentPrice {
    /// `provider/model`.
    pub endpoint: String,
    pub price: Option<Price>,
    pub source: Option<PriceSource>,
}

impl Catalogue {
    /// `models` are configured models by provider. Fails when two providers share an id or a route
    /// names a provider that does not exist.
    pub fn new(
        providers: Vec<Arc<Provider>>,
        models: Vec<(String, ConfiguredModel)>,
        routes: Vec<Route>,
    ) -> Result<Self> {
        let mut sources = Sources { configured: models, routes, ..Sources::default() };
        for provider in providers {
            sources.add_provider(provider)?;
        }
        let snapshot = Snapshot::of(sources);
        for route in snapshot.routes() {
            if route.endpoints.is_empty() {
                return Err(Error::invalid(format!("model {:?} has no endpoints", route.id)));
            }
            for endpoint in &route.endpoints {
                if snapshot.of_route(endpoint).is_empty() {
                    return Err(Error::invalid(format!(
                        "model {:?}: endpoint {endpoint:?} does not begin with the id of a \
                         configured provider and a slash",
                        route.id
                    )));
                }
            }
        }
        Ok(Self {
            snapshot: RwLock::new(Arc::new(snapshot)),
            refreshing: tokio::sync::Mutex::default(),
            changed: tokio::sync::Notify::new(),
        })
    }

    /// The endpoints that serve a name, in order of preference. Tried in this order: a configured
    /// route, a provider's id as prefix or a model of the catalogue, a name that some provider lists.
    ///
    /// # Errors
    /// `model_not_found`, with the names that may have been meant; also for what every provider has
    /// stopped listing.
    pub fn resolve(&self, name: &str) -> Result<Resolved> {
        let snapshot = self.snapshot();
        let Resolved { endpoints, is_route } =
            snapshot.resolve(name).ok_or_else(|| self.unknown(name))?;
        let (gone, endpoints): (Vec<Endpoint>, Vec<Endpoint>) =
            endpoints.into_iter().partition(|endpoint| snapshot.gone(endpoint).is_some());
        match gone.first().and_then(|endpoint| snapshot.gone(endpoint)) {
            Some(entry) if endpoints.is_empty() => Err(self.vanished(name, entry)),
            _ => Ok(Resolved { endpoints, is_route }),
        }
    }

    /// Whether somebody has said that there is a model of exactly this name.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.snapshot().knows(name)
    }

    /// The error for a name that nothing serves, with the names that may have been meant.
    pub fn unknown(&self, name: &str) -> Error {
        if let Some(entry) = self.snapshot().gone_model(name) {
            return self.vanished(name, entry);
        }
        let message = format!("there is no model {name:?}; {}", self.suggestion(name));
        Error::new(ErrorCode::ModelNotFound, message).with_parameter("model")
    }

    fn vanished(&self, name: &str, entry: &ModelEntry) -> Error {
        let since = entry.gone_since.map(Timestamp::date).unwrap_or_default();
        let message = format!(
            "model {name:?} is gone: {} does not list it any more since {since}; {}",
            entry.provider,
            self.suggestion(name)
        );
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
        let snapshot = self.snapshot();
        let listed = snapshot.rows.iter().filter(|row| row.is_listed).map(|row| &row.entry.id);
        let cards = snapshot.cards.iter().map(|card| &card.id);
        let others = cards.chain(listed).map(String::as_str).filter(|known| *known != name);
        // A variant's suffix says nothing of which model is meant.
        let asked = name.split(':').next().unwrap_or(name);
        match nearest(asked, others).as_slice() {
            [] => "GET /v1/models lists what there is".to_owned(),
            names => format!("did you mean {}? GET /v1/models lists all", names.join(" or ")),
        }
    }

    /// Every name that can be called, once.
    pub fn models(&self) -> Models {
        Models(self.snapshot())
    }

    /// Every endpoint that is listed, by provider.
    pub fn entries(&self) -> Vec<Arc<ModelEntry>> {
        let snapshot = self.snapshot();
        let listed = snapshot.rows.iter().filter(|row| row.is_listed);
        listed.map(|row| Arc::clone(&row.entry)).collect()
    }

    /// The names of the endpoints that a model's name means, also of those that are gone.
    pub fn endpoint_names(&self, name: &str) -> Vec<String> {
        let snapshot = self.snapshot();
        let mut names: Vec<String> =
            snapshot.serving(name).map(|row| row.entry.id.clone()).collect();
        let gone = snapshot.gone_model(name).map(|entry| entry.id.clone());
        let itself = snapshot.row(name).map(|row| row.entry.id.clone());
        names.extend(itself.into_iter().chain(gone));
        names.sort();
        names.dedup();
        names
    }

    /// What each known endpoint asks; one that is gone keeps the price it had.
    pub fn prices(&self) -> Vec<CurrentPrice> {
        let snapshot = self.snapshot();
        let here = snapshot.rows.iter().map(|row| &row.entry);
        let current = here.filter(|entry| entry.gone_since.is_none()).map(|entry| CurrentPrice {
            endpoint: entry.id.clone(),
            price: entry.facts.price.clone(),
            source: entry.price_source.clone(),
        });
        current.collect()
    }

    pub fn providers(&self) -> Vec<Arc<Provider>> {
        self.snapshot().sources.providers.clone()
    }

    /// Adds providers that were found later; one that is known already stays as it is.
    pub fn add_discovered(&self, found: Vec<Arc<Provider>>) {
        self.replace(|sources| {
            for provider in found {
                // Ignored on purpose: a configured provider of the same id wins.
                let _known = sources.add_provider(provider);
            }
        });
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        match self.snapshot.read() {
            Ok(snapshot) => Arc::clone(&snapshot),
            Err(poisoned) => Arc::clone(&poisoned.into_inner()),
        }
    }

    fn replace(&self, change: impl FnOnce(&mut Sources)) {
        let mut guard = match self.snapshot.write() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        };
        let mut sources = guard.sources.clone();
        change(&mut sources);
        *guard = Arc::new(Snapshot::of(sources));
        drop(guard);
        self.changed.notify_waiters();
    }

    /// Waits for the next change, for what is made of the catalogue ahead of use.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}
