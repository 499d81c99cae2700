//! Vertex AI: the formats of Gemini and Anthropic behind Google's access tokens, and the endpoint that
//! gives these out.

mod claude;
mod gemini;
pub(crate) mod token;

use http::HeaderMap;

use crate::failure::Failure;
use crate::wire::bearer;

pub(crate) use claude::dispatch as dispatch_claude;
pub(crate) use gemini::{dispatch as dispatch_gemini, models};

/// How access tokens begin, at Google as here.
const TOKEN_PREFIX: &str = "ya29.";

fn authorize(headers: &HeaderMap) -> Result<(), Failure> {
    let message = "Request is missing required authentication credential. Expected OAuth 2 access \
                   token, login cookie or other valid authentication credential.";
    match bearer(headers) {
        Some(token) if token.starts_with(TOKEN_PREFIX) => Ok(()),
        Some(_) => Err(Failure::WrongKey),
        None => Err(Failure::MissingKey { message: message.to_owned() }),
    }
}
