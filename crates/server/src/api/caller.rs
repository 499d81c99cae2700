//! The authenticated caller of a request. A handler that does not take it can reach nothing.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use backstay_core::{CallContext, Error, RequestId};

use crate::{
    api::{
        access,
        dialect::{ApiError, ApiResult, Spoken},
    },
    state::AppState,
};

pub(crate) struct Caller {
    pub(crate) context: CallContext,
    pub(crate) spoken: Spoken,
}

impl Caller {
    pub(crate) fn fail(&self, error: Error) -> ApiError {
        ApiError { form: self.spoken.errors, request: self.context.request.clone(), error }
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> ApiResult<Self> {
        let spoken = Spoken::of_path(parts.uri.path());
        let request =
            parts.extensions.get::<RequestId>().cloned().unwrap_or_else(RequestId::unknown);
        let key = presented_key(&parts.headers);
        let access = access::of_request(parts);
        match state.engine.admission().admit(key, request.clone(), access).await {
            Ok(context) => Ok(Self { context, spoken }),
            Err(error) => Err(ApiError { form: spoken.errors, request, error }),
        }
    }
}

/// Clients of either dialect send the key in either header; agents do both at once.
pub(crate) fn presented_key(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION.as_str()).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(key)
    });
    bearer.or_else(|| text("x-api-key"))
}
