//! A call of `/v1/completions` with several prompts: each is a model call of its own, with its own row in
//! the ledger, and together they are one answer. When one of them fails, the call does.

use axum::{
    body::Body,
    http::{HeaderMap, Response},
};
use backstay_core::{GenerationId, Result, chat::ChatReply};
use backstay_wire::{Decoded, EncodeOptions, encode_completions};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    api::{
        answer::{self, Wanted},
        caller::Caller,
        chat,
    },
    state::AppState,
};

/// So many prompts of one call are with models at the same time.
const AT_ONCE: usize = 4;

pub(crate) async fn respond(
    state: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    prompts: Vec<Decoded>,
) -> Result<Response<Body>> {
    let calls = prompts.into_iter().map(|prompt| one(state, caller, headers, prompt));
    let answers: Vec<_> = stream::iter(calls).buffered(AT_ONCE).try_collect().await?;
    let first = answers.first().map(|(generation, _)| generation.clone());
    let replies: Vec<_> = answers.into_iter().map(|(_, reply)| reply).collect();
    Ok(answer::settled(encode_completions(&replies), first.as_ref()))
}

async fn one(
    state: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    prompt: Decoded,
) -> Result<(GenerationId, (ChatReply, EncodeOptions))> {
    let request = chat::with_headers(prompt.request, headers);
    let wanted = Wanted {
        dialect: caller.spoken.dialect,
        stream: false,
        include_usage: false,
        hide_reasoning: prompt.hide_reasoning,
        model: request.model.clone(),
        extension: false,
        at_openrouter: caller.spoken.at_openrouter,
        echo: prompt.echo,
        keeper: None,
    };
    let reply = state.engine.respond(&caller.context, request, None, None).await?;
    let generation = reply.generation.clone();
    let gathered = answer::gathered(reply, &wanted, state.engine.clock()).await?;
    Ok((generation, gathered))
}
