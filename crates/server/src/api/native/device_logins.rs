//! `/backstay/v1/device-logins`: devices that log in, and what an operator makes of it.

use axum::{
    Json,
    extract::{Path, Request, State},
};
use backstay_core::Result;
use backstay_engine::KeyRequest;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::{body, caller::Caller, dialect::ApiResult, native::openapi::ErrorBody},
    state::AppState,
};

#[derive(Serialize, ToSchema)]
pub(crate) struct DecidedBody {
    user_code: String,
    approved: bool,
}

/// Let a device have a key of the workspace, which is made when the device fetches it. Unless told, it may
/// call models, use memory and read, but not manage.
#[utoipa::path(
    post,
    path = "/backstay/v1/device-logins/{user_code}/approve",
    tag = "keys",
    params(("user_code" = String, Path)),
    request_body = KeyRequest,
    responses(
        (status = 200, body = DecidedBody),
        (status = 400, body = ErrorBody),
        (status = 404, body = ErrorBody)
    )
)]
pub(crate) async fn approve(
    State(state): State<AppState>,
    caller: Caller,
    Path(user_code): Path<String>,
    request: Request,
) -> ApiResult<Json<DecidedBody>> {
    let approved = async {
        let wanted: KeyRequest = body::read_json(request, state.body_bytes_max).await?;
        state.engine.approve_device_login(&caller.context, &user_code, wanted).await
    };
    decided(approved.await, user_code, true, &caller)
}

/// Refuse a device a key.
#[utoipa::path(
    post,
    path = "/backstay/v1/device-logins/{user_code}/deny",
    tag = "keys",
    params(("user_code" = String, Path)),
    responses((status = 200, body = DecidedBody), (status = 404, body = ErrorBody))
)]
pub(crate) async fn deny(
    State(state): State<AppState>,
    caller: Caller,
    Path(user_code): Path<String>,
) -> ApiResult<Json<DecidedBody>> {
    decided(state.engine.deny_device_login(&user_code).await, user_code, false, &caller)
}

fn decided(
    outcome: Result<()>,
    user_code: String,
    approved: bool,
    caller: &Caller,
) -> ApiResult<Json<DecidedBody>> {
    outcome.map(|()| Json(DecidedBody { user_code, approved })).map_err(|e| caller.fail(e))
}
