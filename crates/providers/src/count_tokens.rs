//! Asking a provider how many tokens a prompt has.

use backstay_core::{Result, chat::ChatRequest};
use reqwest::{Method, header::CONTENT_TYPE};

use crate::{
    Upstreams,
    chat::rejection,
    http::{ERROR_BYTES_MAX, read_body},
    provider::{Provider, ProviderKind},
};

impl Upstreams {
    /// `None` when the provider's format has no such call.
    pub async fn count_tokens(
        &self,
        provider: &Provider,
        model: &str,
        request: &ChatRequest,
    ) -> Result<Option<u64>> {
        let ProviderKind::Http(http) = &provider.kind else { return Ok(None) };
        let Some(url) = http.count_tokens_url() else { return Ok(None) };
        let deadlines = self.deadlines();
        let body = backstay_wire::encode_token_count_request(request, model)?;
        let call = self
            .request(http, Method::POST, &url)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let response = self.send(&provider.id, http, call, deadlines.total()).await?;
        if !response.status().is_success() {
            return Err(rejection(provider, http.format, response, deadlines).await);
        }
        let total = deadlines.total();
        let body = read_body(&provider.id, response, total, ERROR_BYTES_MAX).await?;
        backstay_wire::decode_token_count(&body).map(Some)
    }
}
