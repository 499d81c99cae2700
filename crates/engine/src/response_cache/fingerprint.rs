//! What makes two requests the same: everything that an answer depends on.

use backstay_core::{
    CallContext, Error, Result, RoutingPreferences,
    chat::{ChatRequest, RawMessage},
    memory::Scope,
};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Changes when requests are written differently, so that what an earlier version kept is not found.
const VERSION: u32 = 1;

/// SHA-256 of the request as JSON with its members in order of their names, so that the order in which
/// a client writes them does not matter. Each field is named here: a new one does not compile until
/// it is decided whether an answer depends on it.
pub(super) fn of(
    context: &CallContext,
    scope: Option<&Scope>,
    request: &ChatRequest,
) -> Result<[u8; 32]> {
    let ChatRequest {
        model,
        messages,
        tools,
        tool_choice,
        parallel_tool_calls,
        response_format,
        reasoning,
        parameters,
        routing,
        // An answer is the same whether it comes in pieces or not.
        stream: _,
        include_usage: _,
        origin,
        untranslated,
        origin_headers,
    } = request;
    let raw: Vec<Option<&RawMessage>> =
        messages.iter().map(|message| message.raw.as_deref()).collect();
    let mut written = json!({
        "version": VERSION,
        "workspace": context.workspace,
        "key": context.key,
        "scope": scope,
        "model": model,
        "messages": value(messages)?,
        "raw": value(&raw)?,
        "tools": value(tools)?,
        "tool_choice": value(tool_choice)?,
        "parallel_tool_calls": parallel_tool_calls,
        "response_format": value(response_format)?,
        "reasoning": value(reasoning)?,
        "parameters": value(parameters)?,
        "routing": value(&deciding(routing))?,
        "origin": value(origin)?,
        "untranslated": untranslated,
        "origin_headers": origin_headers,
    });
    written.sort_all_objects();
    Ok(Sha256::digest(written.to_string()).into())
}

/// Without what neither chooses a model or provider nor reaches one.
fn deciding(routing: &RoutingPreferences) -> RoutingPreferences {
    RoutingPreferences { session: None, trace: false, ..routing.clone() }
}

fn value(part: &impl Serialize) -> Result<Value> {
    serde_json::to_value(part)
        .map_err(|cause| Error::internal(format!("a request cannot be written as JSON: {cause}")))
}

#[cfg(test)]
mod tests {
    use backstay_core::{KeyId, Name, RequestId, WorkspaceId};
    use backstay_wire::{Dialect, decode_request};

    use super::*;

    fn context(workspace: &str, key: &str) -> CallContext {
        let workspace = WorkspaceId::parse(workspace).unwrap();
        CallContext::unlimited(workspace, KeyId::parse(key).unwrap(), RequestId::unknown())
    }

    fn request(body: &Value) -> ChatRequest {
        decode_request(Dialect::OpenAi, body.to_string().as_bytes()).unwrap().request
    }

    fn plain(body: &Value) -> [u8; 32] {
        of(&context("ws_1", "key_1"), None, &request(body)).unwrap()
    }

    fn asking(members: &Value) -> Value {
        let mut body = json!({"model": "m", "temperature": 0.5, "max_tokens": 9,
            "messages": [{"role": "user", "content": "hi"}],
            "tools": [{"type": "function", "function": {"name": "f",
                "parameters": {"type": "object", "properties": {"a": {}, "b": {}}}}}]});
        if let (Value::Object(body), Value::Object(members)) = (&mut body, members) {
            body.extend(members.clone());
        }
        body
    }

    #[test]
    fn the_order_of_members_and_how_the_answer_comes_do_not_matter() {
        let first = plain(&asking(&json!({})));
        let turned = json!({"tools": [{"function": {
                "parameters": {"properties": {"b": {}, "a": {}}, "type": "object"},
                "name": "f"}, "type": "function"}],
            "messages": [{"content": "hi", "role": "user"}],
            "max_tokens": 9, "temperature": 0.5, "model": "m"});
        assert_eq!(plain(&turned), first);
        for same in [
            json!({"stream": true}),
            json!({"stream": true, "stream_options": {"include_usage": true}}),
        ] {
            assert_eq!(plain(&asking(&same)), first, "{same}");
        }
    }

    #[test]
    fn everything_that_an_answer_depends_on_matters() {
        let body = asking(&json!({}));
        let mut all = vec![plain(&body)];
        for other in [
            json!({"model": "n"}),
            json!({"temperature": 0.6}),
            json!({"temperature": null}),
            json!({"max_tokens": 10}),
            json!({"seed": 1}),
            json!({"messages": [{"role": "user", "content": "ho"}]}),
            json!({"messages": [{"role": "system", "content": "hi"}]}),
            json!({"messages": [{"role": "user", "content": "hi", "unknown": 1}]}),
            json!({"tools": []}),
            json!({"tool_choice": "required"}),
            json!({"parallel_tool_calls": false}),
            json!({"response_format": {"type": "json_object"}}),
            json!({"reasoning_effort": "low"}),
            json!({"user": "ann"}),
            json!({"unknown": true}),
            json!({"models": ["n"]}),
            json!({"provider": {"order": ["x"]}}),
            json!({"provider": {"data_collection": "deny"}}),
        ] {
            let other = plain(&asking(&other));
            assert!(!all.contains(&other), "{}", all.len());
            all.push(other);
        }
        let scope = |user| Scope { assistant: Name::default_assistant(), user: Name::parse(user) };
        let request = ChatRequest {
            origin_headers: vec![("anthropic-beta".to_owned(), "x".to_owned())],
            ..request(&body)
        };
        for (context, scope) in [
            (context("ws_1", "key_1"), None),
            (context("ws_2", "key_1"), None),
            (context("ws_1", "key_2"), None),
            (context("ws_1", "key_1"), Some(scope("ann"))),
            (context("ws_1", "key_1"), Some(scope("bob"))),
        ] {
            let other = of(&context, scope.as_ref(), &request).unwrap();
            assert!(!all.contains(&other), "{}", all.len());
            all.push(other);
        }
    }
}
