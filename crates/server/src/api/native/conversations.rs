//! `POST /backstay/v1/conversations`: a session that took place elsewhere, into memory.

use axum::{
    Json,
    extract::{Request, State},
};
use backstay_engine::{ImportReport, ImportRequest};

use crate::{
    api::{body, caller::Caller, dialect::ApiResult},
    state::AppState,
};

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
