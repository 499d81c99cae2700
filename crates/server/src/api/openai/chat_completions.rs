//! `POST /v1/chat/completions`, `/v1/completions` and `/v1/responses`, each in the dialect of its path.

use axum::{
    body::Body,
    extract::{Request, State},
    http::Response,
};

use crate::{
    api::{caller::Caller, chat, dialect::ApiResult},
    state::AppState,
};

pub(crate) async fn handle(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> ApiResult<Response<Body>> {
    chat::handle(&state, &caller, request).await.map_err(|error| caller.fail(error))
}
