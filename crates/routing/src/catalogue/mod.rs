//! Providers, models, prices and routes, and how a model's name becomes endpoints.

mod entry;
mod snapshot;

use std::sync::{Arc, RwLock};

use backstay_core::{EndpointFacts, Error, ErrorCode, Result};
use backstay_providers::{Provider, ProviderKind, Upstreams};
use futures::future::join_all;

use self::snapshot::Snapshot;
use crate::nearest::nearest;

pub use entry::{ConfiguredModel, Endpoint, ModelEntry, Resolved, Route};

/// Shared by every call; replaced as a whole when model lists are refreshed.
pub struct Catalogue {
    snapshot: RwLock<Arc<Snapshot>>,
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
            snapshot.add_provider(provider)?;
        }
        for (provider, model) in models {
            snapshot.add_configured(provider, model);
        }
        for route in &snapshot.routes {
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
        Ok(Self { snapshot: RwLock::new(Arc::new(snapshot)) })
    }

    /// The endpoints that serve a name, in order of preference. Tried in this order: a configured
    /// route, a provider's id as prefix or a model of the catalogue, a name that some provider lists.
    ///
    /// # Errors
    /// `model_not_found`, with the names that may have been meant.
    pub fn resolve(&self, name: &str) -> Result<Resolved> {
        self.snapshot().resolve(name).ok_or_else(|| self.unknown(name))
    }

    /// Whether somebody has said that there is a model of exactly this name.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.snapshot().knows(name)
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
            facts: EndpointFacts::default(),
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
                let _known = snapshot.add_provider(provider);
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
                    Ok(models) => snapshot.set_listed(provider, models),
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
