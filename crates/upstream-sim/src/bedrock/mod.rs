//! Amazon Bedrock's wire format: Converse, ConverseStream, the list of models.

mod blocks;
mod error;
mod framing;
pub(crate) mod models;
mod read;
mod reply;
mod sigv4;
mod stream;

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
use crate::wire::{Call, Caller, Wire, bearer};

pub use sigv4::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};

/// The format, for [`crate::exchange`].
pub(crate) enum Bedrock {}

/// What the answer needs beyond the neutral prompt.
#[derive(Debug)]
pub(crate) struct Extra {
    id: u64,
}

/// `POST /model/{model}/converse`.
pub(crate) async fn converse(Path(model): Path<String>, received: Received) -> Response {
    complete::<Bedrock>(received, Some(&model), false).await
}

/// `POST /model/{model}/converse-stream`.
pub(crate) async fn converse_stream(Path(model): Path<String>, received: Received) -> Response {
    complete::<Bedrock>(received, Some(&model), true).await
}

impl Wire for Bedrock {
    type Extra = Extra;

    /// After `messageStart`.
    const EMPTY_FRAME_AT: usize = 1;

    fn authorize(headers: &HeaderMap, _query: &str) -> Result<(), Failure> {
        let message = "Missing Authentication Token";
        bearer(headers).map(drop).ok_or_else(|| Failure::MissingKey { message: message.to_owned() })
    }

    /// A bearer token, or a signature that this simulator computes itself.
    fn admit(caller: &Caller<'_>) -> Result<(), Failure> {
        match bearer(caller.headers) {
            Some(_) => Ok(()),
            None => sigv4::check(caller),
        }
    }

    fn read(call: &Call<'_>) -> Result<(Prompt, Extra), Failure> {
        let mut prompt = read::read(call.path_model.unwrap_or_default(), call.body)?;
        prompt.stream = call.path_stream;
        Ok((prompt, Extra { id: call.id }))
    }

    fn reply(_prompt: &Prompt, extra: &Extra, plan: &Plan) -> Value {
        reply::reply(extra.id, plan)
    }

    fn frames(_prompt: &Prompt, extra: &Extra, plan: &Plan) -> Vec<Frame> {
        stream::frames(extra.id, plan)
    }

    fn empty_reply(reply: &mut Value) {
        if let Some(reply) = reply.as_object_mut() {
            reply.remove("output");
        }
    }

    fn empty_frame(_prompt: &Prompt, _extra: &Extra) -> Frame {
        stream::empty_frame()
    }

    fn stream_type(_extra: &Extra) -> &'static str {
        "application/vnd.amazon.eventstream"
    }

    fn failure(_id: u64, failure: &Failure) -> (u16, Value) {
        error::body(failure)
    }

    fn error_event(_id: u64, _extra: &Extra) -> Bytes {
        stream::error_event()
    }
}
