//! Claude on Vertex AI: Anthropic's body with its version inside and without the model.

use axum::extract::Path;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::anthropic::{Anthropic, Extra};
use crate::delivery::Frame;
use crate::exchange::{Received, complete};
use crate::failure::Failure;
use crate::prompt::Prompt;
use crate::respond::Plan;
use crate::wire::{Call, Wire};

const VERSION: &str = "vertex-2023-10-16";

pub(crate) enum VertexClaude {}

/// `POST /v1/projects/{project}/locations/{location}/publishers/anthropic/models/{model}:rawPredict`.
pub(crate) async fn dispatch(
    Path((_, _, call)): Path<(String, String, String)>,
    received: Received,
) -> Response {
    let (model, method) = call.rsplit_once(':').unwrap_or((&call, ""));
    match method {
        "rawPredict" | "streamRawPredict" => {
            complete::<VertexClaude>(received, Some(model), method == "streamRawPredict").await
        }
        _ => {
            let failure = Failure::ModelNotFound { model: call.clone() };
            received.refuse::<VertexClaude>(&failure)
        }
    }
}

impl Wire for VertexClaude {
    type Extra = Extra;

    const EMPTY_FRAME_AT: usize = Anthropic::EMPTY_FRAME_AT;

    fn authorize(headers: &HeaderMap, _query: &str) -> Result<(), Failure> {
        super::authorize(headers)
    }

    fn read(call: &Call<'_>) -> Result<(Prompt, Extra), Failure> {
        let mut body = call.body.clone();
        if body.remove("anthropic_version") != Some(json!(VERSION)) {
            let message = format!("anthropic_version: Input should be '{VERSION}'");
            return Err(Failure::bad_field("anthropic_version", message));
        }
        if body.contains_key("model") {
            return Err(Failure::bad_field("model", "model: Extra inputs are not permitted"));
        }
        let streams = body.get("stream") == Some(&Value::Bool(true));
        if streams != call.path_stream {
            return Err(Failure::bad_field("stream", "stream: does not fit the method"));
        }
        body.insert("model".to_owned(), json!(call.path_model.unwrap_or_default()));
        Anthropic::read(&Call { body: &body, ..*call })
    }

    fn reply(prompt: &Prompt, extra: &Extra, plan: &Plan) -> Value {
        Anthropic::reply(prompt, extra, plan)
    }

    fn frames(prompt: &Prompt, extra: &Extra, plan: &Plan) -> Vec<Frame> {
        Anthropic::frames(prompt, extra, plan)
    }

    fn empty_reply(reply: &mut Value) {
        Anthropic::empty_reply(reply);
    }

    fn empty_frame(prompt: &Prompt, extra: &Extra) -> Frame {
        Anthropic::empty_frame(prompt, extra)
    }

    fn stream_type(extra: &Extra) -> &'static str {
        Anthropic::stream_type(extra)
    }

    fn failure(id: u64, failure: &Failure) -> (u16, Value) {
        Anthropic::failure(id, failure)
    }

    fn error_event(id: u64, extra: &Extra) -> Bytes {
        Anthropic::error_event(id, extra)
    }
}
