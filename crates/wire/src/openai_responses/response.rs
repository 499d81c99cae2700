//! The response object, in every state of it.

use backstay_core::{
    Error, ErrorClass, ErrorCode, Usage,
    chat::{FinishReason, Settlement},
};
use serde_json::{Map, Value, json};

use super::items::response_id;
use crate::{EncodeOptions, ReplyExtension, dollars, extension};

/// What is the same in every state of one response.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) generation: String,
    pub(super) model: String,
    pub(super) created: i64,
    pub(super) encrypted_reasoning: bool,
    echo: Map<String, Value>,
    show_cost: bool,
}

/// How far a response has come.
pub(super) enum State<'a> {
    InProgress,
    Ended(Option<&'a FinishReason>),
    Failed(&'a Error),
}

impl Head {
    pub(super) fn of(options: EncodeOptions) -> Self {
        Self {
            generation: options.generation,
            model: options.model,
            created: options.created,
            encrypted_reasoning: options.echo.encrypted_reasoning,
            echo: options.echo.fields,
            show_cost: options.show_cost,
        }
    }

    pub(super) fn response(
        &self,
        state: &State<'_>,
        output: Vec<Value>,
        usage: Option<Value>,
        extension: Option<&ReplyExtension>,
    ) -> Value {
        let incomplete = match state {
            State::Ended(Some(FinishReason::Length)) => Some("max_output_tokens"),
            State::Ended(Some(FinishReason::ContentFilter)) => Some("content_filter"),
            _ => None,
        };
        let (status, error) = match state {
            State::InProgress => ("in_progress", Value::Null),
            State::Ended(_) if incomplete.is_some() => ("incomplete", Value::Null),
            State::Ended(_) => ("completed", Value::Null),
            State::Failed(error) => ("failed", error_object(error)),
        };
        let mut response = json!({
            "id": response_id(&self.generation),
            "object": "response",
            "created_at": self.created,
            "status": status,
            "background": false,
            "error": error,
            "incomplete_details": incomplete.map(|reason| json!({"reason": reason})),
            "model": self.model,
            "output": output,
            "usage": usage,
            "max_tool_calls": null,
            "service_tier": "default",
            "top_logprobs": 0,
        });
        if let Value::Object(members) = &mut response {
            members.extend(self.echo.clone());
        }
        if let Some(extension) = extension {
            response[extension::MEMBER] = json!(extension);
        }
        response
    }

    pub(super) fn usage(&self, counted: &Usage, settlement: Option<&Settlement>) -> Value {
        let mut usage = json!({
            "input_tokens": counted.prompt_tokens,
            "input_tokens_details": {"cached_tokens": counted.cached_prompt_tokens},
            "output_tokens": counted.completion_tokens,
            "output_tokens_details": {"reasoning_tokens": counted.reasoning_tokens},
            "total_tokens": counted.total_tokens(),
        });
        if self.show_cost {
            dollars::add_cost(&mut usage, settlement);
        }
        usage
    }
}

/// The failure of a response, in one of OpenAI's words for it.
fn error_object(error: &Error) -> Value {
    let code = match (error.code(), error.code().class()) {
        (ErrorCode::UpstreamRateLimited | ErrorCode::TooManyRequests, _) => "rate_limit_exceeded",
        (_, ErrorClass::Request) => "invalid_prompt",
        _ => "server_error",
    };
    json!({"code": code, "message": error.message()})
}
