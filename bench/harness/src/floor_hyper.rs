//! The lower floor: a reverse proxy on bare hyper that looks at nothing and passes all on.

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Request, Response, StatusCode, Uri, header};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::endpoint::{ProxyOptions, serve_connections};

type ReplyBody = Either<Incoming, Full<Bytes>>;
type Pool = Client<HttpConnector, Incoming>;

pub(crate) async fn serve(options: ProxyOptions) -> anyhow::Result<()> {
    let authority: Authority = options.upstream.to_string().parse()?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let pool: Pool = Client::builder(TokioExecutor::new()).build(connector);
    serve_connections(&options.endpoint, move |request| {
        forward(request, pool.clone(), authority.clone())
    })
    .await
}

async fn forward(
    mut request: Request<Incoming>,
    pool: Pool,
    upstream: Authority,
) -> Response<ReplyBody> {
    let path = request.uri().path_and_query().cloned();
    let uri = Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(upstream)
        .path_and_query(path.unwrap_or_else(|| PathAndQuery::from_static("/")))
        .build();
    let Ok(uri) = uri else { return bad_gateway("the request has no usable path") };
    *request.uri_mut() = uri;
    request.headers_mut().remove(header::HOST);
    remove_connection_headers(request.headers_mut());
    match pool.request(request).await {
        Ok(mut response) => {
            remove_connection_headers(response.headers_mut());
            response.map(Either::Left)
        }
        Err(error) => bad_gateway(&format!("the upstream did not answer: {error}")),
    }
}

/// The headers that belong to one connection and not to the message (RFC 9110, section 7.6.1).
fn remove_connection_headers(headers: &mut HeaderMap) {
    for name in [
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::TE,
        header::TRAILER,
        header::UPGRADE,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
    ] {
        headers.remove(name);
    }
}

fn bad_gateway(reason: &str) -> Response<ReplyBody> {
    let mut response = Response::new(Either::Right(Full::new(Bytes::from(reason.to_owned()))));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}
