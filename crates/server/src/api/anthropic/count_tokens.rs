//! `POST /v1/messages/count_tokens`.

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Response, header},
};
use backstay_core::{Result, WireFormat};

use crate::{
    api::{body, caller::Caller, dialect::ApiResult},
    state::AppState,
};

pub(crate) async fn handle(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> ApiResult<Response<Body>> {
    count(&state, request).await.map_err(|error| caller.fail(error))
}

async fn count(state: &AppState, request: Request) -> Result<Response<Body>> {
    let bytes = body::read(request, state.body_bytes_max).await?;
    let request = backstay_wire::decode_token_count_request(&bytes)?;
    let counted = state.engine.count_tokens(&request).await?;
    let body = backstay_wire::encode_token_count(WireFormat::Anthropic, counted.tokens);
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if counted.estimated {
        headers.insert("x-backstay-estimated", HeaderValue::from_static("true"));
    }
    Ok(response)
}
