//! `/threads/{thread}/runs/{run}/cancel`.

use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Value, json};

use super::ids::{self, shown};
use crate::{
    api::{caller::Caller, dialect::ApiResult},
    state::AppState,
};

/// One that is over already is no mistake.
pub(super) async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    Path((thread, run)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    let cancelled = async {
        let thread = ids::thread(&state, &caller, &thread).await?.id;
        let id = ids::run(&run)?;
        let cancelled = state.engine.cancel_run(&caller.context, &thread, &id).await?;
        Ok(json!({"thread_id": shown!(thread), "run_id": run, "cancelled": cancelled}))
    };
    cancelled.await.map(Json).map_err(|e| caller.fail(e))
}
