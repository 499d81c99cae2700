//! `Idempotency-Key`: the same request with the same key has one outcome within a day.
//!
//! The first request runs to its end even when its client leaves, so that a client which lost the
//! connection gets the answer by asking again, and is charged once. Answers are kept byte for byte,
//! streams too, but never a secret. What another try may mend (a limit that was hit, a server that failed) is not kept.

use axum::{
    body::{Body, HttpBody as _},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, request::Parts},
    middleware::Next,
    response::IntoResponse as _,
};
use backstay_core::{CallContext, Error, ErrorCode, RequestId, Result, Timestamp};
use backstay_engine::{Admission, Engine};
use backstay_store::{Idempotency, IdempotentRequest, StoredAnswer, Workspace};
use bytes::Bytes;
use futures::stream;
use http_body_util::BodyExt as _;
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument as _;

use crate::{
    api::{
        access, body,
        caller::presented_key,
        dialect::{ApiError, Spoken},
    },
    state::AppState,
};

const HEADER: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const STORED: HeaderName = HeaderName::from_static("idempotency-stored");
const KEY_BYTES_MAX: usize = 255;
/// How long an answer is kept.
const DAY_MICROS: i64 = 86_400_000_000;
/// A larger answer is not kept: it would have to be held in memory while it is given out.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// When it is worth asking again while the first request is running.
const ASK_AGAIN_MS: u64 = 1_000;
/// Pieces of an answer that wait for a client which reads slowly.
const PIECES_WAITING_MAX: usize = 16;
/// Headers that are part of what a request says. Others do not change its outcome.
const SAYING: [&str; 3] = ["x-backstay-", "x-openrouter-", "anthropic-"];

/// Marks an answer that holds a secret, which is stored nowhere and so cannot be given again.
#[derive(Clone, Copy)]
pub(crate) struct HoldsSecret;

pub(crate) async fn layer(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !changes || !request.headers().contains_key(HEADER) {
        return next.run(request).await;
    }
    let form = Spoken::of_path(request.uri().path()).errors;
    let id = request.extensions().get::<RequestId>().cloned().unwrap_or_else(RequestId::unknown);
    let (parts, body) = request.into_parts();
    let key = presented_key(&parts.headers);
    let engine = &state.engine;
    let context = match engine.admission().identify(key, id.clone()).await {
        Ok(context) => context,
        // The route itself says what is wrong with the key.
        Err(_) => return next.run(Request::from_parts(parts, body)).await,
    };
    let outcome = once(&state, &context, Request::from_parts(parts, body), next).await;
    outcome.unwrap_or_else(|error| ApiError { form, request: id, error }.into_response())
}

async fn once(
    state: &AppState,
    context: &CallContext,
    request: Request,
    next: Next,
) -> Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    Admission::authorise(context, access::of_request(&parts))?;
    let token = token(&parts.headers)?;
    let body = body::read(Request::new(body), state.body_bytes_max).await?;
    let named = IdempotentRequest {
        key: context.key.clone(),
        request: context.request.clone(),
        token,
        fingerprint: fingerprint(&parts, &body),
    };
    let store = state.engine.store().workspace(&context.workspace);
    let now = state.engine.clock().now();
    let expires_at = Timestamp::from_micros(now.micros().saturating_add(DAY_MICROS));
    let engine = state.engine.clone();
    // A client that leaves meanwhile must not leave the request running.
    let beginning = state.engine.jobs().finish(async move {
        let known = store.begin_idempotent(&named, expires_at, now).await?;
        let is_new = known == Idempotency::New;
        Ok((known, is_new.then(|| Open { store, named, engine, is_over: false })))
    });
    match beginning.await? {
        (_, Some(open)) => {
            let request = Request::from_parts(parts, Body::from(body));
            run(open, request, next).await
        }
        (Idempotency::Answered(answer), None) => Ok(replay(answer)),
        (Idempotency::New | Idempotency::Running, None) => Err(Error::new(
            ErrorCode::IdempotencyInProgress,
            "a request with this idempotency key is still being answered; ask again in a moment",
        )
        .with_retry_after_ms(Some(ASK_AGAIN_MS))),
        (Idempotency::Mismatch, None) => Err(Error::new(
            ErrorCode::IdempotencyMismatch,
            "this idempotency key belongs to a request that said something else; use a new key for \
             every request",
        )
        .with_parameter("Idempotency-Key")),
        (Idempotency::Unstored, None) => Err(Error::new(
            ErrorCode::IdempotencyNotStored,
            format!(
                "the request with this idempotency key was carried out, and its answer is not kept: \
                 it held an API key, was larger than {ANSWER_BYTES_MAX} bytes, said what was forgotten \
                 since, or the server was stopped before it could be kept; use a new key to carry it \
                 out again"
            ),
        )),
    }
}

fn token(headers: &HeaderMap) -> Result<[u8; 32]> {
    let value = headers.get(HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
    if value.is_empty() || value.len() > KEY_BYTES_MAX {
        return Err(Error::invalid(format!(
            "Idempotency-Key must have 1 to {KEY_BYTES_MAX} characters; a random one per request, \
             such as a UUID, does"
        ))
        .with_parameter("Idempotency-Key"));
    }
    Ok(Sha256::digest(value).into())
}

/// Each part is preceded by its length, so that no two requests run together into the same bytes.
fn fingerprint(parts: &Parts, body: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    let mut add = |bytes: &[u8]| {
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    };
    add(parts.method.as_str().as_bytes());
    add(parts.uri.path_and_query().map_or("", |path| path.as_str()).as_bytes());
    let mut said: Vec<(&str, &[u8])> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .filter(|(name, _)| SAYING.iter().any(|prefix| name.starts_with(prefix)))
        .collect();
    said.sort_unstable();
    for (name, value) in said {
        add(name.as_bytes());
        add(value);
    }
    add(body);
    digest.finalize().into()
}

/// A request that is being carried out. Dropped before its end, it broke off.
struct Open {
    store: Workspace,
    named: IdempotentRequest,
    engine: Engine,
    is_over: bool,
}

impl Open {
    /// What is kept is kept before the client has seen the end.
    async fn end(mut self, answer: Ended) {
        self.is_over = true;
        let kept = match answer {
            Ended::Kept(answer) => self.store.finish_idempotent(&self.named, Some(answer)).await,
            Ended::Unkept => self.store.finish_idempotent(&self.named, None).await,
            Ended::MayBeTriedAgain => self.store.release_idempotent(&self.named).await,
            Ended::BrokeOff => self.store.abandon_idempotent(&self.named).await,
        };
        if let Err(error) = kept {
            tracing::error!(%error, cause = error.context(), "an idempotent answer was not kept");
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.is_over || tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let (store, named) = (self.store.clone(), self.named.clone());
        self.engine.jobs().spawn(async move {
            if let Err(error) = store.abandon_idempotent(&named).await {
                tracing::error!(%error, "an idempotent request was not released");
            }
        });
    }
}

enum Ended {
    Kept(StoredAnswer),
    Unkept,
    MayBeTriedAgain,
    /// It may be tried again unless its calls were answered.
    BrokeOff,
}

/// Carries the request out in a task of its own, which goes on when the client leaves.
async fn run(open: Open, request: Request, next: Next) -> Result<Response<Body>> {
    let (head, answered) = oneshot::channel();
    let jobs = open.engine.jobs().clone();
    let work = async move {
        let (parts, body) = next.run(request).await.into_parts();
        let is_final = is_final(parts.status);
        let known_size = body.size_hint().exact().and_then(|size| usize::try_from(size).ok());
        let holds_secret = parts.extensions.get::<HoldsSecret>().is_some();
        let fits = !holds_secret && known_size.is_none_or(|size| size <= ANSWER_BYTES_MAX);
        let mut response = parts.clone();
        if is_final && !fits {
            response.headers.insert(STORED, HeaderValue::from_static("false"));
        }
        let (pieces, waiting) = mpsc::channel(PIECES_WAITING_MAX);
        let given_out = stream::unfold(waiting, async |mut waiting| {
            let piece = waiting.recv().await?;
            Some((piece, waiting))
        });
        let _client_left = head.send(Response::from_parts(response, Body::from_stream(given_out)));
        let kept = pump(body, &pieces).await;
        let ended = match kept {
            _ if !is_final => Ended::MayBeTriedAgain,
            _ if holds_secret => Ended::Unkept,
            Pumped::Whole(body) => Ended::Kept(StoredAnswer {
                status: parts.status.as_u16(),
                headers: texts(&parts.headers),
                body,
            }),
            Pumped::TooLarge => Ended::Unkept,
            Pumped::Broken => Ended::BrokeOff,
        };
        open.end(ended).await;
        drop(pieces);
    };
    jobs.spawn(work.in_current_span());
    answered.await.map_err(|_| {
        Error::new(ErrorCode::ShuttingDown, "the server is stopping; call again in a moment")
    })
}

enum Pumped {
    Whole(Vec<u8>),
    TooLarge,
    Broken,
}

/// Hands the body on piece by piece and keeps it. A client that has left is no reason to stop.
async fn pump(mut body: Body, pieces: &mpsc::Sender<std::io::Result<Bytes>>) -> Pumped {
    let mut kept = Some(Vec::new());
    while let Some(frame) = body.frame().await {
        let piece = match frame {
            Ok(frame) => frame.into_data().unwrap_or_default(),
            Err(cause) => {
                let _client_left = pieces.send(Err(std::io::Error::other(cause))).await;
                return Pumped::Broken;
            }
        };
        if let Some(so_far) = &mut kept {
            so_far.extend_from_slice(&piece);
        }
        kept = kept.filter(|so_far| so_far.len() <= ANSWER_BYTES_MAX);
        let _client_left = pieces.send(Ok(piece)).await;
    }
    kept.map_or(Pumped::TooLarge, Pumped::Whole)
}

/// Whether the same request would be answered so again. A limit frees, a failure passes.
fn is_final(status: StatusCode) -> bool {
    !status.is_server_error() && !matches!(status.as_u16(), 401 | 402 | 403 | 408 | 409 | 425 | 429)
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect()
}

fn replay(answer: StoredAnswer) -> Response<Body> {
    let StoredAnswer { status, headers, body } = answer;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
