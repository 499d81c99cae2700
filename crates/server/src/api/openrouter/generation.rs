//! `GET /api/v1/generation?id=`: one model call, with what it cost.

use axum::{Json, extract::State, http::Uri};
use backstay_core::{
    CallContext, Error, ErrorCode, GenerationId, KeyScope, Money, Result, WorkspaceId,
    chat::SettlementStatus,
};
use backstay_store::{AttemptRow, GenerationRow};
use serde::Deserialize;
use serde_json::{Value, json};

use super::dollars::number;
use crate::{
    api::{caller::Caller, dialect::ApiResult, query},
    state::AppState,
};

#[derive(Deserialize)]
pub(crate) struct GenerationQuery {
    #[serde(default)]
    id: String,
}

pub(crate) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> ApiResult<Json<Value>> {
    let found = async {
        let query: GenerationQuery = query::read(&uri)?;
        find(&state, &caller.context, &query.id).await
    };
    let row = found.await.map_err(|e| caller.fail(e))?;
    Ok(Json(json!({"data": data(&caller.context.workspace, &row)})))
}

/// A key that does no more than call models sees its own calls only; of others it hears what it would
/// hear if there were none.
async fn find(state: &AppState, context: &CallContext, id: &str) -> Result<GenerationRow> {
    let missing = || Error::new(ErrorCode::NotFound, format!("there is no generation {id:?}"));
    let parsed = GenerationId::parse(id).ok_or_else(missing)?;
    let store = state.engine.store().workspace(&context.workspace);
    let sees_all =
        [KeyScope::Read, KeyScope::Manage].into_iter().any(|scope| context.scopes.contains(scope));
    let found = store.generation(&parsed).await?;
    found.filter(|row| sees_all || row.key == context.key).ok_or_else(missing)
}

fn data(workspace: &WorkspaceId, row: &GenerationRow) -> Value {
    let usage = row.usage.as_ref();
    let prompt = usage.map(|usage| usage.prompt_tokens);
    let completion = usage.map(|usage| usage.completion_tokens);
    let cost = number(row.cost.unwrap_or(Money::ZERO));
    let reported = usage.and_then(|usage| usage.provider_cost).map(number);
    let after_first = row.latency_ms.zip(row.first_token_ms);
    let generation_time = after_first.map(|(all, first)| all.saturating_sub(first));
    let responses: Vec<Value> = row.attempts.iter().map(response).collect();
    let mut body = json!({
        "id": row.id,
        "request_id": row.request,
        "session_id": row.thread,
        "created_at": row.started_at,
        "model": row.model.as_deref().unwrap_or(&row.requested_model),
        "provider_name": row.provider,
        "provider_responses": responses,
        "streamed": row.stream,
        "cancelled": row.status == SettlementStatus::Cancelled,
        "finish_reason": finish_reason(row),
        "native_finish_reason": row.native_finish_reason,
        "latency": row.first_token_ms.or(row.latency_ms),
        "generation_time": generation_time,
        "tokens_prompt": prompt,
        "tokens_completion": completion,
        "native_tokens_prompt": prompt,
        "native_tokens_completion": completion,
        "native_tokens_reasoning": usage.map(|usage| usage.reasoning_tokens),
        "native_tokens_completion_images": usage.map(|usage| usage.image_completion_tokens),
        "num_media_prompt": usage.map(|usage| usage.prompt_images),
        "native_tokens_cached": usage.map(|usage| usage.cached_prompt_tokens),
        "usage": cost,
        "total_cost": cost,
        "upstream_inference_cost": reported,
        "is_byok": false,
        "external_user": row.user,
        "response_cache_source_id": row.cached_from,
        "workspace_id": workspace,
        "data_region": "global",
        "origin": "",
    });
    for name in UNKNOWN {
        body[name] = Value::Null;
    }
    body
}

/// An answer that failed ended with an error, as its stream said.
fn finish_reason(row: &GenerationRow) -> Option<&str> {
    let is_failed = row.status == SettlementStatus::Failed;
    row.finish_reason.as_deref().or(is_failed.then_some("error"))
}

/// Keys that clients require and that nothing is known for here.
const UNKNOWN: [&str; 15] = [
    "api_type",
    "app_id",
    "cache_discount",
    "http_referer",
    "moderation_latency",
    "num_fetches",
    "num_input_audio_prompt",
    "num_media_completion",
    "num_search_results",
    "preset_id",
    "router",
    "service_tier",
    "upstream_id",
    "user_agent",
    "web_search_engine",
];

fn response(row: &AttemptRow) -> Value {
    let attempt = &row.attempt;
    // An answer that came has the status that it began with.
    let status = attempt.http_status.or(attempt.error_code.is_none().then_some(200));
    json!({
        "provider_name": attempt.provider,
        "model_permaslug": attempt.model,
        "endpoint_id": format!("{}/{}", attempt.provider, attempt.model),
        "status": status,
        "latency": attempt.duration_ms,
        "is_byok": false,
    })
}
