//! From the engine's reply to an HTTP response: one path for streams and whole answers.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Response, header},
};
use backstay_core::{
    Clock, Error, Result, WireFormat,
    chat::{ChatEvent, Collector, Frame, Settlement},
};
use backstay_engine::Reply;
use backstay_providers::FrameStream;
use backstay_wire::{EncodeOptions, ReplyExtension, StreamEncoder};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};

/// Frames that are ready together leave in one write.
const COALESCED_FRAMES_MAX: usize = 64;
/// Silence after which a comment is sent, so that nothing between us and the client gives up while
/// the model thinks.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How the client wants its answer.
pub(crate) struct Wanted {
    pub(crate) format: WireFormat,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
    /// The model's name as the client wrote it.
    pub(crate) model: String,
    /// Whether the client used Backstay's extension, and so gets it back.
    pub(crate) extension: bool,
}

pub(crate) async fn respond(reply: Reply, wanted: Wanted, clock: &Clock) -> Result<Response<Body>> {
    let options = EncodeOptions {
        include_usage: wanted.include_usage,
        generation: reply.generation.to_string(),
        model: wanted.model.clone(),
        created: clock.now().seconds(),
    };
    let headers = headers(&reply, &wanted);
    let Reply { frames, generation, thread, recalled, memory_tokens, dropped_parameters, router } =
        reply;
    let router = router.and_then(|trace| serde_json::to_value(trace).ok());
    let extension = (wanted.extension || router.is_some()).then_some(ReplyExtension {
        generation,
        thread,
        recalled,
        memory_tokens,
        cost: None,
        dropped_parameters,
        router,
        continued_by: Vec::new(),
    });
    let body = if wanted.stream {
        let encoder = StreamEncoder::new(wanted.format, options);
        Body::from_stream(encoded(frames, encoder, extension))
    } else {
        Body::from(whole(frames, wanted.format, &options, extension).await?)
    };
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    Ok(response)
}

fn headers(reply: &Reply, wanted: &Wanted) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let content_type = if wanted.stream { "text/event-stream" } else { "application/json" };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if wanted.stream {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    if wanted.extension {
        let mut set = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        set("x-backstay-generation", reply.generation.as_str());
        if let Some(thread) = &reply.thread {
            set("x-backstay-thread", thread.as_str());
        }
    }
    headers
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

async fn whole(
    mut frames: FrameStream,
    format: WireFormat,
    options: &EncodeOptions,
    extension: Option<ReplyExtension>,
) -> Result<Bytes> {
    let mut collector = Collector::default();
    let mut seen: Vec<Frame> = Vec::new();
    while let Some(frame) = frames.next().await {
        let frame = frame?;
        frame.events.iter().for_each(|event| collector.push(event));
        seen.push(frame);
    }
    let reply = collector.finish();
    let extension = with_cost(extension, reply.settlement.as_ref());
    Ok(backstay_wire::encode_reply(format, &seen, &reply, options, extension.as_ref()))
}

struct Encoding {
    frames: stream::ReadyChunks<FrameStream>,
    encoder: StreamEncoder,
    extension: Option<ReplyExtension>,
    settlement: Option<Settlement>,
    done: bool,
}

fn encoded(
    frames: FrameStream,
    encoder: StreamEncoder,
    extension: Option<ReplyExtension>,
) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> + Send {
    let frames = frames.ready_chunks(COALESCED_FRAMES_MAX);
    let encoding = Encoding { frames, encoder, extension, settlement: None, done: false };
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
                Err(_) => out.extend_from_slice(b": keep-alive\n\n"),
                Ok(Some(items)) => items.into_iter().for_each(|item| self.item(item, &mut out)),
                Ok(None) => self.finish(&mut out),
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

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.done = true;
        let extension = with_cost(self.extension.take(), self.settlement.as_ref());
        self.encoder.finish(extension.as_ref(), out);
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
