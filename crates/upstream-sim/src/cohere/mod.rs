//! Cohere's wire format, version 2: chat, embeddings, reranking, models.

pub(crate) mod embed;
mod error;
mod messages;
pub(crate) mod models;
mod read;
mod reply;
pub(crate) mod rerank;
mod stream;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use crate::delivery::Frame;
use crate::failure::Failure;
use crate::prompt::Prompt;
use crate::respond::Plan;
use crate::wire::{Call, Wire, bearer};

/// The format, for [`crate::exchange`].
pub(crate) enum Cohere {}

/// What the answer needs beyond the neutral prompt.
#[derive(Debug)]
pub(crate) struct Extra {
    id: u64,
}

impl Wire for Cohere {
    type Extra = Extra;

    /// After `message-start`.
    const EMPTY_FRAME_AT: usize = 1;

    fn authorize(headers: &HeaderMap, _query: &str) -> Result<(), Failure> {
        let message = "no api key supplied";
        bearer(headers).map(drop).ok_or_else(|| Failure::MissingKey { message: message.to_owned() })
    }

    fn read(call: &Call<'_>) -> Result<(Prompt, Extra), Failure> {
        Ok((read::read(call.body)?, Extra { id: call.id }))
    }

    fn reply(_prompt: &Prompt, extra: &Extra, plan: &Plan) -> Value {
        reply::reply(extra.id, plan)
    }

    fn frames(_prompt: &Prompt, extra: &Extra, plan: &Plan) -> Vec<Frame> {
        stream::frames(extra.id, plan)
    }

    fn empty_reply(reply: &mut Value) {
        if let Some(reply) = reply.as_object_mut() {
            reply.remove("message");
        }
    }

    fn empty_frame(_prompt: &Prompt, _extra: &Extra) -> Frame {
        stream::empty_frame()
    }

    fn stream_type(_extra: &Extra) -> &'static str {
        "text/event-stream"
    }

    fn failure(id: u64, failure: &Failure) -> (u16, Value) {
        error::body(id, failure)
    }

    fn error_event(id: u64, _extra: &Extra) -> Bytes {
        stream::error_event(id)
    }
}
