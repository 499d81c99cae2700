//! Google's access tokens: made from a service account or a user's login, and kept until shortly
//! before they expire.

mod credentials_file;
mod jwt;

use backstay_core::{Error, ErrorCode, Result, Secret, Timestamp};
use reqwest::{Method, Request, Url, header};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::{
    deadline::Deadline,
    http::{Upstreams, read_body},
};
use credentials_file::{Source, TokenRequest};

/// A token is not used any more this long before it expires.
const RENEW_BEFORE_S: i64 = 60;
/// How long a token is used whose life the server does not tell.
const LIFE_S_DEFAULT: i64 = 300;
/// Answers of the token endpoint are a few kilobytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Gives a token that is valid now. Holds secrets, so it has no `Debug`.
pub struct GoogleTokens(Kind);

enum Kind {
    /// A token that somebody else renews.
    Ready(Secret),
    Renewed(Box<Renewed>),
}

struct Renewed {
    source: Source,
    /// Held while a token is fetched, so that many calls at once fetch one.
    current: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    text: Secret,
    expires_at: Timestamp,
}

impl GoogleTokens {
    /// A token that is used as it is, for trying things out: such tokens expire within an hour.
    pub fn ready(token: Secret) -> Self {
        Self(Kind::Ready(token))
    }

    /// Reads the text of a credentials file: that of a service account, or of a user's login as
    /// `gcloud auth application-default login` writes it.
    ///
    /// # Errors
    /// `InvalidRequest` that says what is wrong with it, without showing it.
    pub fn from_credentials(text: &str) -> Result<Self> {
        let source = Source::parse(text)?;
        let renewed = Renewed { source, current: Mutex::new(None) };
        Ok(Self(Kind::Renewed(Box::new(renewed))))
    }

    /// The next call fetches a new token.
    pub(crate) async fn forget(&self) {
        if let Kind::Renewed(renewed) = &self.0 {
            renewed.current.lock().await.take();
        }
    }

    /// # Errors
    /// `UpstreamAuthentication` when Google refuses, `UpstreamUnreachable` when it cannot be asked.
    pub(crate) async fn token(&self, upstreams: &Upstreams, deadline: Deadline) -> Result<Secret> {
        let Renewed { source, current } = match &self.0 {
            Kind::Ready(token) => return Ok(token.clone()),
            Kind::Renewed(renewed) => renewed.as_ref(),
        };
        let mut current = current.lock().await;
        let now = upstreams.clock.now();
        let is_valid = |token: &&Token| token.expires_at.seconds() - RENEW_BEFORE_S > now.seconds();
        if let Some(token) = current.as_ref().filter(is_valid) {
            return Ok(token.text.clone());
        }
        let asked = source.token_request(now)?;
        let token = fetch(&upstreams.client, asked, now, deadline).await?;
        let text = token.text.clone();
        *current = Some(token);
        Ok(text)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    access_token: Option<String>,
    expires_in: Option<i64>,
    error: Option<String>,
    error_description: Option<String>,
}

async fn fetch(
    client: &reqwest::Client,
    asked: TokenRequest,
    now: Timestamp,
    deadline: Deadline,
) -> Result<Token> {
    let unreachable = |cause: reqwest::Error| {
        Error::new(
            ErrorCode::UpstreamUnreachable,
            "Google's token endpoint cannot be reached; check token_uri in the credentials file \
             and that it is up",
        )
        .with_context(cause.to_string())
    };
    let mut request = Request::new(Method::POST, asked.url);
    let form = header::HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(header::CONTENT_TYPE, form);
    *request.body_mut() = Some(asked.form.into());
    let response = client.execute(request).await.map_err(unreachable)?;
    let status = response.status();
    let body = read_body("google", response, deadline, ANSWER_BYTES_MAX).await?;
    let answer: Answer = serde_json::from_slice(&body).unwrap_or_default();
    let token = answer.access_token.as_deref().and_then(Secret::new);
    match token.filter(|_| status.is_success()) {
        Some(text) => {
            let life_s = answer.expires_in.unwrap_or(LIFE_S_DEFAULT).clamp(0, 24 * 3_600);
            let expires_at = Timestamp::from_millis((now.seconds() + life_s) * 1_000);
            Ok(Token { text, expires_at })
        }
        None => {
            let said = [answer.error, answer.error_description];
            let said: Vec<String> = said.into_iter().flatten().collect();
            Err(Error::new(
                ErrorCode::UpstreamAuthentication,
                format!(
                    "Google gave no access token for {} (HTTP {}): {}; check the credentials file \
                     and that its account is active",
                    asked.account,
                    status.as_u16(),
                    if said.is_empty() { "no reason".to_owned() } else { said.join(", ") }
                ),
            ))
        }
    }
}

/// The address of a token endpoint: what is sent there is as good as a key.
fn token_url(text: &str) -> Result<Url> {
    let url = Url::parse(text).ok();
    let is_safe = |url: &Url| {
        let is_here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        url.scheme() == "https" || url.scheme() == "http" && is_here
    };
    url.filter(is_safe).ok_or_else(|| {
        Error::invalid(format!("Google credentials: token_uri {text:?} must be an https URL"))
    })
}
