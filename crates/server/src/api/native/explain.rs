//! `/backstay/v1/memories/explain`: why a memory is recalled, and why another is not.

use axum::{
    Json,
    extract::{Request, State},
};
use backstay_core::{
    Error, Name, Result,
    memory::{RecallFilter, RecalledId, Scope},
};
use backstay_memory::{Explanation, Profile, RecallOptions};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    api::{body, caller::Caller, dialect::ApiResult, native::openapi::ErrorBody},
    state::AppState,
};

const LIMIT_MAX: usize = 100;
const ASKED_MAX: usize = 100;
const BUDGET_TOKENS_MAX: u64 = 1_000_000;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainBody {
    /// The question that memories are recalled for.
    query: String,
    #[serde(default)]
    assistant: Option<Name>,
    #[serde(default)]
    user: Option<Name>,
    /// Memories whose fate is asked for, wherever they rank; 100 at most.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    ids: Vec<RecalledId>,
    /// How many of the best are explained: 1 to 100, 10 by default.
    #[serde(default)]
    limit: Option<usize>,
    /// Tokens that what is recalled may take; 1,000 by default.
    #[serde(default)]
    budget_tokens: Option<u64>,
    /// How turns are ranked; chosen by what the scope's turns look like by default.
    #[serde(default)]
    profile: Option<Profile>,
    #[serde(default)]
    filter: RecallFilter,
}

/// Explain a recall: what speaks for each of the best memories and what became of it, and why those
/// that you name are not recalled. Recalls nothing into a prompt and changes nothing.
#[utoipa::path(
    post,
    path = "/backstay/v1/memories/explain",
    tag = "memories",
    request_body = ExplainBody,
    responses((status = 200, body = Explanation), (status = 400, body = ErrorBody))
)]
pub(crate) async fn explain(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> ApiResult<Json<Explanation>> {
    let explained = explained(&state, &caller, request).await.map_err(|e| caller.fail(e))?;
    Ok(Json(explained))
}

async fn explained(state: &AppState, caller: &Caller, request: Request) -> Result<Explanation> {
    let body: ExplainBody = body::read_json(request, state.body_bytes_max).await?;
    let limit = body.limit.unwrap_or(10);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let message = format!("limit must be between 1 and {LIMIT_MAX}");
        return Err(Error::invalid(message).with_parameter("limit"));
    }
    if body.ids.len() > ASKED_MAX {
        let message = format!("one call asks about at most {ASKED_MAX} memories; send several");
        return Err(Error::invalid(message).with_parameter("ids"));
    }
    let mut options = RecallOptions::at(state.engine.clock().now());
    if let Some(budget_tokens) = body.budget_tokens {
        if !(1..=BUDGET_TOKENS_MAX).contains(&budget_tokens) {
            let message = format!("budget_tokens must be between 1 and {BUDGET_TOKENS_MAX}");
            return Err(Error::invalid(message).with_parameter("budget_tokens"));
        }
        options.budget_tokens = budget_tokens;
    }
    options.profile = body.profile;
    options.filter = body.filter;
    let assistant = body.assistant.unwrap_or_else(Name::default_assistant);
    let scope = Scope { assistant, user: body.user };
    let (workspace, memory) = (&caller.context.workspace, state.engine.memory());
    memory.explain(workspace, &scope, &body.query, options, body.ids, limit).await
}
