//! A stream whose head goes out before the answer has begun, as OpenRouter's does: its clients, and
//! what stands between, are kept from giving up by comments, and an error after that comes in the
//! stream.

use std::{convert::Infallible, time::Duration};

use axum::{body::Body, http::Response};
use backstay_core::{Clock, Error, Result};
use backstay_engine::Reply;
use backstay_wire::StreamEncoder;
use bytes::Bytes;
use futures::{FutureExt as _, Stream, StreamExt as _, future::BoxFuture, stream};

use crate::api::answer::{self, Wanted, form_headers, streamed};

/// Long enough for most refusals, which then have a status of their own.
const HEAD_WITHIN: Duration = Duration::from_secs(2);
const COMMENT_EVERY: Duration = Duration::from_secs(3);

/// Answers in the ordinary way if the answer begins soon, else with a head at once and the answer when
/// it comes. `request` stands in for the generation's id should there never be one.
pub(crate) async fn respond(
    pending: impl Future<Output = Result<Reply>> + Send + 'static,
    wanted: Wanted,
    clock: &Clock,
    request: &str,
) -> Result<Response<Body>> {
    let mut pending = pending.boxed();
    match tokio::time::timeout(HEAD_WITHIN, &mut pending).await {
        Ok(reply) => answer::respond(reply?, wanted, clock).await,
        Err(_) => {
            let headers = form_headers(wanted.stream);
            let waiting =
                Waiting { pending, wanted, clock: clock.clone(), request: request.to_owned() };
            let mut response = Response::new(Body::from_stream(waiting.into_stream()));
            *response.headers_mut() = headers;
            Ok(response)
        }
    }
}

struct Waiting {
    pending: BoxFuture<'static, Result<Reply>>,
    wanted: Wanted,
    clock: Clock,
    request: String,
}

type Pieces = stream::BoxStream<'static, Result<Bytes, Infallible>>;

impl Waiting {
    /// Comments until the answer begins, then the answer.
    fn into_stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
        let comment = Bytes::from_static(StreamEncoder::keep_alive(self.wanted.dialect));
        let first = stream::once(std::future::ready(Ok(comment.clone())));
        let rest = stream::unfold(Some(self), move |waiting| {
            let comment = comment.clone();
            async move {
                let mut waiting = waiting?;
                let waited = tokio::time::timeout(COMMENT_EVERY, &mut waiting.pending).await;
                let (pieces, next): (Pieces, _) = match waited {
                    Err(_) => (once(comment), Some(waiting)),
                    Ok(Ok(reply)) => {
                        (streamed(reply, &waiting.wanted, &waiting.clock).boxed(), None)
                    }
                    Ok(Err(error)) => (once(waiting.failure(&error)), None),
                };
                Some((pieces, next))
            }
        });
        first.chain(rest.flatten())
    }

    fn failure(&self, error: &Error) -> Bytes {
        let options = self.wanted.options(&self.request, None, &self.clock);
        let mut out = Vec::new();
        StreamEncoder::new(self.wanted.dialect, options).error(error, None, &mut out);
        Bytes::from(out)
    }
}

fn once(bytes: Bytes) -> Pieces {
    stream::once(std::future::ready(Ok(bytes))).boxed()
}
