//! Gemini's wire format: generate content, token counting, embeddings, models.

mod config;
mod contents;
mod count;
mod embeddings;
mod error;
mod field;
pub(crate) mod models;
mod read;
mod reply;
mod stream;
mod tools;

use axum::extract::Path;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use crate::delivery::Frame;
use crate::exchange::{Received, complete};
use crate::failure::Failure;
use crate::prompt::Prompt;
use crate::respond::Plan;
use crate::wire::{Call, Wire, bearer, header};

/// The format, for [`crate::exchange`].
pub(crate) enum Gemini {}

/// What the answer needs beyond the neutral prompt.
#[derive(Debug)]
pub(crate) struct Extra {
    id: u64,
    /// Whether the reasoning is shown; it is counted in any case.
    include_thoughts: bool,
    /// Whether a stream is server-sent events (`alt=sse`) or one JSON array.
    sse: bool,
}

/// `POST /v1beta/models/{model}:{method}`.
pub(crate) async fn dispatch(Path(call): Path<String>, received: Received) -> Response {
    let (model, method) = call.rsplit_once(':').unwrap_or((&call, ""));
    match method {
        "generateContent" => complete::<Gemini>(received, Some(model), false).await,
        "streamGenerateContent" => complete::<Gemini>(received, Some(model), true).await,
        "countTokens" => count::answer(received, model).await,
        "embedContent" => embeddings::answer_one(received, model).await,
        "batchEmbedContents" => embeddings::answer_batch(received, model).await,
        _ => {
            let failure = Failure::ModelNotFound { model: call.clone() };
            received.refuse::<Gemini>(&failure)
        }
    }
}

impl Wire for Gemini {
    type Extra = Extra;

    const EMPTY_FRAME_AT: usize = 0;

    fn authorize(headers: &HeaderMap, query: &str) -> Result<(), Failure> {
        let in_query = query
            .split('&')
            .any(|pair| pair.strip_prefix("key=").is_some_and(|key| !key.is_empty()));
        if in_query || header(headers, "x-goog-api-key").is_some() || bearer(headers).is_some() {
            return Ok(());
        }
        Err(Failure::MissingKey {
            message: "Method doesn't allow unregistered callers (callers without established \
                      identity). Please use API Key or other form of API consumer identity to call \
                      this API."
                .to_owned(),
        })
    }

    fn read(call: &Call<'_>) -> Result<(Prompt, Extra), Failure> {
        read::read(call)
    }

    fn reply(prompt: &Prompt, extra: &Extra, plan: &Plan) -> Value {
        reply::reply(prompt, extra, plan)
    }

    fn frames(prompt: &Prompt, extra: &Extra, plan: &Plan) -> Vec<Frame> {
        stream::frames(prompt, extra, plan)
    }

    fn empty_reply(reply: &mut Value) {
        if let Some(object) = reply.as_object_mut() {
            object.remove("candidates");
        }
    }

    fn empty_frame(prompt: &Prompt, extra: &Extra) -> Frame {
        stream::empty_frame(prompt, extra)
    }

    fn stream_type(extra: &Extra) -> &'static str {
        if extra.sse { "text/event-stream" } else { "application/json; charset=UTF-8" }
    }

    fn failure(_id: u64, failure: &Failure) -> (u16, Value) {
        error::body(failure)
    }

    fn error_event(_id: u64, extra: &Extra) -> Bytes {
        stream::error_event(extra)
    }
}
