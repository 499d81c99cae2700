//! The credentials files of Google's tools.

use aws_lc_rs::rsa::KeyPair;
use backstay_core::{Error, Result, Secret, Timestamp};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Url;
use serde::Deserialize;

use super::{jwt, token_url};

const TOKEN_URI_DEFAULT: &str = "https://oauth2.googleapis.com/token";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// What tokens are made from.
pub(super) enum Source {
    ServiceAccount(Box<ServiceAccount>),
    User { client_id: String, client_secret: Secret, refresh_token: Secret, url: Url },
}

pub(super) struct ServiceAccount {
    email: String,
    key_id: Option<String>,
    key: KeyPair,
    token_uri: String,
    url: Url,
}

/// What is to be sent to the token endpoint.
pub(super) struct TokenRequest {
    pub(super) url: Url,
    /// As `application/x-www-form-urlencoded`.
    pub(super) form: String,
    /// Who asks, for errors.
    pub(super) account: String,
}

/// Holds secrets in clear text while it is read, so it has no `Debug`.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum File {
    ServiceAccount {
        client_email: String,
        private_key: String,
        #[serde(default)]
        private_key_id: Option<String>,
        #[serde(default)]
        token_uri: Option<String>,
    },
    AuthorizedUser {
        client_id: String,
        client_secret: String,
        refresh_token: String,
        #[serde(default)]
        token_uri: Option<String>,
    },
}

impl Source {
    pub(super) fn parse(text: &str) -> Result<Self> {
        // The cause may quote the file, so only its place is told.
        let file: File = serde_json::from_str(text).map_err(|cause| {
            Error::invalid(format!(
                "Google credentials: not the JSON of a service account or of an authorized user \
                 (line {}, column {}); other kinds of credentials are not supported",
                cause.line(),
                cause.column()
            ))
        })?;
        match file {
            File::ServiceAccount { client_email, private_key, private_key_id, token_uri } => {
                let token_uri = token_uri.unwrap_or_else(|| TOKEN_URI_DEFAULT.to_owned());
                Ok(Self::ServiceAccount(Box::new(ServiceAccount {
                    key: private_key_of(&private_key)?,
                    email: client_email,
                    key_id: private_key_id,
                    url: token_url(&token_uri)?,
                    token_uri,
                })))
            }
            File::AuthorizedUser { client_id, client_secret, refresh_token, token_uri } => {
                let blank = || Error::invalid("Google credentials: a secret in the file is blank");
                Ok(Self::User {
                    client_id,
                    client_secret: Secret::new(client_secret).ok_or_else(blank)?,
                    refresh_token: Secret::new(refresh_token).ok_or_else(blank)?,
                    url: token_url(token_uri.as_deref().unwrap_or(TOKEN_URI_DEFAULT))?,
                })
            }
        }
    }

    pub(super) fn token_request(&self, now: Timestamp) -> Result<TokenRequest> {
        match self {
            Self::ServiceAccount(account) => {
                let assertion = jwt::assertion(
                    &account.email,
                    &account.token_uri,
                    account.key_id.as_deref(),
                    &account.key,
                    now,
                )?;
                Ok(TokenRequest {
                    url: account.url.clone(),
                    form: form(&[("grant_type", JWT_BEARER), ("assertion", &assertion)]),
                    account: format!("service account {}", account.email),
                })
            }
            Self::User { client_id, client_secret, refresh_token, url } => Ok(TokenRequest {
                url: url.clone(),
                form: form(&[
                    ("grant_type", "refresh_token"),
                    ("client_id", client_id),
                    ("client_secret", client_secret.expose()),
                    ("refresh_token", refresh_token.expose()),
                ]),
                account: "the user of the credentials file".to_owned(),
            }),
        }
    }
}

/// A URL's query is encoded as a form is.
fn form(pairs: &[(&str, &str)]) -> String {
    let mut url = Url::parse("http://form").ok();
    if let Some(url) = &mut url {
        url.query_pairs_mut().extend_pairs(pairs);
    }
    url.and_then(|url| url.query().map(str::to_owned)).unwrap_or_default()
}

/// The key in its PEM envelope, as PKCS #8.
fn private_key_of(pem: &str) -> Result<KeyPair> {
    let unreadable = || {
        Error::invalid(
            "Google credentials: private_key is no RSA key in PEM form (PKCS #8); download the \
             service account's key anew",
        )
    };
    let body = pem
        .split_once("-----BEGIN PRIVATE KEY-----")
        .and_then(|(_, rest)| rest.split_once("-----END PRIVATE KEY-----"))
        .map(|(body, _)| body.split_whitespace().collect::<String>())
        .ok_or_else(unreadable)?;
    let der = STANDARD.decode(body).map_err(|_| unreadable())?;
    KeyPair::from_pkcs8(&der).map_err(|_| unreadable())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_file_is_said_without_showing_it() {
        let refused = |text: &str| Source::parse(text).map(|_| ()).unwrap_err().to_string();
        let unknown = refused(r#"{"type": "external_account", "secret": "s3cret"}"#);
        assert!(unknown.contains("service account") && !unknown.contains("s3cret"), "{unknown}");
        let bad_key = refused(
            r#"{"type": "service_account", "client_email": "a@b", "private_key": "s3cret"}"#,
        );
        assert!(bad_key.contains("private_key") && !bad_key.contains("s3cret"), "{bad_key}");
        let bad_url = refused(
            r#"{"type": "authorized_user", "client_id": "c", "client_secret": "s3cret",
                "refresh_token": "r", "token_uri": "http://tokens.test/"}"#,
        );
        assert!(bad_url.contains("https") && !bad_url.contains("s3cret"), "{bad_url}");
    }

    #[test]
    fn a_user_shows_the_refresh_token_encoded_as_a_form() {
        let user = r#"{"type": "authorized_user", "client_id": "c", "client_secret": "a b&c",
            "refresh_token": "1//x"}"#;
        let request = Source::parse(user).unwrap().token_request(Timestamp::default()).unwrap();
        assert_eq!(request.url.as_str(), TOKEN_URI_DEFAULT);
        assert_eq!(
            request.form,
            "grant_type=refresh_token&client_id=c&client_secret=a+b%26c&refresh_token=1%2F%2Fx"
        );
    }
}
