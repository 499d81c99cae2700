//! Which models a provider says that it has.

use backstay_core::{Result, WireFormat};
use backstay_wire::ListedModel;
use reqwest::Method;

use crate::{
    Upstreams,
    builtin::builtin_models,
    chat::rejection,
    http::read_body,
    provider::{Provider, ProviderKind},
};

/// Model lists of large providers are a few megabytes.
const LIST_BYTES_MAX: usize = 16 * 1024 * 1024;

impl Upstreams {
    pub async fn list_models(&self, provider: &Provider) -> Result<Vec<ListedModel>> {
        let http = match &provider.kind {
            ProviderKind::Http(http) => http,
            ProviderKind::Builtin => {
                let listed = |(id, description): (&str, &str)| ListedModel {
                    id: id.to_owned(),
                    display_name: Some(description.to_owned()),
                    context_length: None,
                };
                return Ok(builtin_models().into_iter().map(listed).collect());
            }
        };
        let path = match http.format {
            WireFormat::OpenAi => "/models",
            WireFormat::Anthropic => "/v1/models?limit=1000",
            WireFormat::Gemini => "/models?pageSize=1000",
        };
        let deadlines = self.deadlines();
        let request = self.request(http, Method::GET, path);
        let response = self.send(&provider.id, request, deadlines.idle()).await?;
        if !response.status().is_success() {
            return Err(rejection(provider, http.format, response, deadlines).await);
        }
        let body = read_body(&provider.id, response, deadlines.idle(), LIST_BYTES_MAX).await?;
        backstay_wire::decode_models(http.format, &body)
    }
}
