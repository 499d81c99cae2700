//! The one HTTP client: connection pool, time-outs, TCP_NODELAY, proxy policy.

use std::time::Duration;

use backstay_core::{Clock, Error, ErrorCode, Result, WireFormat, limits};
use bytes::Bytes;
use futures::StreamExt as _;
use reqwest::{Method, RequestBuilder, Response};
use serde::{Deserialize, Serialize};

use crate::{
    deadline::{Deadline, Deadlines},
    error::{broken_connection, send_failed},
    provider::HttpProvider,
};

/// How long each phase of a call may take, in milliseconds. They are separate because a model that
/// thinks for a minute before its first token is healthy, and one that stalls for a minute in the
/// middle of a sentence is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimeoutsMs {
    pub connect: u64,
    /// From sending the request to the first content, for streamed calls.
    pub first_token: u64,
    /// Between two pieces of a stream.
    pub idle: u64,
    /// One attempt at an answer that is not streamed; shorter than `total`, so that another endpoint
    /// can still be tried.
    pub whole: u64,
    /// The whole call, with all its attempts.
    pub total: u64,
}

impl Default for TimeoutsMs {
    fn default() -> Self {
        Self { connect: 5_000, first_token: 120_000, idle: 60_000, whole: 300_000, total: 600_000 }
    }
}

/// Opens connections to providers and keeps them.
#[derive(Clone)]
pub struct Upstreams {
    pub(crate) client: reqwest::Client,
    /// For signatures and tokens that expire.
    pub(crate) clock: Clock,
    pub(crate) timeouts: TimeoutsMs,
}

impl Upstreams {
    pub fn new(timeouts: TimeoutsMs) -> Result<Self> {
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_millis(timeouts.connect))
            .tcp_nodelay(true)
            .pool_idle_timeout(Duration::from_secs(90))
            .pool_max_idle_per_host(256)
            // A redirect would carry the key to an address that no operator chose.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("backstay/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|cause| Error::internal(format!("cannot build the HTTP client: {cause}")))?;
        Ok(Self { client, clock: Clock::System, timeouts })
    }

    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Starts the clocks of a call.
    pub fn deadlines(&self) -> Deadlines {
        Deadlines::start(self.timeouts)
    }

    /// A request that lacks only its credential, which [`Upstreams::send`] adds.
    pub(crate) fn request(
        &self,
        provider: &HttpProvider,
        method: Method,
        url: &str,
    ) -> RequestBuilder {
        let request = self.client.request(method, url);
        match provider.format {
            WireFormat::Anthropic => request.header("anthropic-version", "2023-06-01"),
            WireFormat::OpenAi | WireFormat::Gemini | WireFormat::Cohere | WireFormat::Bedrock => {
                request
            }
        }
    }

    /// Sends and waits for the response's head, no longer than the deadline.
    pub(crate) async fn send(
        &self,
        provider_id: &str,
        provider: &HttpProvider,
        request: RequestBuilder,
        deadline: Deadline,
    ) -> Result<Response> {
        let failed = |cause| send_failed(provider_id, &cause, self.timeouts.connect);
        let mut request = request.build().map_err(|cause| {
            let what =
                format!("a request to provider {provider_id} cannot be made from its base_url");
            Error::internal(what).with_context(cause.to_string())
        })?;
        let authorized = provider.credential.authorize(&mut request, self, deadline);
        deadline.limit(authorized).await??;
        deadline.limit(self.client.execute(request)).await?.map_err(failed)
    }
}

/// Reads a whole body, no longer than the deadline and no larger than the limit.
pub(crate) async fn read_body(
    provider_id: &str,
    response: Response,
    deadline: Deadline,
    bytes_max: usize,
) -> Result<Bytes> {
    let expected = response.content_length().and_then(|length| usize::try_from(length).ok());
    if expected.is_some_and(|length| length > bytes_max) {
        return Err(too_large(provider_id, bytes_max));
    }
    let mut chunks = response.bytes_stream();
    let mut first: Option<Bytes> = None;
    let mut body: Vec<u8> = Vec::new();
    while let Some(chunk) = deadline.limit(chunks.next()).await? {
        let chunk = chunk.map_err(|cause| broken_connection(provider_id, &cause))?;
        // Most bodies arrive whole; those are never copied.
        match first.take() {
            None if body.is_empty() => first = Some(chunk),
            None => body.extend_from_slice(&chunk),
            Some(start) => {
                body.reserve(expected.unwrap_or(start.len() * 2).min(bytes_max));
                body.extend_from_slice(&start);
                body.extend_from_slice(&chunk);
            }
        }
        if body.len() > bytes_max {
            return Err(too_large(provider_id, bytes_max));
        }
    }
    Ok(first.unwrap_or_else(|| Bytes::from(body)))
}

pub(crate) fn too_large(provider_id: &str, bytes_max: usize) -> Error {
    Error::new(
        ErrorCode::UpstreamInvalidResponse,
        format!("provider {provider_id} sent an answer of more than {bytes_max} bytes"),
    )
}

/// Errors of providers are short; a longer body is not read to its end.
pub(crate) const ERROR_BYTES_MAX: usize = 256 * 1024;
const _: () = assert!(ERROR_BYTES_MAX <= limits::REPLY_BYTES_MAX);
