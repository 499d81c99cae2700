//! Gemini on Vertex AI: `…/publishers/google/models/{model}:generateContent` and its likes.

use axum::extract::Path;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::delivery::Frame;
use crate::exchange::{Received, complete};
use crate::failure::Failure;
use crate::gemini::{Extra, Gemini};
use crate::model::MODELS;
use crate::prompt::Prompt;
use crate::respond::Plan;
use crate::wire::{Call, Wire};

pub(crate) enum VertexGemini {}

/// `POST /v1/projects/{project}/locations/{location}/publishers/google/models/{model}:{method}`.
pub(crate) async fn dispatch(
    Path((_, _, call)): Path<(String, String, String)>,
    received: Received,
) -> Response {
    let (model, method) = call.rsplit_once(':').unwrap_or((&call, ""));
    match method {
        "generateContent" => complete::<VertexGemini>(received, Some(model), false).await,
        "streamGenerateContent" => complete::<VertexGemini>(received, Some(model), true).await,
        _ => {
            let failure = Failure::ModelNotFound { model: call.clone() };
            received.refuse::<VertexGemini>(&failure)
        }
    }
}

/// `GET /v1beta1/publishers/google/models`.
pub(crate) async fn models(received: Received) -> Response {
    let allowed = received.admit::<VertexGemini>();
    let models: Vec<Value> = MODELS
        .iter()
        .map(|(id, _)| json!({"name": format!("publishers/google/models/gemini-{id}")}))
        .collect();
    received.finish::<VertexGemini>(allowed.map(|()| json!({"publisherModels": models})))
}

impl Wire for VertexGemini {
    type Extra = Extra;

    const EMPTY_FRAME_AT: usize = Gemini::EMPTY_FRAME_AT;

    fn authorize(headers: &HeaderMap, _query: &str) -> Result<(), Failure> {
        super::authorize(headers)
    }

    fn read(call: &Call<'_>) -> Result<(Prompt, Extra), Failure> {
        Gemini::read(call)
    }

    fn reply(prompt: &Prompt, extra: &Extra, plan: &Plan) -> Value {
        Gemini::reply(prompt, extra, plan)
    }

    fn frames(prompt: &Prompt, extra: &Extra, plan: &Plan) -> Vec<Frame> {
        Gemini::frames(prompt, extra, plan)
    }

    fn empty_reply(reply: &mut Value) {
        Gemini::empty_reply(reply);
    }

    fn empty_frame(prompt: &Prompt, extra: &Extra) -> Frame {
        Gemini::empty_frame(prompt, extra)
    }

    fn stream_type(extra: &Extra) -> &'static str {
        Gemini::stream_type(extra)
    }

    fn failure(id: u64, failure: &Failure) -> (u16, Value) {
        Gemini::failure(id, failure)
    }

    fn error_event(id: u64, extra: &Extra) -> Bytes {
        Gemini::error_event(id, extra)
    }
}
