//! `/backstay/v1/memories/stats`: how much is remembered.

use axum::{
    Json,
    extract::{Query, State},
};
use backstay_core::{Name, Result};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    api::{
        caller::Caller,
        dialect::ApiResult,
        native::{openapi::ErrorBody, page::ListBody},
    },
    state::AppState,
};

#[derive(Deserialize, IntoParams)]
pub(crate) struct StatsQuery {
    /// All assistants unless told.
    assistant: Option<Name>,
    /// All users unless told.
    user: Option<Name>,
}

/// What one assistant remembers of one user.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScopeStats {
    assistant: Name,
    user: Option<Name>,
    turns: u64,
    statements: StatementStats,
}

/// Statements by what has become of them.
#[derive(Serialize, ToSchema)]
struct StatementStats {
    active: u64,
    quarantined: u64,
    superseded: u64,
    retracted: u64,
}

/// Count what is remembered, by assistant and user.
#[utoipa::path(
    get,
    path = "/backstay/v1/memories/stats",
    tag = "memories",
    params(StatsQuery),
    responses((status = 200, body = ListBody<ScopeStats>), (status = 400, body = ErrorBody))
)]
pub(crate) async fn stats(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<StatsQuery>,
) -> ApiResult<Json<ListBody<ScopeStats>>> {
    let counted = count(&state, &caller, &query).await.map_err(|e| caller.fail(e))?;
    Ok(Json(ListBody { data: counted }))
}

async fn count(state: &AppState, caller: &Caller, query: &StatsQuery) -> Result<Vec<ScopeStats>> {
    let store = state.engine.store().workspace(&caller.context.workspace);
    let mut counted = Vec::new();
    for (scope, turns) in store.scopes().await? {
        let is_wanted = query.assistant.as_ref().is_none_or(|name| scope.assistant == *name)
            && query.user.as_ref().is_none_or(|name| scope.user.as_ref() == Some(name));
        if is_wanted {
            let found = store.statement_counts(&scope).await?;
            counted.push(ScopeStats {
                assistant: scope.assistant,
                user: scope.user,
                turns,
                statements: StatementStats {
                    active: found.active,
                    quarantined: found.quarantined,
                    superseded: found.superseded,
                    retracted: found.retracted,
                },
            });
        }
    }
    Ok(counted)
}
