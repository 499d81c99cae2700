//! `POST /v1/embeddings`.

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
    embed(&state, &caller, request).await.map_err(|error| caller.fail(error))
}

async fn embed(state: &AppState, caller: &Caller, request: Request) -> Result<Response<Body>> {
    let bytes = body::read(request, state.body_bytes_max).await?;
    let request = backstay_wire::decode_embedding_request(&bytes)?;
    let (encoding, model) = (request.encoding, request.model.clone());
    let Settled { reply, settlement } = state.engine.embed(&caller.context, request).await?;
    let told = caller.spoken.at_openrouter.then_some(&settlement);
    let body = backstay_wire::encode_embedding_reply(&reply, encoding, &model, told);
    Ok(answer::settled(body, Some(&settlement.generation)))
}
