//! Azure OpenAI: OpenAI's format behind another header, other paths and other errors.

use axum::extract::Path;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::delivery::Frame;
use crate::exchange::{Received, complete};
use crate::failure::Failure;
use crate::openai::{self, OpenAi};
use crate::prompt::Prompt;
use crate::respond::Plan;
use crate::wire::{Call, Wire, header};

/// The format, for [`crate::exchange`].
pub(crate) enum Azure {}

/// `POST /openai/deployments/{deployment}/chat/completions?api-version=…`.
pub(crate) async fn complete_deployment(
    Path(deployment): Path<String>,
    received: Received,
) -> Response {
    complete::<Azure>(received, Some(&deployment), false).await
}

/// `POST /openai/deployments/{deployment}/embeddings?api-version=…`.
pub(crate) async fn embed_deployment(
    Path(deployment): Path<String>,
    received: Received,
) -> Response {
    let named = received.json::<Azure>().and_then(|body| of(&deployment, &body, received.query()));
    openai::embeddings::answer_body::<Azure>(received, named).await
}

/// `POST /openai/v1/embeddings`.
pub(crate) async fn embed_v1(received: Received) -> Response {
    let body = received.json::<Azure>();
    openai::embeddings::answer_body::<Azure>(received, body).await
}

/// The body of a call to a deployment: its path names it and needs a version; the body then need not
/// name a model.
fn of(
    deployment: &str,
    body: &Map<String, Value>,
    query: &str,
) -> Result<Map<String, Value>, Failure> {
    let version = query.split('&').find_map(|pair| pair.strip_prefix("api-version="));
    if version.is_none_or(str::is_empty) {
        return Err(Failure::bad_request("Missing required query parameter: api-version"));
    }
    let mut body = body.clone();
    body.insert("model".to_owned(), json!(deployment));
    Ok(body)
}

/// `POST /openai/v1/chat/completions`.
pub(crate) async fn complete_v1(received: Received) -> Response {
    complete::<Azure>(received, None, false).await
}

impl Wire for Azure {
    type Extra = openai::Extra;

    const EMPTY_FRAME_AT: usize = 0;

    fn authorize(headers: &HeaderMap, _query: &str) -> Result<(), Failure> {
        let message = "Access denied due to missing subscription key.";
        let key = header(headers, "api-key");
        key.map(drop).ok_or_else(|| Failure::MissingKey { message: message.to_owned() })
    }

    fn read(call: &Call<'_>) -> Result<(Prompt, openai::Extra), Failure> {
        let Some(deployment) = call.path_model else { return OpenAi::read(call) };
        OpenAi::read(&Call { body: &of(deployment, call.body, call.query)?, ..*call })
    }

    fn reply(prompt: &Prompt, extra: &openai::Extra, plan: &Plan) -> Value {
        OpenAi::reply(prompt, extra, plan)
    }

    /// The first chunk says what a filter thinks of the prompt, and has no choices.
    fn frames(prompt: &Prompt, extra: &openai::Extra, plan: &Plan) -> Vec<Frame> {
        let mut frames = OpenAi::frames(prompt, extra, plan);
        frames.insert(0, OpenAi::empty_frame(prompt, extra));
        frames
    }

    fn empty_reply(reply: &mut Value) {
        OpenAi::empty_reply(reply);
    }

    fn empty_frame(prompt: &Prompt, extra: &openai::Extra) -> Frame {
        OpenAi::empty_frame(prompt, extra)
    }

    fn stream_type(extra: &openai::Extra) -> &'static str {
        OpenAi::stream_type(extra)
    }

    fn failure(id: u64, failure: &Failure) -> (u16, Value) {
        let (status, body) = OpenAi::failure(id, failure);
        let code = match failure {
            Failure::MissingKey { .. } | Failure::WrongKey => "401",
            Failure::ModelNotFound { .. } => "DeploymentNotFound",
            Failure::RateLimit { .. } => "429",
            _ => return (status, body),
        };
        let message = body.pointer("/error/message").cloned().unwrap_or_default();
        (status, json!({"error": {"code": code, "message": message}}))
    }

    fn error_event(id: u64, extra: &openai::Extra) -> Bytes {
        OpenAi::error_event(id, extra)
    }
}
