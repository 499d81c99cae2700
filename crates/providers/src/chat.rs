//! One chat call of one model at one provider.

use std::{borrow::Cow, collections::VecDeque, sync::Arc};

use backstay_core::{
    Error, Result, WireFormat,
    chat::{ChatEvent, ChatRequest, Frame, Message},
    limits,
};
use backstay_wire::{Loss, ProviderFields, StreamDecoder, StreamParser};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use reqwest::{
    Method, Response,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};
use serde_json::Value;

use crate::{
    FrameStream, Upstreams, builtin,
    deadline::Deadlines,
    error::broken_connection,
    http::{ERROR_BYTES_MAX, read_body, too_large},
    provider::{HttpProvider, Provider, ProviderKind},
};

/// An answer that has begun to arrive.
pub struct ChatCall {
    pub frames: FrameStream,
    /// Request fields that this provider's wire format cannot carry.
    pub dropped: Vec<String>,
}

impl Upstreams {
    /// Calls `model` (the provider's own name of it) and returns when the provider has accepted:
    /// with the head of its stream, or with its whole answer when the request is not streamed.
    /// Dropping the stream closes the connection, which is how a provider learns that nobody
    /// listens any more.
    pub async fn chat(
        &self,
        provider: &Arc<Provider>,
        model: &str,
        request: &ChatRequest,
        deadlines: Deadlines,
    ) -> Result<ChatCall> {
        match &provider.kind {
            ProviderKind::Builtin => builtin::chat(model, request),
            ProviderKind::WebSearch => {
                Err(Error::internal(format!("{} runs no models", provider.id)))
            }
            ProviderKind::Http(http) => {
                self.chat_over_http(provider, http, model, request, deadlines).await
            }
        }
    }

    async fn chat_over_http(
        &self,
        provider: &Arc<Provider>,
        http: &HttpProvider,
        model: &str,
        request: &ChatRequest,
        deadlines: Deadlines,
    ) -> Result<ChatCall> {
        let own = without_foreign_proofs(provider, request);
        let request = own.as_ref();
        let mut loss = Loss::default();
        let (rules, format) = (&http.parameters, http.format);
        let fields = for_this_provider(provider, request);
        let body =
            backstay_wire::encode_request_with(rules, format, request, model, fields, &mut loss)?;
        let url = http.chat_url(model, request.stream);
        let mut call = self
            .request(http, Method::POST, &url)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        if request.origin.as_ref().is_some_and(|origin| origin.format == format) {
            call = call.headers(own_headers(request));
        }
        let head_deadline =
            if request.stream { deadlines.first_token() } else { deadlines.whole() };
        let response = self.send(&provider.id, http, call, head_deadline).await?;
        if !response.status().is_success() {
            return Err(rejection(provider, format, response, deadlines).await);
        }
        let frames = if request.stream && is_event_stream(response.headers()) {
            streamed(provider.id.clone(), format, response, deadlines)
        } else {
            whole(provider, format, response, deadlines).await?
        };
        Ok(ChatCall { frames, dropped: loss.into_names() })
    }
}

/// The request without what other providers signed: thinking of theirs would be refused.
fn without_foreign_proofs<'a>(
    provider: &Provider,
    request: &'a ChatRequest,
) -> Cow<'a, ChatRequest> {
    let is_foreign = |message: &Message| message.has_proofs_of_others(&provider.id);
    if !request.messages.iter().any(is_foreign) {
        return Cow::Borrowed(request);
    }
    let mut own = request.clone();
    for message in own.messages.iter_mut().filter(|message| is_foreign(message)) {
        *message = message.without_proofs();
    }
    Cow::Owned(own)
}

/// Fields of the body that only this provider is sent.
fn for_this_provider(provider: &Provider, request: &ChatRequest) -> ProviderFields {
    let options = request.routing.options.get(&provider.id).and_then(Value::as_object);
    ProviderFields {
        // An aggregator is told the options of the providers behind it together.
        fields: options.filter(|_| !provider.is_aggregator).cloned().unwrap_or_default(),
        is_aggregator: provider.is_aggregator,
    }
}

/// What the client said to the provider in headers; it replaces what we would have said, except the
/// credential, which is added last.
fn own_headers(request: &ChatRequest) -> HeaderMap {
    let pairs = request.origin_headers.iter();
    pairs
        .filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_str(value).ok()?))
        })
        .collect()
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    // Some servers stream without naming the type; only an explicit JSON body is not a stream.
    !content_type.is_some_and(|value| value.starts_with("application/json"))
}

pub(crate) async fn rejection(
    provider: &Provider,
    format: WireFormat,
    response: Response,
    deadlines: Deadlines,
) -> Error {
    let status = response.status().as_u16();
    if let (401, ProviderKind::Http(http)) = (status, &provider.kind) {
        http.credential.refused().await;
    }
    let retry_after_ms = retry_after_ms(response.headers());
    let mut body = read_body(&provider.id, response, deadlines.total(), ERROR_BYTES_MAX)
        .await
        .unwrap_or_default();
    if let ProviderKind::Http(http) = &provider.kind {
        body = http.credential.struck_out(body);
    }
    backstay_wire::upstream_error(format, &provider.id, status, retry_after_ms, &body)
}

/// `Retry-After` in seconds. The date form is not used by model providers and is ignored.
fn retry_after_ms(headers: &HeaderMap) -> Option<u64> {
    let seconds: f64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    (0.0..=86_400.0).contains(&seconds).then_some((seconds * 1_000.0) as u64)
}

async fn whole(
    provider: &Provider,
    format: WireFormat,
    response: Response,
    deadlines: Deadlines,
) -> Result<FrameStream> {
    let body =
        read_body(&provider.id, response, deadlines.whole(), limits::REPLY_BYTES_MAX).await?;
    let frame = backstay_wire::decode_reply(format, &provider.id, body)?;
    Ok(Box::pin(stream::once(std::future::ready(Ok(frame)))))
}

fn streamed(
    provider: String,
    format: WireFormat,
    response: Response,
    deadlines: Deadlines,
) -> FrameStream {
    let reader = Reader {
        chunks: Box::pin(response.bytes_stream()),
        parser: StreamParser::new(format),
        decoder: StreamDecoder::new(format, &provider),
        ready: VecDeque::new(),
        deadlines,
        content_seen: false,
        bytes_read: 0,
        state: State::Open,
        provider,
    };
    Box::pin(stream::unfold(reader, |mut reader| async move {
        let item = reader.next().await?;
        Some((item, reader))
    }))
}

enum State {
    Open,
    /// The provider said that it is done, or the stream failed: nothing more is read.
    Closed,
}

/// Turns the bytes of a response into frames, under the deadlines of the call.
struct Reader {
    provider: String,
    chunks: std::pin::Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
    parser: StreamParser,
    decoder: StreamDecoder,
    ready: VecDeque<Result<Frame>>,
    deadlines: Deadlines,
    content_seen: bool,
    /// Of the whole stream, whose end a provider might never send.
    bytes_read: usize,
    state: State,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Frame>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            if matches!(self.state, State::Closed) {
                return None;
            }
            if let Err(error) = self.read_more().await {
                self.state = State::Closed;
                // Behind the frames decoded before the failure: they are still the model's words.
                self.ready.push_back(Err(error));
            }
        }
    }

    async fn read_more(&mut self) -> Result<()> {
        let deadline =
            if self.content_seen { self.deadlines.idle() } else { self.deadlines.first_token() };
        match deadline.limit(self.chunks.next()).await? {
            Some(Ok(chunk)) => {
                self.bytes_read += chunk.len();
                if self.bytes_read > limits::REPLY_BYTES_MAX {
                    return Err(too_large(&self.provider, limits::REPLY_BYTES_MAX));
                }
                for event in self.parser.push(&chunk)? {
                    self.decode(event)?;
                }
                Ok(())
            }
            Some(Err(cause)) => Err(broken_connection(&self.provider, &cause)),
            None => self.end(),
        }
    }

    fn decode(&mut self, event: backstay_wire::SseEvent) -> Result<()> {
        match self.decoder.decode(event)? {
            Some(frame) => {
                self.content_seen |= frame.events.iter().any(ChatEvent::is_content);
                self.ready.push_back(Ok(frame));
            }
            None => self.state = State::Closed,
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        if let Some(event) = self.parser.finish()? {
            self.decode(event)?;
        }
        self.state = State::Closed;
        if let Some(frame) = self.decoder.finish()? {
            self.ready.push_back(Ok(frame));
        }
        Ok(())
    }
}
