//! A search of the web, through the same ledger as everything else.

use std::{slice, sync::Arc};

use backstay_core::{
    CallContext, EndpointFacts, Price, Result, Usage,
    chat::{ChatReply, ChatRequest, Settlement},
};
use backstay_providers::{Provider, WebResult, WebSearch};
use backstay_routing::Endpoint;

use super::WEB_SEARCH_TOOL;
use crate::{
    Engine,
    conversation::Keep,
    generation::{Call, begin},
    reserve::Work,
};

const RESULTS: usize = 5;

impl Engine {
    /// What the service found, or why it did not, and what the ledger says of it. Fails when the search
    /// could not be entered; nothing was asked then unless the settlement is what failed.
    pub(super) async fn search_web(
        &self,
        context: &CallContext,
        web: &WebSearch,
        query: &str,
    ) -> Result<(Result<Vec<WebResult>>, Settlement)> {
        let service = endpoint(web);
        let ledger = ChatRequest { model: WEB_SEARCH_TOOL.to_owned(), ..ChatRequest::default() };
        let call = Call {
            request: Arc::new(ledger),
            keep: Keep::default(),
            memory_tokens: 0,
            endpoints: slice::from_ref(&service),
            work: Work::WebSearch,
        };
        let mut guard = begin(self, context, call).await?;
        let log = guard.attempts();
        match self.router().search_web(&service, &log, web.search(query, RESULTS)).await {
            Ok(results) => {
                guard.answering(service, None, &[]);
                let usage = Usage { web_searches: 1, ..Usage::default() };
                let counted = ChatReply { usage: Some(usage), ..ChatReply::default() };
                Ok((Ok(results), guard.complete(counted).await?))
            }
            Err(error) => {
                let (error, settlement) = guard.fail_settled(error).await?;
                Ok((Err(error), settlement))
            }
        }
    }
}

/// The service as the ledger knows who answers.
fn endpoint(web: &WebSearch) -> Endpoint {
    let price = web.price().map(|price| Price { web_search: Some(price), ..Price::FREE });
    Endpoint {
        provider: Arc::new(Provider::web_search(web.service())),
        model: WEB_SEARCH_TOOL.to_owned(),
        facts: Arc::new(EndpointFacts { price, ..EndpointFacts::default() }),
    }
}
