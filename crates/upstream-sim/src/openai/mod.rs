//! OpenAI's wire format: chat completions, embeddings, models.

pub(crate) mod embeddings;
mod error;
mod messages;
pub(crate) mod models;
mod read;
mod reply;
mod stream;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use crate::delivery::Frame;
use crate::failure::Failure;
use crate::prompt::Prompt;
use crate::respond::Plan;
use crate::wire::{Call, Wire, bearer, data_event};

/// The format, for [`crate::exchange`].
pub(crate) enum OpenAi {}

/// What the answer needs beyond the neutral prompt.
#[derive(Debug)]
pub(crate) struct Extra {
    id: u64,
    /// Whether the stream ends with a chunk that carries the usage.
    include_usage: bool,
    /// Number of alternatives per token, if log probabilities are wanted.
    top_logprobs: Option<usize>,
}

impl Wire for OpenAi {
    type Extra = Extra;

    const EMPTY_FRAME_AT: usize = 0;

    fn authorize(headers: &HeaderMap, _query: &str) -> Result<(), Failure> {
        let message = "You didn't provide an API key. You need to provide your API key in an \
                       Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).";
        bearer(headers).map(drop).ok_or_else(|| Failure::MissingKey { message: message.to_owned() })
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
        if let Some(choices) = reply.get_mut("choices") {
            *choices = Value::Array(Vec::new());
        }
    }

    fn empty_frame(prompt: &Prompt, extra: &Extra) -> Frame {
        stream::empty_frame(prompt, extra)
    }

    fn stream_type(_extra: &Extra) -> &'static str {
        "text/event-stream; charset=utf-8"
    }

    fn failure(_id: u64, failure: &Failure) -> (u16, Value) {
        (failure.status(), error::body(failure))
    }

    fn error_event(_id: u64, _extra: &Extra) -> Bytes {
        data_event(&error::body(&Failure::ServerError).to_string())
    }
}
