//! `POST /v1/rerank` and `/api/v1/rerank`.

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Response, header},
};
use backstay_core::Result;

use crate::{
    api::{body, caller::Caller, dialect::ApiResult},
    state::AppState,
};

pub(crate) async fn handle(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> ApiResult<Response<Body>> {
    rank(&state, &caller, request).await.map_err(|error| caller.fail(error))
}

async fn rank(state: &AppState, caller: &Caller, request: Request) -> Result<Response<Body>> {
    let bytes = body::read(request, state.body_bytes_max).await?;
    let request = backstay_wire::decode_rerank_request(&bytes)?;
    let reply = state.engine.rerank(&caller.context, request.clone()).await?;
    let body = backstay_wire::encode_rerank_reply(&reply, &request);
    let mut response = Response::new(Body::from(body));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}
