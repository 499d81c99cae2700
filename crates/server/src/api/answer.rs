//! From the engine's reply to an HTTP response: one path for streams and whole answers.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Response, header},
};
use backstay_core::{
    Clock, Error, GenerationId, Result, ThreadId,
    chat::{ChatEvent, ChatReply, Collector, Frame, Settlement},
};
use backstay_engine::{Reply, ResponseKeeper, Served};
use backstay_providers::FrameStream;
use backstay_wire::{Dialect, EncodeOptions, ReplyExtension, ResponseEcho, StreamEncoder};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use serde_json::Value;

use crate::api::{cached, openrouter::metadata};

/// Frames that are ready together leave in one write.
const COALESCED_FRAMES_MAX: usize = 64;
/// Silence after which a comment is sent, so that nothing between us and the client gives up while
/// the model thinks.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How the client wants its answer.
pub(crate) struct Wanted {
    pub(crate) dialect: Dialect,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
    /// Whether the client wants not to see what the model thinks.
    pub(crate) hide_reasoning: bool,
    /// The model's name as the client wrote it.
    pub(crate) model: String,
    /// Whether the client used Backstay's extension, and so gets it back.
    pub(crate) extension: bool,
    /// Whether the answer names its generation and its cost where OpenRouter's do.
    pub(crate) at_openrouter: bool,
    pub(crate) echo: ResponseEcho,
    /// Keeps the answer, for a client that wants to go on from it.
    pub(crate) keeper: Option<ResponseKeeper>,
}

impl Wanted {
    /// `generation` is the answer's id, `served` is who answers, where that is known.
    pub(crate) fn options(
        &self,
        generation: &str,
        served: Option<&Served>,
        clock: &Clock,
    ) -> EncodeOptions {
        let concrete = served.filter(|_| self.dialect == Dialect::OpenRouter);
        EncodeOptions {
            include_usage: self.include_usage,
            hide_reasoning: self.hide_reasoning,
            generation: generation.to_owned(),
            model: concrete.map_or(&self.model, |served| &served.model).clone(),
            provider: served.map(|served| served.provider.clone()).unwrap_or_default(),
            created: clock.now().seconds(),
            show_cost: self.at_openrouter,
            metadata: None,
            echo: self.echo.clone(),
        }
    }
}

pub(crate) async fn respond(reply: Reply, wanted: Wanted, clock: &Clock) -> Result<Response<Body>> {
    let headers = headers(&reply, &wanted);
    let body = if wanted.stream {
        Body::from_stream(streamed(reply, &wanted, clock))
    } else {
        Body::from(whole(reply, &wanted, clock).await?)
    };
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    Ok(response)
}

/// An answer that came whole and is no chat.
pub(crate) fn settled(body: Bytes, generation: Option<&GenerationId>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    *headers = form_headers(false);
    let id = generation.and_then(|id| HeaderValue::from_str(id.as_str()).ok());
    if let Some(id) = id {
        headers.insert("x-generation-id", id);
    }
    response
}

/// What goes out before anything is known of the answer but its form.
pub(crate) fn form_headers(stream: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let content_type = if stream { "text/event-stream" } else { "application/json" };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if stream {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    headers
}

fn headers(reply: &Reply, wanted: &Wanted) -> HeaderMap {
    let mut headers = form_headers(wanted.stream);
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set("x-generation-id", reply.generation.as_str());
    if reply.store_is_away {
        set("x-backstay-store", "away");
    }
    for (name, value) in reply.cache.iter().flat_map(cached::headers) {
        set(name, &value);
    }
    if wanted.extension {
        set("x-backstay-generation", reply.generation.as_str());
        if let Some(thread) = &reply.thread {
            set("x-backstay-thread", thread.as_str());
        }
    }
    headers
}

fn options_for(reply: &Reply, wanted: &Wanted, clock: &Clock) -> EncodeOptions {
    let trace = reply.router.as_ref().filter(|_| wanted.dialect == Dialect::OpenRouter);
    EncodeOptions {
        metadata: trace.map(|trace| metadata::write(trace, &reply.served)),
        ..wanted.options(reply.generation.as_str(), Some(&reply.served), clock)
    }
}

/// What the client is told besides the answer, if it asked for any of it.
fn extension_for(reply: &Reply, wanted: &Wanted) -> Option<ReplyExtension> {
    let traced = reply.router.is_some() && wanted.dialect != Dialect::OpenRouter;
    (wanted.extension || traced).then(|| ReplyExtension {
        generation: reply.generation.clone(),
        thread: reply.thread.clone(),
        recalled: reply.recalled.clone(),
        memory_tokens: reply.memory_tokens,
        cost: None,
        dropped_parameters: reply.dropped_parameters.clone(),
        router: reply.router.as_ref().and_then(|trace| serde_json::to_value(trace).ok()),
        continued_by: Vec::new(),
        cache: reply.cache.as_ref().map(cached::note),
    })
}

fn with_cost(
    extension: Option<ReplyExtension>,
    settlement: Option<&Settlement>,
) -> Option<ReplyExtension> {
    extension.map(|extension| ReplyExtension {
        cost: settlement.and_then(|settlement| settlement.cost),
        ..extension
    })
}

/// A whole answer, not yet written, and how it is to be.
pub(crate) async fn gathered(
    reply: Reply,
    wanted: &Wanted,
    clock: &Clock,
) -> Result<(ChatReply, EncodeOptions)> {
    let options = options_for(&reply, wanted, clock);
    let (_, reply) = collected(reply.frames).await?;
    Ok((reply, options))
}

async fn collected(mut frames: FrameStream) -> Result<(Vec<Frame>, ChatReply)> {
    let mut collector = Collector::default();
    let mut seen: Vec<Frame> = Vec::new();
    while let Some(frame) = frames.next().await {
        let frame = frame?;
        frame.events.iter().for_each(|event| collector.push(event));
        seen.push(frame);
    }
    Ok((seen, collector.finish()))
}

async fn whole(reply: Reply, wanted: &Wanted, clock: &Clock) -> Result<Bytes> {
    let options = options_for(&reply, wanted, clock);
    let extension = extension_for(&reply, wanted);
    let keeping = Keeping::of(&reply, wanted);
    let (seen, reply) = collected(reply.frames).await?;
    let extension = with_cost(extension, reply.settlement.as_ref());
    let dialect = wanted.dialect;
    let body = backstay_wire::encode_reply(dialect, &seen, &reply, &options, extension.as_ref());
    if let Some(keeping) = keeping {
        keeping.keep(serde_json::from_slice(&body).unwrap_or_default()).await?;
    }
    Ok(body)
}

/// What keeps a response, and as what.
struct Keeping {
    keeper: ResponseKeeper,
    generation: GenerationId,
    thread: ThreadId,
}

impl Keeping {
    fn of(reply: &Reply, wanted: &Wanted) -> Option<Self> {
        let (keeper, thread) = (wanted.keeper.clone()?, reply.thread.clone()?);
        Some(Self { keeper, generation: reply.generation.clone(), thread })
    }

    async fn keep(&self, response: Value) -> Result<()> {
        self.keeper.keep(&self.generation, &self.thread, response).await
    }
}

struct Encoding {
    frames: stream::ReadyChunks<FrameStream>,
    dialect: Dialect,
    encoder: StreamEncoder,
    extension: Option<ReplyExtension>,
    keeping: Option<Keeping>,
    settlement: Option<Settlement>,
    done: bool,
}

/// The bytes of a stream as they become ready.
pub(crate) fn streamed(
    reply: Reply,
    wanted: &Wanted,
    clock: &Clock,
) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> + Send + use<> {
    let options = options_for(&reply, wanted, clock);
    let extension = extension_for(&reply, wanted);
    let encoding = Encoding {
        keeping: Keeping::of(&reply, wanted),
        frames: reply.frames.ready_chunks(COALESCED_FRAMES_MAX),
        dialect: wanted.dialect,
        encoder: StreamEncoder::new(wanted.dialect, options),
        extension,
        settlement: None,
        done: false,
    };
    stream::unfold(encoding, |mut encoding| async move {
        let bytes = encoding.next().await?;
        Some((Ok(bytes), encoding))
    })
}

impl Encoding {
    async fn next(&mut self) -> Option<Bytes> {
        while !self.done {
            let mut out = Vec::new();
            match tokio::time::timeout(KEEP_ALIVE, self.frames.next()).await {
                Err(_) => out.extend_from_slice(StreamEncoder::keep_alive(self.dialect)),
                Ok(Some(items)) => items.into_iter().for_each(|item| self.item(item, &mut out)),
                Ok(None) => self.finish(&mut out).await,
            }
            if !out.is_empty() {
                return Some(Bytes::from(out));
            }
        }
        None
    }

    fn item(&mut self, item: Result<Frame>, out: &mut Vec<u8>) {
        match item {
            Ok(frame) => {
                for event in &frame.events {
                    match event {
                        ChatEvent::Settled(settlement) => {
                            self.settlement = Some(settlement.as_ref().clone());
                        }
                        ChatEvent::Continued { provider, model } => {
                            if let Some(extension) = &mut self.extension {
                                extension.continued_by.push(format!("{provider}/{model}"));
                            }
                        }
                        _ => {}
                    }
                }
                self.encoder.frame(&frame, out);
            }
            Err(error) => self.fail(&error, out),
        }
    }

    /// The client learns of the end when everything that it may rely on is kept.
    async fn finish(&mut self, out: &mut Vec<u8>) {
        self.done = true;
        let extension = with_cost(self.extension.take(), self.settlement.as_ref());
        self.encoder.finish(extension.as_ref(), out);
        let Some(keeping) = self.keeping.take() else { return };
        let response = self.encoder.ended_response().cloned().unwrap_or_default();
        if let Err(error) = keeping.keep(response).await {
            out.clear();
            self.fail(&error, out);
        }
    }

    fn fail(&mut self, error: &Error, out: &mut Vec<u8>) {
        self.done = true;
        tracing::warn!(
            code = error.code().as_str(),
            cause = error.context(),
            "an answer broke off: {}",
            error.message()
        );
        let extension = with_cost(self.extension.take(), self.settlement.as_ref());
        self.encoder.error(error, extension.as_ref(), out);
    }
}
