//! A bucket of a store that speaks S3's protocol: Amazon's own, MinIO, Ceph, Garage, R2.
//!
//! Files go through in pieces. One that is stored has its length and SHA-256 said before its first byte,
//! so that the signature covers the content and the store refuses what arrives otherwise.

use std::sync::Arc;

use async_stream::try_stream;
use backstay_core::{Clock, Error, ErrorCode, Result};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use reqwest::{Body, Method, Request, Response, StatusCode, Url, header};

use crate::{
    aws::{AwsKeys, Service},
    deadline::Deadline,
    http::Upstreams,
    percent::encode,
};

/// Of nothing.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// Of what a store says about a failure.
const ERROR_BYTES_MAX: usize = 4 * 1024;

/// Where a bucket is, and how one is let in. Holds secrets, so it has no `Debug`.
pub struct BucketSpec {
    pub bucket: String,
    /// What every key begins with; empty for nothing.
    pub prefix: String,
    /// The store's address, with the bucket in the path; Amazon's of the region, with the bucket in the
    /// host, when absent.
    pub endpoint: Option<String>,
    pub keys: AwsKeys,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Bucket {
    parts: Arc<Parts>,
}

struct Parts {
    client: reqwest::Client,
    clock: Clock,
    total_ms: u64,
    /// Ends with a slash, and with the bucket where that is in the path.
    base: Url,
    bucket: String,
    prefix: String,
    keys: AwsKeys,
}

impl Bucket {
    /// # Errors
    /// `invalid_request` for an address that is none.
    pub fn new(spec: BucketSpec, upstreams: &Upstreams) -> Result<Self> {
        let BucketSpec { bucket, prefix, endpoint, keys } = spec;
        let base = match &endpoint {
            Some(endpoint) => {
                format!("{}/{}/", endpoint.trim_end_matches('/'), encode(&bucket, ""))
            }
            None => format!("https://{bucket}.s3.{}.amazonaws.com/", keys.region),
        };
        let base = Url::parse(&base)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| {
                let message = "the address of the bucket is not one of HTTP or HTTPS";
                Error::invalid(message).with_context(base)
            })?;
        let prefix = match prefix.trim_matches('/') {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        let parts = Parts {
            client: upstreams.client.clone(),
            clock: upstreams.clock.clone(),
            total_ms: upstreams.timeouts.total,
            base,
            bucket,
            prefix,
            keys,
        };
        Ok(Self { parts: Arc::new(parts) })
    }

    /// Stores a file of this length and content under a key, in place of what is there.
    ///
    /// # Errors
    /// `store_unavailable`, with what the store says.
    pub async fn put(
        &self,
        key: &str,
        bytes: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
        length: u64,
        sha256: &[u8; 32],
    ) -> Result<()> {
        let sha256: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut request = Request::new(Method::PUT, self.url(key)?);
        request.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        *request.body_mut() = Some(Body::wrap_stream(bytes));
        self.done(self.send(request, &sha256).await?, "store").await.map(|_| ())
    }

    /// A file's bytes; `None` when there is no such key.
    ///
    /// # Errors
    /// `store_unavailable`, with what the store says; also in the stream, when it breaks off.
    pub async fn get(
        &self,
        key: &str,
    ) -> Result<Option<impl Stream<Item = Result<Bytes>> + Send + 'static>> {
        let response = self.send(Request::new(Method::GET, self.url(key)?), EMPTY_SHA256).await?;
        let Some(response) = self.done(response, "read").await? else { return Ok(None) };
        let this = self.clone();
        Ok(Some(try_stream! {
            let mut pieces = response.bytes_stream();
            while let Some(piece) = pieces.next().await {
                yield piece.map_err(|cause| this.failed("read", &cause.to_string()))?;
            }
        }))
    }

    /// Deletes a file; one that is not there is no error.
    ///
    /// # Errors
    /// `store_unavailable`, with what the store says.
    pub async fn delete(&self, key: &str) -> Result<()> {
        let request = Request::new(Method::DELETE, self.url(key)?);
        self.done(self.send(request, EMPTY_SHA256).await?, "delete").await.map(|_| ())
    }

    fn url(&self, key: &str) -> Result<Url> {
        let path = encode(&format!("{}{key}", self.parts.prefix), "/");
        let url = self.parts.base.join(&path);
        url.map_err(|cause| Error::internal(format!("no address for {key}: {cause}")))
    }

    async fn send(&self, mut request: Request, sha256: &str) -> Result<Response> {
        let Parts { client, clock, total_ms, keys, .. } = &*self.parts;
        keys.sign(&mut request, Service::S3 { sha256 }, clock.now())?;
        let deadline = Deadline::after(*total_ms, ErrorCode::StoreUnavailable);
        let sent = deadline.limit(client.execute(request)).await?;
        sent.map_err(|cause| self.failed("reach", &cause.without_url().to_string()))
    }

    /// `None` for what is not there.
    async fn done(&self, response: Response, what: &str) -> Result<Option<Response>> {
        let status = response.status();
        if status.is_success() {
            return Ok(Some(response));
        }
        let said = said(response).await;
        if status == StatusCode::NOT_FOUND && !said.contains("NoSuchBucket") {
            return Ok(None);
        }
        Err(self.failed(what, &format!("{status} {said}")))
    }

    fn failed(&self, what: &str, cause: &str) -> Error {
        let bucket = &self.parts.bucket;
        let message = format!(
            "could not {what} a document in the bucket {bucket} ({cause}); the operator may have to \
             look at documents.s3"
        );
        Error::new(ErrorCode::StoreUnavailable, message.replace("reach a document in", "reach"))
    }
}

/// The code and message of an error, as far as it is one of S3's.
async fn said(response: Response) -> String {
    let mut text = Vec::new();
    let mut pieces = response.bytes_stream();
    while let Some(Ok(piece)) = pieces.next().await {
        text.extend_from_slice(&piece);
        if text.len() > ERROR_BYTES_MAX {
            break;
        }
    }
    let text = String::from_utf8_lossy(&text);
    let within = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once(&format!("</{tag}>"))?.0.to_owned())
    };
    let parts = [within("Code"), within("Message")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(": ")
}
