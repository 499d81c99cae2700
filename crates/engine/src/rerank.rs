//! Reranking upstream, through the same ledger as everything else.

use std::sync::Arc;

use backstay_core::{
    CallContext, Result, Usage,
    chat::{ChatReply, ChatRequest},
};
use backstay_wire::{RerankReply, RerankRequest};

use crate::{
    Engine, Settled,
    conversation::Keep,
    generation::{Call, begin},
    reserve::{self, Work},
};

impl Engine {
    /// Ranks documents with the model that the request names.
    pub async fn rerank(
        &self,
        context: &CallContext,
        request: RerankRequest,
    ) -> Result<Settled<RerankReply>> {
        let mut ledger = ChatRequest { model: request.model.clone(), ..ChatRequest::default() };
        self.router().apply_policies(context, &mut ledger);
        let mut plan = self.plan(context, &ledger, None)?;
        plan.prefer(|endpoint| reserve::is_affordable(context, endpoint));
        let endpoints = plan.endpoints;
        let call = Call {
            request: Arc::new(ledger),
            keep: Keep::default(),
            memory_tokens: 0,
            endpoints: &endpoints,
            work: Work::Rerank(&request),
        };
        let mut guard = begin(self, context, call).await?;
        let log = guard.attempts();
        match self.router().rerank(&endpoints, &request, &log).await {
            Ok((endpoint, call)) => {
                guard.answering(endpoint, None, &call.dropped);
                let usage = usage(&request, &call.reply);
                let counted = ChatReply { usage: Some(usage), ..ChatReply::default() };
                Ok(Settled { settlement: guard.complete(counted).await?, reply: call.reply })
            }
            Err(error) => Err(guard.fail(error).await?),
        }
    }
}

/// Some providers count tokens and some searches; where neither is said, the tokens are ours.
fn usage(request: &RerankRequest, reply: &RerankReply) -> Usage {
    let is_counted = reply.total_tokens.is_some() || reply.search_units.is_some();
    Usage {
        prompt_tokens: reply
            .total_tokens
            .unwrap_or_else(|| if is_counted { 0 } else { request.estimated_tokens() }),
        web_searches: reply.search_units.unwrap_or(0),
        estimated: !is_counted,
        provider_cost: reply.provider_cost,
        ..Usage::default()
    }
}
