//! `POST /backstay/v1/conversations`: a session that took place elsewhere, into memory.

use axum::{
    Json,
    extract::{Request, State},
};
use backstay_engine::{ImportReport, ImportRequest};

use super::openapi::ErrorBody;
use crate::{
    api::{body, caller::Caller, dialect::ApiResult},
    state::AppState,
};

/// Bring a conversation that took place elsewhere into memory. Doing it again adds only what is new.
#[utoipa::path(
    post,
    path = "/backstay/v1/conversations",
    tag = "memories",
    request_body = ImportRequest,
    responses((status = 200, body = ImportReport), (status = 400, body = ErrorBody))
)]
pub(crate) async fn import(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> ApiResult<Json<ImportReport>> {
    let import = async {
        let body: ImportRequest = body::read_json(request, state.body_bytes_max).await?;
        state.engine.import(&caller.context, body).await
    };
    import.await.map(Json).map_err(|error| caller.fail(error))
}
