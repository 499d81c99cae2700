//! One exchange: read the request, find its script, plan the answer, send it.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use http_body_util::{BodyExt, Limited};
use serde_json::{Map, Value, json};

use crate::connection::Connection;
use crate::delivery::{self, Delivery, Steps};
use crate::failure::Failure;
use crate::fault::{Effect, Fault};
use crate::ledger::OpenCharge;
use crate::model::{Behaviour, ModelError, ModelName};
use crate::record::{Outcome, Recording};
use crate::respond::{self, Usage};
use crate::router::App;
use crate::wire::{Call, Caller, Wire};

/// Largest request body, as at Anthropic.
const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;

/// A request that was read and noted.
pub(crate) struct Received {
    pub(crate) app: Arc<App>,
    pub(crate) id: u64,
    pub(crate) headers: HeaderMap,
    method: Method,
    uri: Uri,
    /// `None` if it was larger than allowed.
    body: Option<Bytes>,
    connection: Connection,
    recording: Recording,
}

impl FromRequest<Arc<App>> for Received {
    type Rejection = StatusCode;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, StatusCode> {
        let (parts, body) = request.into_parts();
        let read = Limited::new(body, MAX_BODY_BYTES).collect().await;
        let body = match read {
            Ok(collected) => Some(collected.to_bytes()),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => None,
            Err(_) => return Err(StatusCode::BAD_REQUEST),
        };
        let id = app.next_id();
        let noted = body.clone().unwrap_or_default();
        let recording = app.recorder.begin(id, &parts.method, &parts.uri, &parts.headers, &noted);
        Ok(Self {
            app: Arc::clone(app),
            id,
            connection: parts.extensions.get::<Connection>().cloned().unwrap_or_default(),
            headers: parts.headers,
            method: parts.method,
            uri: parts.uri,
            body,
            recording,
        })
    }
}

impl Received {
    pub(crate) fn query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }

    /// Checks what the caller shows.
    pub(crate) fn admit<W: Wire>(&self) -> Result<(), Failure> {
        let (method, uri, headers) = (&self.method, &self.uri, &self.headers);
        let body = self.body.as_deref().unwrap_or_default();
        W::admit(&Caller { method, uri, headers, body })
    }

    /// The body as text, for what is no JSON.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(self.body.as_deref().unwrap_or_default()).unwrap_or_default()
    }

    /// Checks the key and reads the body as a JSON object.
    pub(crate) fn json<W: Wire>(&self) -> Result<Map<String, Value>, Failure> {
        self.admit::<W>()?;
        let body = self.body.as_ref().ok_or(Failure::TooLarge)?;
        match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(Failure::bad_request("The request body must be a JSON object.")),
            Err(error) => Err(Failure::bad_request(format!(
                "We could not parse the JSON body of your request: {error}"
            ))),
        }
    }

    /// Sends a JSON answer.
    pub(crate) fn answer(self, status: u16, body: &Value) -> Response {
        self.send(status, "application/json", Steps::send(Bytes::from(body.to_string())))
    }

    /// Sends a refusal in the words of a wire format.
    pub(crate) fn refuse<W: Wire>(self, failure: &Failure) -> Response {
        let (status, body) = W::failure(self.id, failure);
        let mut response = self.answer(status, &body);
        if let Failure::RateLimit { retry_after_s } = failure {
            response.headers_mut().insert(header::RETRY_AFTER, (*retry_after_s).into());
        }
        response
    }

    /// Sends the outcome of an endpoint that has no faults of its own.
    pub(crate) fn finish<W: Wire>(self, result: Result<Value, Failure>) -> Response {
        match result {
            Ok(body) => self.answer(200, &body),
            Err(failure) => self.refuse::<W>(&failure),
        }
    }

    fn send(self, status: u16, content_type: &'static str, steps: Steps) -> Response {
        self.send_charged(status, content_type, steps, None)
    }

    fn send_charged(
        self,
        status: u16,
        content_type: &'static str,
        steps: Steps,
        charge: Option<OpenCharge>,
    ) -> Response {
        self.recording.status(status);
        let id = format!("req_sim_{}", self.id);
        let body = Delivery::new(steps, self.connection, self.recording, charge);
        let mut response = axum::body::Body::new(body).into_response();
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
        if let Ok(id) = header::HeaderValue::try_from(id) {
            headers.insert("x-request-id", id.clone());
            headers.insert("request-id", id);
        }
        response
    }

    fn close(mut self) -> Response {
        self.connection.close();
        self.recording.finish(Outcome::CutByScript);
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

/// What a script does to a request of this model. Says which fault keeps it from being answered.
pub(crate) async fn meet_script<W: Wire>(
    received: Received,
    model: &str,
) -> Result<(Received, Behaviour, Effect), Response> {
    let name = match ModelName::parse(model) {
        Ok(name) => name,
        Err(ModelError::Unknown) => {
            let failure = Failure::ModelNotFound { model: model.to_owned() };
            return Err(received.refuse::<W>(&failure));
        }
        Err(ModelError::Script(error)) => {
            let failure = Failure::bad_field("model", error.to_string());
            return Err(received.refuse::<W>(&failure));
        }
    };
    let effect = received.app.scripts.next(model, name.script);
    let Some(fault) = effect.fault else { return Ok((received, name.behaviour, effect)) };
    if let Some(delay) = fault.header_delay() {
        tokio::time::sleep(delay).await;
    }
    let failure = match fault {
        Fault::Refuse => return Err(received.close()),
        Fault::Unauthorized => Failure::WrongKey,
        Fault::ModelNotFound => Failure::ModelNotFound { model: model.to_owned() },
        Fault::RateLimit { retry_after_s } => Failure::RateLimit { retry_after_s },
        Fault::ServerError => Failure::ServerError,
        Fault::Unavailable => Failure::Unavailable,
        Fault::Overloaded => Failure::Overloaded,
        Fault::Status { status } => {
            let body = json!({"error": {"message": format!("scripted {status}"), "code": status}});
            return Err(received.answer(status, &body));
        }
        Fault::Html { status } => {
            let page = "<html><body><h1>Bad gateway</h1></body></html>";
            let steps = Steps::send(Bytes::from_static(page.as_bytes()));
            return Err(received.send(status, "text/html", steps));
        }
        Fault::EmptyBody => {
            return Err(received.send(200, "application/json", Steps::send(Bytes::new())));
        }
        Fault::HugeLine { bytes } => {
            let steps = delivery::huge_line(bytes);
            return Err(received.send(200, "text/event-stream", steps));
        }
        Fault::Redirect => {
            let mut response = received.send(302, "text/plain", Steps::send(Bytes::new()));
            let elsewhere = header::HeaderValue::from_static("http://127.0.0.1:9/elsewhere");
            response.headers_mut().insert(header::LOCATION, elsewhere);
            return Err(response);
        }
        _ => return Ok((received, name.behaviour, effect)),
    };
    Err(received.refuse::<W>(&failure))
}

/// Answers a request for a completion.
pub(crate) async fn complete<W: Wire>(
    received: Received,
    path_model: Option<&str>,
    path_stream: bool,
) -> Response {
    let read = received.json::<W>().and_then(|body| {
        let query = received.query();
        W::read(&Call { id: received.id, body: &body, path_model, path_stream, query })
    });
    let (prompt, extra) = match read {
        Ok(read) => read,
        Err(failure) => return received.refuse::<W>(&failure),
    };
    let (received, behaviour, mut effect) = match meet_script::<W>(received, &prompt.model).await {
        Ok(met) => met,
        Err(response) => return response,
    };
    if let Some(chunks) = effect.raw.take() {
        let steps = delivery::raw_steps(chunks, &effect);
        return received.send(200, "text/event-stream", steps);
    }
    if behaviour == Behaviour::Raw {
        let failure = Failure::bad_field(
            "model",
            "sim-raw has nothing to send yet. Set its chunks with POST /sim/script \
             {\"model\": \"sim-raw\", \"always\": true, \"raw\": [\"data: ...\"]}.",
        );
        return received.refuse::<W>(&failure);
    }
    let mut plan = respond::plan(behaviour, &prompt);
    let counted = plan.usage.unwrap_or_default();
    let tokens = counted.output;
    let charge = received.app.ledger.as_ref().map(|ledger| {
        let said = prompt.last_user_text();
        ledger.open(received.id, &prompt.model, &said, counted.prompt as u64)
    });
    match effect.fault {
        Some(Fault::NoUsage) => plan.usage = None,
        Some(Fault::LyingUsage) => plan.usage = Some(absurd(counted)),
        _ => {}
    }
    if prompt.stream {
        let mut frames = W::frames(&prompt, &extra, &plan);
        if effect.fault == Some(Fault::EmptyChunk) {
            frames.insert(W::EMPTY_FRAME_AT.min(frames.len()), W::empty_frame(&prompt, &extra));
        }
        let error = W::error_event(received.id, &extra);
        let steps = delivery::stream_steps(frames, &effect, error);
        let content_type = content_type(effect.fault, W::stream_type(&extra));
        return received.send_charged(200, content_type, steps, charge);
    }
    let body = plain_body::<W>(W::reply(&prompt, &extra, &plan), &effect);
    let error = Bytes::from(W::error_body(received.id).to_string());
    let steps = delivery::plain_steps(body, tokens, &effect, error);
    let content_type = content_type(effect.fault, "application/json");
    received.send_charged(200, content_type, steps, charge)
}

fn content_type(fault: Option<Fault>, right: &'static str) -> &'static str {
    match fault {
        Some(Fault::WrongContentType) => "text/html; charset=utf-8",
        _ => right,
    }
}

/// Numbers that no prompt and no answer has.
fn absurd(usage: Usage) -> Usage {
    const ABSURD: usize = 9_000_000_000_000_000;
    Usage { output: ABSURD, ..usage }
}

fn plain_body<W: Wire>(mut reply: Value, effect: &Effect) -> Bytes {
    if effect.fault == Some(Fault::EmptyChunk) {
        W::empty_reply(&mut reply);
    }
    Bytes::from(reply.to_string())
}
