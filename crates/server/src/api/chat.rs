//! A chat call in any dialect: decode, respond, encode.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, Response},
};
use backstay_core::{Error, Result, chat::ChatRequest};
use backstay_wire::{CacheHeaders, CacheRequest, Dialect, RequestExtension};

use crate::{
    api::{
        answer::{Wanted, respond},
        body,
        caller::Caller,
        early_head, prompts,
    },
    state::AppState,
};

pub(crate) async fn handle(
    state: &AppState,
    caller: &Caller,
    request: Request,
) -> Result<Response<Body>> {
    let dialect = caller.spoken.dialect;
    let headers = request.headers().clone();
    let bytes = body::read(request, state.body_bytes_max).await?;
    let mut decoded = backstay_wire::decode_request(dialect, &bytes)?;
    let from_headers = extension_of_headers(&headers);
    let member = decoded.extension.as_ref();
    let extension = RequestExtension::merge(member, from_headers)?;
    let cache = CacheRequest::merge(member, cache_headers(&headers))?;
    let shown = extension.is_some() || member.is_some_and(|member| !member.is_null());
    if !decoded.others.is_empty() {
        if shown {
            let what = "cannot be used with several prompts; send one call for each of them";
            let error = Error::invalid(format!("`backstay` {what}"));
            return Err(error.with_parameter("backstay"));
        }
        let others = std::mem::take(&mut decoded.others);
        let all = std::iter::once(decoded).chain(others).collect();
        return prompts::respond(state, caller, &headers, all).await;
    }
    let (extension, keeper) = match &decoded.stateful {
        Some(stateful) => {
            state.engine.continue_response(&caller.context, stateful, extension).await?
        }
        None => (extension, None),
    };
    let chat = with_headers(decoded.request, &headers);
    let wanted = Wanted {
        dialect,
        stream: chat.stream,
        include_usage: chat.include_usage,
        hide_reasoning: decoded.hide_reasoning,
        model: chat.model.clone(),
        // Who asks for an answer to be continued has to be told when it was.
        extension: shown || chat.routing.continue_broken,
        at_openrouter: caller.spoken.at_openrouter,
        echo: decoded.echo,
        keeper,
    };
    let (engine, context) = (state.engine.clone(), caller.context.clone());
    let pending = async move { engine.respond(&context, chat, extension, cache).await };
    if dialect == Dialect::OpenRouter && wanted.stream {
        let request = caller.context.request.as_str();
        return early_head::respond(pending, wanted, state.engine.clock(), request).await;
    }
    respond(pending.await?, wanted, state.engine.clock()).await
}

/// The request with what its headers say.
pub(super) fn with_headers(request: ChatRequest, headers: &HeaderMap) -> ChatRequest {
    let mut chat = ChatRequest { origin_headers: format_headers(headers), ..request };
    add_routing_headers(headers, &mut chat);
    chat
}

/// Headers that mean something to a provider of the client's format. Everything else in a client's
/// headers, its key first of all, stays here.
fn format_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    const PASSED_ON: [&str; 2] = ["anthropic-version", "anthropic-beta"];
    let named = PASSED_ON.iter().filter_map(|name| {
        let value = headers.get(*name)?.to_str().ok()?;
        Some(((*name).to_owned(), value.to_owned()))
    });
    named.collect()
}

/// What OpenRouter's clients say of routing in headers; the body wins.
fn add_routing_headers(headers: &HeaderMap, chat: &mut ChatRequest) {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if chat.routing.session.is_none() {
        chat.routing.session = text("x-session-id").map(str::to_owned);
    }
    chat.routing.trace |= text("x-openrouter-metadata") == Some("enabled");
}

fn cache_headers(headers: &HeaderMap) -> CacheHeaders<'_> {
    // What cannot be read as text is a mistake like any other word.
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    CacheHeaders {
        enabled: text("x-openrouter-cache"),
        ttl: text("x-openrouter-cache-ttl"),
        clear: text("x-openrouter-cache-clear"),
    }
}

fn extension_of_headers(headers: &HeaderMap) -> backstay_wire::ExtensionHeaders<'_> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    backstay_wire::ExtensionHeaders {
        assistant: text("x-backstay-assistant"),
        user: text("x-backstay-user"),
        thread: text("x-backstay-thread"),
        memory: text("x-backstay-memory"),
    }
}
