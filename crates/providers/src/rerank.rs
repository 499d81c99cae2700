//! One rerank call of one model at one provider.

use std::sync::Arc;

use backstay_core::{Error, ErrorCode, Result, limits};
use backstay_wire::{Loss, RerankReply, RerankRequest};
use reqwest::{Method, header::CONTENT_TYPE};

use crate::{
    Upstreams,
    chat::rejection,
    deadline::Deadlines,
    http::read_body,
    provider::{Provider, ProviderKind},
};

/// A ranking, and what of the request the provider could not be told.
pub struct RerankCall {
    pub reply: RerankReply,
    pub dropped: Vec<String>,
}

impl Upstreams {
    pub async fn rerank(
        &self,
        provider: &Arc<Provider>,
        model: &str,
        request: &RerankRequest,
        deadlines: Deadlines,
    ) -> Result<RerankCall> {
        let ProviderKind::Http(http) = &provider.kind else {
            return Err(Error::new(
                ErrorCode::UpstreamModelNotFound,
                format!("{model:?} is not a built-in rerank model"),
            ));
        };
        let url = http.rerank_url().ok_or_else(|| {
            let what =
                format!("provider {} has no reranking; choose a model of another", provider.id);
            Error::invalid(what).with_parameter("model")
        })?;
        let (rules, format) = (&http.parameters, http.format);
        let mut loss = Loss::default();
        let body = backstay_wire::encode_rerank_request(rules, format, request, model, &mut loss)?;
        let call = self
            .request(http, Method::POST, &url)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let total = deadlines.total();
        let response = self.send(&provider.id, http, call, total).await?;
        if !response.status().is_success() {
            return Err(rejection(provider, format, response, deadlines).await);
        }
        let body = read_body(&provider.id, response, total, limits::REPLY_BYTES_MAX).await?;
        let documents = request.documents.len();
        let reply = backstay_wire::decode_rerank_reply(&provider.id, &body, documents)?;
        Ok(RerankCall { reply, dropped: loss.into_names() })
    }
}
