//! `POST /v1/rerank` and `/api/v1/rerank`.

use axum::{
    body::Body,
    extract::{Request, State},
    http::Response,
};
use backstay_core::Result;
use backstay_engine::Settled;

use crate::{
    api::{answer, body, caller::Caller, dialect::ApiResult},
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
    let ranked = state.engine.rerank(&caller.context, request.clone()).await?;
    let Settled { reply, settlement } = ranked;
    let told = caller.spoken.at_openrouter.then_some(&settlement);
    let body = backstay_wire::encode_rerank_reply(&reply, &request, told);
    Ok(answer::settled(body, Some(&settlement.generation)))
}
