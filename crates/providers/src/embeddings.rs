//! One embedding call of one model at one provider.

use std::sync::Arc;

use backstay_core::{Error, ErrorCode, Result, limits};
use backstay_wire::{EmbeddingReply, EmbeddingRequest, Loss};
use reqwest::{Method, header::CONTENT_TYPE};

use crate::{
    Upstreams,
    chat::rejection,
    deadline::Deadlines,
    http::read_body,
    provider::{Provider, ProviderKind},
};

/// Vectors, and what of the request the provider could not be told.
pub struct EmbeddingCall {
    pub reply: EmbeddingReply,
    pub dropped: Vec<String>,
}

impl Upstreams {
    pub async fn embed(
        &self,
        provider: &Arc<Provider>,
        model: &str,
        request: &EmbeddingRequest,
        deadlines: Deadlines,
    ) -> Result<EmbeddingCall> {
        let ProviderKind::Http(http) = &provider.kind else {
            return Err(Error::new(
                ErrorCode::UpstreamModelNotFound,
                format!("{model:?} is not a built-in embedding model"),
            ));
        };
        let url = http.embeddings_url(model).ok_or_else(|| {
            let what =
                format!("provider {} has no embeddings; choose a model of another", provider.id);
            Error::invalid(what).with_parameter("model")
        })?;
        let (rules, format) = (&http.parameters, http.format);
        let mut loss = Loss::default();
        let body =
            backstay_wire::encode_embedding_request(rules, format, request, model, &mut loss)?;
        let call = self
            .request(http, Method::POST, &url)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let response = self.send(&provider.id, http, call, deadlines.total()).await?;
        if !response.status().is_success() {
            return Err(rejection(provider, format, response, deadlines).await);
        }
        let total = deadlines.total();
        let body = read_body(&provider.id, response, total, limits::REPLY_BYTES_MAX).await?;
        let reply = backstay_wire::decode_embedding_reply(format, &provider.id, &body)?;
        Ok(EmbeddingCall { reply, dropped: loss.into_names() })
    }
}
