//! Bodies of requests that are answered before they were read to their end.
//!
//! A connection that is closed on a client that still writes breaks under its hands: it then tells of a
//! broken connection and not of the answer, such as that its key is wrong or its file too large. So what
//! nobody reads is read on for a while (RFC 9112, section 9.6).

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{
    Request, Version,
    body::{Body, Frame, Incoming, SizeHint},
};

const BYTES_MAX: usize = 32 * 1024 * 1024;
const TIME_MAX: Duration = Duration::from_secs(5);

/// A body that, when it is let go of, is read on in the background.
pub(crate) struct Lingering(Option<Incoming>);

/// HTTP/2 can end the writing of one request by itself.
pub(crate) fn lingering(request: Request<Incoming>) -> Request<axum::body::Body> {
    let is_alone = request.version() < Version::HTTP_2;
    request.map(|body| match is_alone {
        true => axum::body::Body::new(Lingering(Some(body))),
        false => axum::body::Body::new(body),
    })
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.0 = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if let Some(body) = self.0.take().filter(|body| !body.is_end_stream()) {
            tokio::spawn(tokio::time::timeout(TIME_MAX, read_on(body)));
        }
    }
}

async fn read_on(mut body: Incoming) {
    let mut left = BYTES_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        let Some(rest) = left.checked_sub(length) else { return };
        left = rest;
    }
}
