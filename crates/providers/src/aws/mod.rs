//! Amazon's credentials, and the signature that proves them.

mod sigv4;

use std::borrow::Cow;

use backstay_core::{Error, Result, Secret, Timestamp};
use reqwest::{
    Request,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};

use crate::credential::insert_secret;
use sigv4::{Scope, Signable};

/// The name under which Bedrock's requests are signed, also those to its control plane.
const SERVICE: &str = "bedrock";

/// Long-lived keys, or temporary ones with their token.
pub struct AwsKeys {
    pub access_key_id: String,
    pub secret_access_key: Secret,
    pub session_token: Option<Secret>,
    pub region: String,
}

impl AwsKeys {
    /// Dates and signs a request. Its URL, content type and body must be final.
    pub(crate) fn sign(&self, request: &mut Request, now: Timestamp) -> Result<()> {
        let moment = sigv4::compact(now);
        let date = HeaderValue::from_str(&moment).map_err(internal)?;
        request.headers_mut().insert(HeaderName::from_static("x-amz-date"), date);
        if let Some(token) = &self.session_token {
            let name = HeaderName::from_static("x-amz-security-token");
            insert_secret(request, name, token.expose())?;
        }
        let authorization = self.authorization(request, &moment);
        insert_secret(request, reqwest::header::AUTHORIZATION, &authorization)
    }

    fn authorization(&self, request: &Request, moment: &str) -> String {
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
        let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
        let signable = Signable {
            method: request.method().as_str(),
            path: url.path(),
            query: url.query().unwrap_or_default(),
            headers,
            body,
        };
        let scope = Scope { moment, region: &self.region, service: SERVICE };
        sigv4::authorization(&self.access_key_id, &self.secret_access_key, &scope, signable)
    }
}

fn internal(cause: impl std::fmt::Display) -> Error {
    Error::internal(format!("cannot sign a request: {cause}"))
}
