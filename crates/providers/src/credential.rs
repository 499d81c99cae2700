//! How a provider recognises us: the one place that puts credentials on a request.

use backstay_core::{Error, Result, Secret, WireFormat};
use bytes::Bytes;
use reqwest::{
    Request,
    header::{AUTHORIZATION, HeaderName, HeaderValue},
};
use serde::Deserialize;

use crate::{
    aws::{AwsKeys, Service},
    deadline::Deadline,
    google::GoogleTokens,
    http::Upstreams,
};

/// The ways in which providers want to be shown a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthScheme {
    /// `Authorization: Bearer …`
    Bearer,
    /// Anthropic's header.
    XApiKey,
    /// Google's header for API keys.
    XGoogApiKey,
    /// Azure's header.
    ApiKey,
    /// Amazon's signature, version 4.
    AwsSigv4,
    /// A token that Google gives for a service account or a user.
    GoogleOauth,
}

impl AuthScheme {
    /// What the company behind a format wants.
    pub const fn of(format: WireFormat) -> Self {
        match format {
            WireFormat::OpenAi | WireFormat::Cohere => Self::Bearer,
            WireFormat::Anthropic => Self::XApiKey,
            WireFormat::Gemini => Self::XGoogApiKey,
            WireFormat::Bedrock => Self::AwsSigv4,
        }
    }
}

/// A credential, and how it is shown. Holds secrets, so it has no `Debug`.
pub enum Credential {
    /// For servers that ask for none.
    None,
    /// A key in a header.
    Key {
        header: KeyHeader,
        key: Secret,
    },
    Aws(AwsKeys),
    Google(GoogleTokens),
}

/// The header that carries a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyHeader {
    Bearer,
    XApiKey,
    XGoogApiKey,
    ApiKey,
}

impl Credential {
    /// A key, or nothing where there is none. Amazon and Google also take keys of their own kind, as
    /// bearer tokens.
    pub fn key(scheme: AuthScheme, key: Option<Secret>) -> Self {
        let header = match scheme {
            AuthScheme::Bearer | AuthScheme::AwsSigv4 | AuthScheme::GoogleOauth => {
                KeyHeader::Bearer
            }
            AuthScheme::XApiKey => KeyHeader::XApiKey,
            AuthScheme::XGoogApiKey => KeyHeader::XGoogApiKey,
            AuthScheme::ApiKey => KeyHeader::ApiKey,
        };
        key.map_or(Self::None, |key| Self::Key { header, key })
    }

    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// What a provider wrote, without the credential, should it have repeated that.
    pub(crate) fn struck_out(&self, written: Bytes) -> Bytes {
        let Self::Key { key, .. } = self else { return written };
        match std::str::from_utf8(&written) {
            Ok(text) if text.contains(key.expose()) => {
                Bytes::from(text.replace(key.expose(), "(API key)"))
            }
            _ => written,
        }
    }

    /// The provider did not accept it: a token that can be had anew is not used again.
    pub(crate) async fn refused(&self) {
        if let Self::Google(tokens) = self {
            tokens.forget().await;
        }
    }

    /// Puts the credential on a request that is otherwise complete: a signature covers the rest.
    pub(crate) async fn authorize(
        &self,
        request: &mut Request,
        upstreams: &Upstreams,
        deadline: Deadline,
    ) -> Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Key { header, key } => insert_key(request, *header, key),
            Self::Aws(keys) => keys.sign(request, Service::Bedrock, upstreams.clock.now()),
            Self::Google(tokens) => {
                let token = tokens.token(upstreams, deadline).await?;
                insert_key(request, KeyHeader::Bearer, &token)
            }
        }
    }
}

fn insert_key(request: &mut Request, header: KeyHeader, key: &Secret) -> Result<()> {
    match header {
        KeyHeader::Bearer => {
            insert_secret(request, AUTHORIZATION, &format!("Bearer {}", key.expose()))
        }
        KeyHeader::XApiKey => {
            insert_secret(request, HeaderName::from_static("x-api-key"), key.expose())
        }
        KeyHeader::XGoogApiKey => {
            insert_secret(request, HeaderName::from_static("x-goog-api-key"), key.expose())
        }
        KeyHeader::ApiKey => {
            insert_secret(request, HeaderName::from_static("api-key"), key.expose())
        }
    }
}

/// Sets a header whose value no log shows.
pub(crate) fn insert_secret(request: &mut Request, name: HeaderName, value: &str) -> Result<()> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        Error::internal(format!(
            "a credential has characters that the header {name} cannot carry; check the key for line \
             breaks"
        ))
    })?;
    value.set_sensitive(true);
    request.headers_mut().insert(name, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use reqwest::{Method, Url};

    use super::*;
    use crate::TimeoutsMs;

    #[tokio::test]
    async fn each_key_goes_into_its_header_and_no_debug_output_shows_it() {
        for (scheme, header, value) in [
            (AuthScheme::Bearer, "authorization", "Bearer k-secret"),
            (AuthScheme::XApiKey, "x-api-key", "k-secret"),
            (AuthScheme::XGoogApiKey, "x-goog-api-key", "k-secret"),
            (AuthScheme::ApiKey, "api-key", "k-secret"),
            (AuthScheme::AwsSigv4, "authorization", "Bearer k-secret"),
        ] {
            let url = Url::parse("https://models.acme.test/v1").unwrap();
            let mut request = Request::new(Method::POST, url);
            let credential = Credential::key(scheme, Secret::new("k-secret"));
            let upstreams = Upstreams::new(TimeoutsMs::default()).unwrap();
            let deadline = upstreams.deadlines().total();
            credential.authorize(&mut request, &upstreams, deadline).await.unwrap();
            assert_eq!(request.headers().get(header).unwrap(), value);
            assert_eq!(request.headers().len(), 1);
            assert!(!format!("{request:?}").contains("secret"), "{request:?}");
        }
        assert!(Credential::key(AuthScheme::Bearer, None).is_none());
    }

    #[test]
    fn a_provider_that_repeats_the_key_is_not_quoted_with_it() {
        let credential = Credential::key(AuthScheme::Bearer, Secret::new("k-secret"));
        let written = credential.struck_out(Bytes::from_static(b"no such route for k-secret"));
        assert_eq!(written, "no such route for (API key)");
        let other = Bytes::from_static(b"bad field");
        assert_eq!(credential.struck_out(other.clone()), other);
    }
}
