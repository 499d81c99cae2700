//! A service account, and the endpoint that gives it access tokens: `GET /sim/service-account` and
//! `POST /token`.

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::StatusCode;
use serde_json::{Value, json};

use super::TOKEN_PREFIX;
use crate::exchange::Received;
use crate::wire::header;

const EMAIL: &str = "sim@sim-project.iam.gserviceaccount.com";
const KEY_ID: &str = "sim-key-1";
const GRANT: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// The longest life that a statement may claim, as at Google.
const MAX_LIFE_S: i64 = 3_600;
/// How long a token lives.
const TOKEN_LIFE_S: u64 = 3_599;

/// The account's key; made when it is first asked for, so that none lies in the source.
fn key() -> Option<&'static KeyPair> {
    static KEY: OnceLock<Option<KeyPair>> = OnceLock::new();
    KEY.get_or_init(|| KeyPair::generate(KeySize::Rsa2048).ok()).as_ref()
}

/// The credentials file of the account, with this simulator as its token endpoint.
pub(crate) async fn service_account(received: Received) -> Response {
    let host = header(&received.headers, "host").unwrap_or_default();
    match credentials(&format!("http://{host}")) {
        Some(file) => received.answer(200, &file),
        None => received.answer(500, &json!({"error": "no key could be made"})),
    }
}

/// The same, for a simulator at this base URL.
pub(crate) fn credentials(base_url: &str) -> Option<Value> {
    let der = key()?.as_der().ok()?;
    let lines: Vec<String> = STANDARD
        .encode(der.as_ref())
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    let pem = lines.join("\n");
    Some(json!({
        "type": "service_account",
        "project_id": "sim-project",
        "private_key_id": KEY_ID,
        "private_key": format!("-----BEGIN PRIVATE KEY-----\n{pem}\n-----END PRIVATE KEY-----\n"),
        "client_email": EMAIL,
        "token_uri": format!("{base_url}/token")
    }))
}

/// Gives a token for a signed statement.
pub(crate) async fn give(received: Received) -> Response {
    let host = header(&received.headers, "host").unwrap_or_default();
    let audience = format!("http://{host}/token");
    match check(received.text(), &audience) {
        Ok(()) => {
            let token = format!("{TOKEN_PREFIX}sim-{}", received.id);
            let body =
                json!({"access_token": token, "expires_in": TOKEN_LIFE_S, "token_type": "Bearer"});
            received.answer(200, &body)
        }
        Err(reason) => {
            let body = json!({"error": "invalid_grant", "error_description": reason});
            (StatusCode::BAD_REQUEST, Json(body)).into_response()
        }
    }
}

fn check(form: &str, audience: &str) -> Result<(), &'static str> {
    let field = |name: &str| form.split('&').find_map(|pair| pair.strip_prefix(name));
    if field("grant_type=") != Some(GRANT) {
        return Err("unsupported grant_type");
    }
    let statement = field("assertion=").ok_or("no assertion")?;
    let (signed, signature) = statement.rsplit_once('.').ok_or("the assertion is no JWT")?;
    let (head, claims) = signed.split_once('.').ok_or("the assertion is no JWT")?;
    let head = decode(head).ok_or("the header cannot be read")?;
    if head["alg"] != "RS256" || head["kid"] != KEY_ID {
        return Err("the header names another algorithm or key");
    }
    let claims = decode(claims).ok_or("the claims cannot be read")?;
    let life = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat);
    if claims["iss"] != EMAIL || claims["aud"] != audience || claims["scope"] != SCOPE {
        return Err("issuer, audience or scope is wrong");
    }
    if !life.is_some_and(|life| (1..=MAX_LIFE_S).contains(&life)) {
        return Err("Token must be a short-lived token (60 minutes)");
    }
    let signature =
        URL_SAFE_NO_PAD.decode(signature).map_err(|_| "the signature cannot be read")?;
    let public = key().ok_or("there is no key")?.public_key();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public.as_ref())
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| "Invalid JWT Signature.")
}

fn decode(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
