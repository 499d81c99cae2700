//! Which models a provider says that it has.

use backstay_core::Result;
use backstay_wire::{ListedEndpoint, ListedModel};
use bytes::Bytes;
use reqwest::Method;

use crate::{
    TimeoutsMs, Upstreams,
    chat::rejection,
    deadline::Deadlines,
    http::read_body,
    provider::{HttpProvider, Provider, ProviderKind},
};

/// Model lists of large providers are a few megabytes.
const LIST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A list that takes longer is not waited for.
const LIST_MS: u64 = 10_000;

impl Upstreams {
    /// Empty for the built-in provider, whose models [`crate::builtin_models`] names, and for those
    /// that have no list.
    pub async fn list_models(&self, provider: &Provider) -> Result<Vec<ListedModel>> {
        let ProviderKind::Http(http) = &provider.kind else {
            return Ok(Vec::new());
        };
        let Some(url) = http.models_url(provider.is_aggregator) else { return Ok(Vec::new()) };
        let body = self.get(provider, http, &url).await?;
        if provider.is_aggregator {
            return backstay_wire::decode_catalogue(&body);
        }
        backstay_wire::decode_models(http.format, &body)
    }

    /// The endpoints that an aggregator knows of a model, `author/slug`.
    pub async fn list_endpoints(
        &self,
        provider: &Provider,
        model: &str,
    ) -> Result<Vec<ListedEndpoint>> {
        let ProviderKind::Http(http) = &provider.kind else {
            return Ok(Vec::new());
        };
        let body = self.get(provider, http, &http.endpoints_url(model)).await?;
        backstay_wire::decode_endpoints(&body)
    }

    async fn get(&self, provider: &Provider, http: &HttpProvider, url: &str) -> Result<Bytes> {
        let deadlines = Deadlines::start(TimeoutsMs { total: LIST_MS, ..self.timeouts });
        let request = self.request(http, Method::GET, url);
        let response = self.send(&provider.id, http, request, deadlines.total()).await?;
        if !response.status().is_success() {
            return Err(rejection(provider, http.format, response, deadlines).await);
        }
        read_body(&provider.id, response, deadlines.total(), LIST_BYTES_MAX).await
    }
}
