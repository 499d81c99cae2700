//! What a provider's refusal means: its status, code and words become one of our error codes.

use backstay_core::{Error, ErrorCode, UpstreamError};

/// A provider's words are quoted up to this length.
const QUOTED_CHARACTERS_MAX: usize = 2_000;
/// Of what a provider wrote so much is kept.
const RAW_BYTES_MAX: usize = 4 * 1024;
/// How a message begins until the provider's name is known.
const UNNAMED: &str = "The provider";

/// An error object as a format's decoder found it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderError {
    pub message: Option<String>,
    /// The provider's own code or type, the more specific of the two; a number as its digits.
    pub code: Option<String>,
}

impl ProviderError {
    /// An error body that is not JSON: short plain text is quoted, a web page is not.
    pub(crate) fn from_text(body: &[u8]) -> Self {
        let text = std::str::from_utf8(body).unwrap_or_default().trim();
        let readable = !text.is_empty() && !text.starts_with(['<', '{', '[']);
        Self { message: readable.then(|| text.to_owned()), code: None }
    }
}

/// The error for an answer with an HTTP error status.
pub(crate) fn refused(
    provider: &str,
    status: u16,
    retry_after_ms: Option<u64>,
    (error, body): (&ProviderError, &[u8]),
) -> Error {
    let described = describe(provider, Some(status), error).with_retry_after_ms(retry_after_ms);
    let raw = raw_text(described.code(), &String::from_utf8_lossy(body));
    match described.upstream().cloned() {
        Some(upstream) => described.with_upstream(UpstreamError { raw, ..upstream }),
        None => described,
    }
}

/// Some providers repeat the key in what they say of it, and a web page is no word of a provider's.
fn raw_text(code: ErrorCode, text: &str) -> Option<String> {
    let text = text.trim();
    let is_told =
        code != ErrorCode::UpstreamAuthentication && !text.is_empty() && !text.starts_with('<');
    is_told.then(|| text[..text.floor_char_boundary(RAW_BYTES_MAX)].to_owned())
}

/// The error for an error object inside an answer that began with status 200. Its provider is
/// filled in by [`name_provider`], because a format's decoder does not know it.
pub(crate) fn in_answer(error: &ProviderError) -> Error {
    describe(UNNAMED, None, error)
}

/// The error for an answer that is not what the format says.
pub(crate) fn malformed(what: impl std::fmt::Display, context: impl Into<String>) -> Error {
    Error::new(ErrorCode::UpstreamInvalidResponse, format!("{UNNAMED} sent {what}"))
        .with_context(context)
}

/// The error for a stream that ended before its answer did.
pub(crate) fn broken_stream() -> Error {
    Error::new(
        ErrorCode::UpstreamStreamBroken,
        format!(
            "{UNNAMED} ended its stream before the answer was complete; what arrived is all there is"
        ),
    )
}

/// Puts the provider's name into an error that a decoder made without knowing it.
pub(crate) fn name_provider(error: Error, provider: &str) -> Error {
    let named = error.message().strip_prefix(UNNAMED).map(|rest| format!("{provider}{rest}"));
    let known = error.upstream();
    let upstream = UpstreamError {
        provider: provider.to_owned(),
        status: known.and_then(|upstream| upstream.status),
        code: known.and_then(|upstream| upstream.code.clone()),
        raw: known.and_then(|upstream| upstream.raw.clone()),
    };
    let error = match named {
        Some(message) => error.with_message(message),
        None => error,
    };
    error.with_upstream(upstream)
}

fn describe(provider: &str, status: Option<u16>, error: &ProviderError) -> Error {
    let code = classify(status, error);
    let answered = status.map(|status| format!(" (HTTP {status})")).unwrap_or_default();
    let quoted = match &error.message {
        Some(message) => format!(": {}", shortened(message)),
        None => " and gave no reason".to_owned(),
    };
    let message = match code {
        // Some providers repeat the key in their message, so this one is not quoted.
        ErrorCode::UpstreamAuthentication if is_unpaid(status, error) => format!(
            "{provider} wants payment{answered}: check the balance of the account that its API key belongs to"
        ),
        ErrorCode::UpstreamAuthentication => format!(
            "{provider} did not accept the API key that Backstay has for it{answered}: check that key"
        ),
        ErrorCode::UpstreamModelNotFound => {
            format!("{provider} does not have this model, or not for this key{answered}{quoted}")
        }
        ErrorCode::UpstreamRateLimited => {
            format!("{provider} limits how much it is called{answered}{quoted}")
        }
        ErrorCode::UpstreamOverloaded => format!("{provider} is overloaded{answered}{quoted}"),
        ErrorCode::UpstreamContextLength => {
            format!("{provider} cannot take a conversation of this length{answered}{quoted}")
        }
        ErrorCode::UpstreamRejected => format!("{provider} rejected the request{answered}{quoted}"),
        _ => format!("{provider} failed{answered}{quoted}"),
    };
    let raw = error.message.as_deref().and_then(|said| raw_text(code, said));
    let upstream =
        UpstreamError { provider: provider.to_owned(), status, code: error.code.clone(), raw };
    Error::new(code, message).with_upstream(upstream)
}

fn classify(status: Option<u16>, error: &ProviderError) -> ErrorCode {
    let code = error.code.as_deref().unwrap_or_default();
    // Providers that report an error inside a stream often put the HTTP status into its code.
    let status = status.or_else(|| code.parse().ok());
    let told = by_words(error).or_else(|| by_code(code));
    match status {
        Some(401..=403) => ErrorCode::UpstreamAuthentication,
        Some(404) => ErrorCode::UpstreamModelNotFound,
        Some(429) => ErrorCode::UpstreamRateLimited,
        Some(503 | 529) => ErrorCode::UpstreamOverloaded,
        // 424 is Bedrock's word for a failure of the model itself.
        Some(408 | 424) => ErrorCode::UpstreamError,
        Some(400..=499) => told.unwrap_or(ErrorCode::UpstreamRejected),
        Some(_) => match told {
            Some(ErrorCode::UpstreamOverloaded) => ErrorCode::UpstreamOverloaded,
            _ => ErrorCode::UpstreamError,
        },
        None => told.unwrap_or(ErrorCode::UpstreamError),
    }
}

fn by_code(code: &str) -> Option<ErrorCode> {
    Some(match code.to_ascii_lowercase().as_str() {
        "context_length_exceeded"
        | "max_tokens_exceeded"
        | "token_limit_exceeded"
        | "exceed_context_size_error" => ErrorCode::UpstreamContextLength,
        "rate_limit_exceeded"
        | "rate_limit_error"
        | "insufficient_quota"
        | "resource_exhausted"
        | "too_many_requests"
        | "throttlingexception"
        | "error_limit" => ErrorCode::UpstreamRateLimited,
        "overloaded_error"
        | "overloaded"
        | "server_overloaded"
        | "unavailable"
        | "provider_overloaded"
        | "service_unavailable"
        | "serviceunavailableexception"
        | "modelnotreadyexception" => ErrorCode::UpstreamOverloaded,
        "authentication_error"
        | "permission_error"
        | "invalid_api_key"
        | "unauthenticated"
        | "permission_denied"
        | "api_key_invalid"
        | "billing_error"
        | "payment_required"
        | "accessdeniedexception" => ErrorCode::UpstreamAuthentication,
        "not_found_error"
        | "model_not_found"
        | "not_found"
        | "deploymentnotfound"
        | "resourcenotfoundexception" => ErrorCode::UpstreamModelNotFound,
        "invalid_request_error"
        | "invalid_argument"
        | "invalid_request"
        | "failed_precondition"
        | "request_too_large"
        | "content_filter"
        | "content_policy_violation"
        | "responsibleaipolicyviolation"
        | "validationexception" => ErrorCode::UpstreamRejected,
        _ => return None,
    })
}

/// Conditions for which providers have no code of their own, or one that says less.
fn by_words(error: &ProviderError) -> Option<ErrorCode> {
    const TOO_LONG: [&str; 10] = [
        "context length",
        "context_length",
        "context window",
        "context size",
        "maximum context",
        "prompt is too long",
        "input is too long",
        "input token count",
        "too many tokens in",
        "too many tokens:",
    ];
    const BAD_KEY: [&str; 3] = ["api key not valid", "invalid api key", "incorrect api key"];
    let message = error.message.as_deref()?.to_ascii_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    if says(&TOO_LONG) {
        return Some(ErrorCode::UpstreamContextLength);
    }
    says(&BAD_KEY).then_some(ErrorCode::UpstreamAuthentication)
}

fn is_unpaid(status: Option<u16>, error: &ProviderError) -> bool {
    status == Some(402)
        || matches!(error.code.as_deref(), Some("402" | "billing_error" | "payment_required"))
}

fn shortened(text: &str) -> &str {
    let end = text.char_indices().nth(QUOTED_CHARACTERS_MAX).map_or(text.len(), |(end, _)| end);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str, code: &str) -> ProviderError {
        ProviderError {
            message: Some(message.to_owned()),
            code: (!code.is_empty()).then(|| code.to_owned()),
        }
    }

    #[test]
    fn status_code_and_words_decide_what_a_refusal_means() {
        let cases = [
            (Some(401), "Incorrect API key provided", "", ErrorCode::UpstreamAuthentication),
            (
                Some(400),
                "API key not valid.",
                "INVALID_ARGUMENT",
                ErrorCode::UpstreamAuthentication,
            ),
            (Some(402), "no credit", "", ErrorCode::UpstreamAuthentication),
            (Some(404), "no such model", "model_not_found", ErrorCode::UpstreamModelNotFound),
            (Some(400), "x does not exist", "model_not_found", ErrorCode::UpstreamModelNotFound),
            (Some(400), "too long", "context_length_exceeded", ErrorCode::UpstreamContextLength),
            (
                Some(400),
                "prompt is too long: 9 > 8",
                "invalid_request_error",
                ErrorCode::UpstreamContextLength,
            ),
            (
                Some(400),
                "The input token count (9) exceeds",
                "INVALID_ARGUMENT",
                ErrorCode::UpstreamContextLength,
            ),
            (Some(413), "tokens per minute", "rate_limit_exceeded", ErrorCode::UpstreamRateLimited),
            (Some(413), "too large", "request_too_large", ErrorCode::UpstreamRejected),
            (Some(408), "", "", ErrorCode::UpstreamError),
            (Some(504), "", "", ErrorCode::UpstreamError),
            (Some(424), "the model failed", "ModelErrorException", ErrorCode::UpstreamError),
            (Some(400), "filtered", "content_filter", ErrorCode::UpstreamRejected),
            (
                Some(404),
                "no such deployment",
                "DeploymentNotFound",
                ErrorCode::UpstreamModelNotFound,
            ),
            (None, "slow down", "throttlingException", ErrorCode::UpstreamRateLimited),
            (Some(400), "too many tokens: 5000 exceed 4096", "", ErrorCode::UpstreamContextLength),
            (Some(422), "bad field", "", ErrorCode::UpstreamRejected),
            (Some(429), "slow down", "", ErrorCode::UpstreamRateLimited),
            (Some(529), "", "overloaded_error", ErrorCode::UpstreamOverloaded),
            (Some(500), "", "overloaded_error", ErrorCode::UpstreamOverloaded),
            (Some(500), "", "server_error", ErrorCode::UpstreamError),
            (None, "", "overloaded_error", ErrorCode::UpstreamOverloaded),
            (None, "", "429", ErrorCode::UpstreamRateLimited),
            (None, "", "invalid_request_error", ErrorCode::UpstreamRejected),
            (None, "who knows", "", ErrorCode::UpstreamError),
        ];
        for (status, message, code, expected) in cases {
            assert_eq!(
                classify(status, &said(message, code)),
                expected,
                "{status:?} {message} {code}"
            );
        }
    }

    #[test]
    fn a_refused_key_is_explained_without_repeating_what_the_provider_said() {
        let error = refused(
            "openai",
            401,
            None,
            (&said("Incorrect API key provided: sk-secret", ""), b"sk-secret"),
        );
        assert!(error.message().contains("openai") && error.message().contains("check that key"));
        assert!(!error.message().contains("sk-secret"));
        assert_eq!(error.upstream().and_then(|upstream| upstream.status), Some(401));
        assert_eq!(error.upstream().and_then(|upstream| upstream.raw.as_deref()), None);
    }

    #[test]
    fn what_a_provider_wrote_is_kept_within_bounds_unless_it_is_a_web_page() {
        let raw = |body: &str| {
            let error = refused("p", 500, None, (&said("broken", ""), body.as_bytes()));
            error.upstream().and_then(|upstream| upstream.raw.clone())
        };
        assert_eq!(raw(" {\"why\": 1} ").as_deref(), Some("{\"why\": 1}"));
        assert_eq!(raw(&"ä".repeat(3_000)).map(|text| text.len()), Some(RAW_BYTES_MAX));
        assert_eq!(raw("<html>gateway</html>"), None);
        assert_eq!(raw(""), None);
    }

    #[test]
    fn an_error_inside_a_stream_gets_its_providers_name() {
        let error = name_provider(in_answer(&said("Overloaded", "overloaded_error")), "anthropic");
        assert_eq!(error.message(), "anthropic is overloaded: Overloaded");
        let upstream = error.upstream().unwrap();
        assert_eq!((upstream.provider.as_str(), upstream.status), ("anthropic", None));
        assert_eq!(upstream.code.as_deref(), Some("overloaded_error"));
        assert_eq!(upstream.raw.as_deref(), Some("Overloaded"));
    }
}
