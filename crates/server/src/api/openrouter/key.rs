//! `GET /api/v1/key`, also at `/api/v1/auth/key`: the key that the call is made with.

use axum::{Json, extract::State};
use backstay_store::BudgetOf;
use serde_json::{Value, json};

use super::key_info::KeyInfo;
use crate::{
    api::{caller::Caller, dialect::ApiResult},
    state::AppState,
};

pub(crate) async fn own(State(state): State<AppState>, caller: Caller) -> ApiResult<Json<Value>> {
    let (engine, context) = (&state.engine, &caller.context);
    let found = async {
        let record = engine.key(context, context.key.as_str()).await?;
        let of_workspace = engine.budgets(context, BudgetOf::Workspace).await?;
        Ok(KeyInfo::of(engine, context, record).await?.own(&of_workspace))
    };
    found.await.map(|data| Json(json!({"data": data}))).map_err(|e| caller.fail(e))
}
