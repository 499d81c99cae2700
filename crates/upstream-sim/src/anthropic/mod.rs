//! Anthropic's wire format: messages, token counting, models.

pub(crate) mod count;
mod error;
mod messages;
pub(crate) mod models;
mod read;
mod reply;
mod signature;
mod stream;
mod tool_use;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use crate::delivery::{Frame, FrameKind};
use crate::failure::Failure;
use crate::prompt::Prompt;
use crate::respond::Plan;
use crate::wire::{Call, Wire, bearer, header, named_event};

/// The format, for [`crate::exchange`].
pub(crate) enum Anthropic {}

/// What the answer needs beyond the neutral prompt.
#[derive(Debug)]
pub(crate) struct Extra {
    id: u64,
}

impl Wire for Anthropic {
    type Extra = Extra;

    /// After `message_start`, `content_block_start` and the regular `ping`.
    const EMPTY_FRAME_AT: usize = 3;

    fn authorize(headers: &HeaderMap, _query: &str) -> Result<(), Failure> {
        if header(headers, "x-api-key").is_none() && bearer(headers).is_none() {
            return Err(Failure::MissingKey { message: "x-api-key header is required".to_owned() });
        }
        match header(headers, "anthropic-version") {
            Some("2026-10-21" | "2023-06-01" | "2023-01-01") => Ok(()),
            Some(other) => Err(Failure::bad_request(format!(
                "anthropic-version: \"{other}\" is not a valid version"
            ))),
            None => Err(Failure::bad_request("anthropic-version: header is required")),
        }
    }

    fn read(call: &Call<'_>) -> Result<(Prompt, Extra), Failure> {
        Ok((read::read(call.body)?, Extra { id: call.id }))
    }

    fn reply(prompt: &Prompt, extra: &Extra, plan: &Plan) -> Value {
        reply::reply(prompt, extra.id, plan)
    }

    fn frames(prompt: &Prompt, extra: &Extra, plan: &Plan) -> Vec<Frame> {
        stream::frames(prompt, extra.id, plan)
    }

    fn empty_reply(reply: &mut Value) {
        if let Some(content) = reply.get_mut("content") {
            *content = Value::Array(Vec::new());
        }
    }

    fn empty_frame(_prompt: &Prompt, _extra: &Extra) -> Frame {
        Frame::new(FrameKind::Event, stream::ping())
    }

    fn stream_type(_extra: &Extra) -> &'static str {
        "text/event-stream; charset=utf-8"
    }

    fn failure(id: u64, failure: &Failure) -> (u16, Value) {
        (failure.status(), error::body(id, failure))
    }

    fn error_event(id: u64, _extra: &Extra) -> Bytes {
        named_event("error", &error::body(id, &Failure::Overloaded).to_string())
    }
}
