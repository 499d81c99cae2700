//! A mock model server that costs next to nothing: the answers are made once, before the first call.

use std::convert::Infallible;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};

use tokio::time::Instant;

use crate::canned;
use crate::cell::Shape;
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
        (Method::POST, canned::CHAT_PATH) => match wanted(&body.to_bytes()) {
            Shape::Plain => json(StatusCode::OK, answers.plain),
            Shape::Stream => event_stream(answers.stream),
            Shape::Paced => paced_stream(answers.stream),
        },
        (Method::GET, READY_PATH) => json(StatusCode::OK, Bytes::from_static(b"{}")),
        _ => json(
            StatusCode::NOT_FOUND,
            Bytes::from_static(br#"{"error":{"message":"the mock model only chats"}}"#),
        ),
    }
}

/// Searches instead of parsing: the mock's own cost is part of every figure.
fn wanted(body: &[u8]) -> Shape {
    let has = |text: &str| body.windows(text.len()).any(|window| window == text.as_bytes());
    // With and without the blank that some JSON writers put after a colon.
    if !has(r#""stream":true"#) && !has(r#""stream": true"#) {
        Shape::Plain
    } else if has(canned::PACED_MARK) {
        Shape::Paced
    } else {
        Shape::Stream
    }
}

fn json(status: StatusCode, body: Bytes) -> Response<ReplyBody> {
    let mut response = Response::new(Full::new(body).boxed_unsync());
    *response.status_mut() = status;
    set_content_type(&mut response, "application/json");
    response
}

/// All events at once, each as a frame of its own: what remains is the cost of relaying them.
fn event_stream(events: Vec<Bytes>) -> Response<ReplyBody> {
    events_response(stream::iter(events.into_iter().map(|event| Ok(Frame::data(event)))))
}

/// Each event when its time has come, counted from the request so that delays do not add up.
fn paced_stream(events: Vec<Bytes>) -> Response<ReplyBody> {
    let first = Instant::now() + canned::FIRST_EVENT_AFTER;
    let events = (0_u32..).zip(events);
    events_response(stream::iter(events).then(move |(index, event)| async move {
        tokio::time::sleep_until(first + canned::NEXT_EVENT_AFTER * index).await;
        Ok(Frame::data(event))
    }))
}

fn events_response(
    frames: impl Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + 'static,
) -> Response<ReplyBody> {
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    set_content_type(&mut response, "text/event-stream");
    response
}

fn set_content_type(response: &mut Response<ReplyBody>, value: &'static str) {
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(value));
}
