//! Embeddings, built-in and upstream, through the same ledger as everything else.

use std::sync::Arc;

use backstay_core::{
    CallContext, EndpointFacts, Error, ErrorCode, Price, Result, Usage,
    chat::{ChatReply, ChatRequest},
    tokens,
};
use backstay_providers::{BUILTIN_PROVIDER, Provider};
use backstay_routing::Endpoint;
use backstay_wire::{EmbeddingReply, EmbeddingRequest};

use crate::{
    Engine, Settled,
    conversation::Keep,
    generation::{Call, begin},
    reserve::{self, Work},
};

/// The built-in embedding model's name within its provider.
pub const BUILTIN_EMBEDDING_MODEL: &str = "all-minilm-l6-v2";

/// How many tokens a prompt has.
pub struct TokenCount {
    pub tokens: u64,
    /// True when it is our own count and not the model's.
    pub estimated: bool,
}

impl Engine {
    /// Embeds texts with the model that the request names.
    pub async fn embed(
        &self,
        context: &CallContext,
        request: EmbeddingRequest,
    ) -> Result<Settled<EmbeddingReply>> {
        let builtin = format!("{BUILTIN_PROVIDER}/{BUILTIN_EMBEDDING_MODEL}");
        if request.model == builtin {
            let ledger = ChatRequest { model: request.model.clone(), ..ChatRequest::default() };
            return self.embed_at(context, ledger, request, &[]).await;
        }
        let mut ledger = ChatRequest { model: request.model.clone(), ..ChatRequest::default() };
        self.router().apply_policies(context, &mut ledger);
        let mut plan = self.plan(context, &ledger, None)?;
        plan.prefer(|endpoint| reserve::is_affordable(context, endpoint));
        self.embed_at(context, ledger, request, &plan.endpoints).await
    }

    /// By the first of these endpoints that works; by the built-in model where there are none.
    /// `ledger` is what the call is to the ledger.
    pub(crate) async fn embed_at(
        &self,
        context: &CallContext,
        ledger: ChatRequest,
        request: EmbeddingRequest,
        endpoints: &[Endpoint],
    ) -> Result<Settled<EmbeddingReply>> {
        let call = Call {
            request: Arc::new(ledger),
            keep: Keep::default(),
            memory_tokens: 0,
            endpoints,
            work: Work::Embedding(&request),
        };
        let mut guard = begin(self, context, call).await?;
        let outcome = if endpoints.is_empty() {
            self.embed_builtin(&request).await.map(|reply| (builtin_endpoint(), reply, Vec::new()))
        } else {
            let log = guard.attempts();
            let called = self.router().embed(endpoints, &request, &log).await;
            called.map(|(endpoint, call)| (endpoint, call.reply, call.dropped))
        };
        match outcome {
            Ok((endpoint, mut reply, dropped)) => {
                guard.answering(endpoint, None, &dropped);
                let usage = usage(&request, &reply);
                reply.prompt_tokens = Some(usage.prompt_tokens);
                let counted = ChatReply { usage: Some(usage), ..ChatReply::default() };
                Ok(Settled { settlement: guard.complete(counted).await?, reply })
            }
            Err(error) => Err(guard.fail(error).await?),
        }
    }

    async fn embed_builtin(&self, request: &EmbeddingRequest) -> Result<EmbeddingReply> {
        let texts = request.texts()?.to_vec();
        let embedder = self.embedder().cloned().ok_or_else(|| {
            Error::new(
                ErrorCode::NoProvider,
                "the built-in embedding model is not installed; run 'backstay models pull' and \
                 start the server again",
            )
        })?;
        let work = move || {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            embedder.embed(&texts)
        };
        let done = tokio::task::spawn_blocking(work).await;
        let made =
            done.map_err(|cause| Error::internal(format!("embedding failed: {cause}")))??;
        let vectors = made.into_iter().map(|embedding| embedding.vector).collect();
        Ok(EmbeddingReply { vectors, model: Some(request.model.clone()), prompt_tokens: None })
    }

    /// Counts a prompt's tokens: by the provider where its format can, else by our own estimate,
    /// since no other provider's tokenizer is at hand.
    pub async fn count_tokens(&self, request: &ChatRequest) -> Result<TokenCount> {
        let resolved = self.catalogue().resolve(&request.model)?;
        if let Some(endpoint) = resolved.endpoints.first() {
            let counted = self
                .router()
                .upstreams()
                .count_tokens(&endpoint.provider, &endpoint.model, request)
                .await;
            match counted {
                Ok(Some(tokens)) => return Ok(TokenCount { tokens, estimated: false }),
                Ok(None) => {}
                Err(error) => tracing::info!(%error, "the provider did not count; estimating"),
            }
        }
        Ok(TokenCount { tokens: request.estimated_prompt_tokens(), estimated: true })
    }
}

fn builtin_endpoint() -> Endpoint {
    Endpoint {
        provider: Arc::new(Provider::builtin()),
        model: BUILTIN_EMBEDDING_MODEL.to_owned(),
        facts: Arc::new(EndpointFacts { price: Some(Price::FREE), ..EndpointFacts::default() }),
    }
}

fn usage(request: &EmbeddingRequest, reply: &EmbeddingReply) -> Usage {
    let estimate = || {
        let texts = request.texts().map(<[String]>::iter).into_iter().flatten();
        texts.map(|text| tokens::estimate(text)).sum()
    };
    Usage {
        prompt_tokens: reply.prompt_tokens.unwrap_or_else(estimate),
        estimated: reply.prompt_tokens.is_none(),
        ..Usage::default()
    }
}
