//! Amazon's credentials, and the signature that proves them.

mod sigv4;

use std::borrow::Cow;

use backstay_core::{Error, Result, Secret, Timestamp};
use reqwest::{
    Request,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};

use crate::{credential::insert_secret, percent::encode};
use sigv4::{Scope, Signable};

/// Whom a request is signed for. Services differ in how they see the path and the body.
#[derive(Clone, Copy)]
pub(crate) enum Service<'a> {
    /// Also for its control plane. The body is at hand.
    Bedrock,
    /// The body goes in pieces; this is its SHA-256 in hexadecimal, which the store compares.
    S3 { sha256: &'a str },
}

impl Service<'_> {
    const fn name(self) -> &'static str {
        match self {
            Self::Bedrock => "bedrock",
            Self::S3 { .. } => "s3",
        }
    }

    /// Every service but S3 wants the path encoded once more.
    fn path(self, path: &str) -> String {
        match self {
            Self::Bedrock => encode(path, "/"),
            Self::S3 { .. } => path.to_owned(),
        }
    }
}

const CONTENT_SHA256: &str = "x-amz-content-sha256";

/// Long-lived keys, or temporary ones with their token.
pub struct AwsKeys {
    pub access_key_id: String,
    pub secret_access_key: Secret,
    pub session_token: Option<Secret>,
    pub region: String,
}

impl AwsKeys {
    /// Dates and signs a request. Its URL, content type and body must be final.
    pub(crate) fn sign(
        &self,
        request: &mut Request,
        service: Service<'_>,
        now: Timestamp,
    ) -> Result<()> {
        let moment = sigv4::compact(now);
        let date = HeaderValue::from_str(&moment).map_err(internal)?;
        request.headers_mut().insert(HeaderName::from_static("x-amz-date"), date);
        if let Some(token) = &self.session_token {
            let name = HeaderName::from_static("x-amz-security-token");
            insert_secret(request, name, token.expose())?;
        }
        if let Service::S3 { sha256 } = service {
            let hash = HeaderValue::from_str(sha256).map_err(internal)?;
            request.headers_mut().insert(HeaderName::from_static(CONTENT_SHA256), hash);
        }
        let authorization = self.authorization(request, service, &moment);
        insert_secret(request, reqwest::header::AUTHORIZATION, &authorization)
    }

    fn authorization(&self, request: &Request, service: Service<'_>, moment: &str) -> String {
        let url = request.url();
        let mut host = url.host_str().unwrap_or_default().to_owned();
        if let Some(port) = url.port() {
            host = format!("{host}:{port}");
        }
        let mut headers = vec![("host", Cow::Owned(host)), ("x-amz-date", Cow::Borrowed(moment))];
        let content_type = request.headers().get(CONTENT_TYPE);
        if let Some(value) = content_type.and_then(|value| value.to_str().ok()) {
            headers.push(("content-type", Cow::Borrowed(value)));
        }
        if let Some(token) = &self.session_token {
            headers.push(("x-amz-security-token", Cow::Borrowed(token.expose())));
        }
        let body_sha256 = match service {
            Service::Bedrock => {
                let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
                Cow::Owned(sigv4::sha256(body))
            }
            Service::S3 { sha256 } => {
                headers.push((CONTENT_SHA256, Cow::Borrowed(sha256)));
                Cow::Borrowed(sha256)
            }
        };
        let signable = Signable {
            method: request.method().as_str(),
            path: service.path(url.path()),
            query: url.query().unwrap_or_default(),
            headers,
            body_sha256,
        };
        let scope = Scope { moment, region: &self.region, service: service.name() };
        sigv4::authorization(&self.access_key_id, &self.secret_access_key, &scope, signable)
    }
}

fn internal(cause: impl std::fmt::Display) -> Error {
    Error::internal(format!("cannot sign a request: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_s3_is_given_the_path_as_it_is_sent() {
        let path = "/model/amazon.nova-lite-v1%3A0/converse";
        let again = "/model/amazon.nova-lite-v1%253A0/converse";
        assert_eq!(Service::Bedrock.path(path), again);
        assert_eq!(Service::S3 { sha256: "" }.path(path), path);
    }
}
