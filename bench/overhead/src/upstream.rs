//! A mock model server that costs next to nothing: the answers are made once, before the first call.

use std::convert::Infallible;

use bytes::Bytes;
use futures::stream;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};

use crate::canned;
use crate::endpoint::{ListenOptions, READY_PATH, serve_connections};

type ReplyBody = UnsyncBoxBody<Bytes, Infallible>;

pub(crate) async fn serve(options: ListenOptions) -> anyhow::Result<()> {
    let answers = Answers { plain: canned::plain_answer(), stream: canned::stream_answer() };
    serve_connections(&options, move |request| reply(request, answers.clone())).await
}

#[derive(Clone)]
struct Answers {
    plain: Bytes,
    stream: Vec<Bytes>,
}

async fn reply(request: Request<Incoming>, answers: Answers) -> Response<ReplyBody> {
    let route = (request.method().clone(), request.uri().path().to_owned());
    // The body is read to its end, as a real model server must do before it can answer.
    let Ok(body) = request.into_body().collect().await else {
        return json(StatusCode::BAD_REQUEST, Bytes::from_static(b"{}"));
    };
    match (route.0, route.1.as_str()) {
        (Method::POST, canned::CHAT_PATH) if wants_stream(&body.to_bytes()) => {
            event_stream(answers.stream)
        }
        (Method::POST, canned::CHAT_PATH) => json(StatusCode::OK, answers.plain),
        (Method::GET, READY_PATH) => json(StatusCode::OK, Bytes::from_static(b"{}")),
        _ => json(
            StatusCode::NOT_FOUND,
            Bytes::from_static(br#"{"error":{"message":"the mock model only chats"}}"#),
        ),
    }
}

/// Searches instead of parsing: the mock's own cost is part of every figure.
fn wants_stream(body: &[u8]) -> bool {
    const ASKED: &[u8] = br#""stream":true"#;
    body.windows(ASKED.len()).any(|window| window == ASKED)
}

fn json(status: StatusCode, body: Bytes) -> Response<ReplyBody> {
    let mut response = Response::new(Full::new(body).boxed_unsync());
    *response.status_mut() = status;
    set_content_type(&mut response, "application/json");
    response
}

/// All events at once, each as a frame of its own: what remains is the cost of relaying them.
fn event_stream(events: Vec<Bytes>) -> Response<ReplyBody> {
    let frames = stream::iter(events.into_iter().map(|event| Ok(Frame::data(event))));
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    set_content_type(&mut response, "text/event-stream");
    response
}

fn set_content_type(response: &mut Response<ReplyBody>, value: &'static str) {
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(value));
}
