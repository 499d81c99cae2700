//! Which scope of a key each route asks for. A route without a line here is refused.

use axum::{
    extract::MatchedPath,
    http::{Method, request::Parts},
};
use backstay_core::KeyScope::{Inference, Manage, Memory, Read};
use backstay_engine::Access;

const CALLS_MODELS: Access = Access::OneOf(&[Inference]);
/// Its own only, unless it may read the whole ledger.
const SEES_ITS_CALLS: Access = Access::OneOf(&[Inference, Read, Manage]);
const READS_MEMORY: Access = Access::OneOf(&[Memory, Read]);
const CHANGES_MEMORY: Access = Access::OneOf(&[Memory]);
const SEES_OPERATION: Access = Access::OneOf(&[Read, Manage]);
const MANAGES: Access = Access::OneOf(&[Manage]);

/// What the route of a request asks for; `None` when nobody has said it.
pub(crate) fn of_request(parts: &Parts) -> Option<Access> {
    let path = parts.extensions.get::<MatchedPath>()?;
    of_route(&parts.method, path.as_str())
}

fn of_route(method: &Method, path: &str) -> Option<Access> {
    // A handler of GET answers HEAD too.
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    if let Some(path) = path.strip_prefix("/backstay/v1") {
        return of_native(method, path);
    }
    if let Some(path) = path.strip_prefix("/api/v1") {
        return of_openrouter(method, path);
    }
    if let Some(path) = path.strip_prefix("/v1") {
        return of_models(method, path);
    }
    of_backboard(method, path.strip_prefix("/api").unwrap_or(path))
}

/// What Backboard's clients do is kept in threads.
fn of_backboard(method: &str, path: &str) -> Option<Access> {
    Some(match (method, path) {
        (
            "POST",
            "/threads/messages"
            | "/threads/{thread}/messages"
            | "/threads/tool-outputs"
            | "/threads/{thread}/runs/{run}/submit-tool-outputs"
            | "/threads/{thread}/runs/{run}/cancel",
        ) => CALLS_MODELS,
        ("GET", path) if is_under(path, "/models") => Access::AnyKey,
        ("GET", "/billing/usage/recent") => SEES_OPERATION,
        ("POST", "/assistants/{assistant}/memories/search") => READS_MEMORY,
        ("GET", path)
            if is_under(path, "/assistants")
                || is_under(path, "/threads")
                || is_under(path, "/documents") =>
        {
            READS_MEMORY
        }
        (
            "POST" | "PUT" | "DELETE",
            "/assistants"
            | "/assistants/{assistant}"
            | "/assistants/{assistant}/clone"
            | "/assistants/{assistant}/threads"
            | "/assistants/{assistant}/memories"
            | "/assistants/{assistant}/memories/{memory}"
            | "/assistants/{assistant}/documents"
            | "/threads/{thread}/documents"
            | "/documents/{document}"
            | "/threads/{thread}",
        ) => CHANGES_MEMORY,
        _ => return None,
    })
}

/// What OpenAI's, Anthropic's and OpenRouter's interfaces have under their own prefixes.
fn of_models(method: &str, path: &str) -> Option<Access> {
    Some(match (method, path) {
        (
            "POST",
            "/chat/completions"
            | "/completions"
            | "/responses"
            | "/messages"
            | "/messages/count_tokens"
            | "/embeddings"
            | "/rerank",
        ) => CALLS_MODELS,
        ("GET" | "DELETE", path) if is_under(path, "/responses") => CALLS_MODELS,
        ("GET", "/models" | "/models/{*id}") => Access::AnyKey,
        _ => return None,
    })
}

fn of_openrouter(method: &str, path: &str) -> Option<Access> {
    Some(match (method, path) {
        ("GET", "/providers" | "/endpoints/zdr" | "/embeddings/models") => Access::AnyKey,
        ("GET", path) if is_under(path, "/models") || is_under(path, "/model") => Access::AnyKey,
        ("GET", "/key" | "/auth/key") => Access::AnyKey,
        ("GET", "/generation") => SEES_ITS_CALLS,
        ("GET", "/credits" | "/activity") => SEES_OPERATION,
        ("GET" | "POST", "/keys") | ("GET" | "PATCH" | "DELETE", "/keys/{hash}") => MANAGES,
        _ => return of_models(method, path),
    })
}

fn of_native(method: &str, path: &str) -> Option<Access> {
    Some(match (method, path) {
        ("GET", "/models" | "/prices" | "/key") | ("POST", "/route/explain") => Access::AnyKey,
        ("POST", "/memories/search" | "/memories/explain" | "/documents/search") => READS_MEMORY,
        ("GET", path)
            if ["/memories", "/threads", "/documents"].iter().any(|part| is_under(path, part)) =>
        {
            READS_MEMORY
        }
        (
            "POST",
            "/conversations" | "/memories" | "/memories/forget" | "/memories/import"
            | "/memories/merge" | "/documents",
        )
        | ("PUT" | "DELETE", "/memories/policy")
        | ("PATCH", "/memories/{id}")
        | ("DELETE", "/threads/{id}" | "/documents/{id}") => CHANGES_MEMORY,
        (
            "GET",
            "/generations" | "/generations/{id}" | "/ledger/summary" | "/budgets" | "/jobs"
            | "/status" | "/workspace",
        ) => SEES_OPERATION,
        ("PUT", "/budgets" | "/workspace")
        | (
            "POST",
            "/jobs/{id}/retry"
            | "/models/refresh"
            | "/keys/{id}/rotate"
            | "/device-logins/{user_code}/approve"
            | "/device-logins/{user_code}/deny",
        )
        | ("DELETE", "/jobs/{id}")
        | ("GET" | "POST", "/keys")
        | ("GET" | "PATCH" | "DELETE", "/keys/{id}") => MANAGES,
        _ => return None,
    })
}

fn is_under(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_that_nobody_named_may_be_used_by_nobody() {
        for path in ["/v1/new", "/backstay/v1/new", "/backstay/v1/memoriesx", "/"] {
            assert_eq!(of_route(&Method::GET, path), None, "{path}");
        }
        assert_eq!(of_route(&Method::DELETE, "/backstay/v1/memories"), None);
        assert_eq!(of_route(&Method::HEAD, "/v1/models"), Some(Access::AnyKey));
    }
}
