//! `/backstay/v1/route/explain`: which endpoints would serve a call, in which order, and why.

use axum::{
    Json,
    extract::{Request, State},
};
use backstay_core::Result;
use backstay_routing::{ConversationKey, RouterTrace};
use backstay_wire::Dialect;
use serde_json::{Map, Value, json};

use crate::{
    api::{body, caller::Caller, dialect::ApiResult, native::openapi::ErrorBody},
    state::AppState,
};

/// Explain how a call would be routed: every endpoint that its models stand for, what removed it or
/// which place it has and why, its health and what the call is expected to cost there. Takes the body
/// of `/v1/chat/completions`, in which `messages` may be left out; calls nothing.
#[utoipa::path(
    post,
    path = "/backstay/v1/route/explain",
    tag = "operation",
    request_body = Object,
    responses(
        (status = 200, body = RouterTrace),
        (status = 400, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "No such model, or filters leave nothing")
    )
)]
pub(crate) async fn explain(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> ApiResult<Json<RouterTrace>> {
    let explained = explained(&state, &caller, request).await.map_err(|e| caller.fail(e))?;
    Ok(Json(explained))
}

async fn explained(state: &AppState, caller: &Caller, request: Request) -> Result<RouterTrace> {
    let mut members: Map<String, Value> = body::read_json(request, state.body_bytes_max).await?;
    members.entry("messages").or_insert_with(|| json!([{"role": "user", "content": ""}]));
    let text = Value::Object(members).to_string();
    let mut chat = backstay_wire::decode_request(Dialect::OpenAi, text.as_bytes())?.request;
    chat.routing.trace = true;
    let (engine, context) = (&state.engine, &caller.context);
    engine.router().apply_policies(context, &mut chat);
    let conversation = ConversationKey::of(&context.workspace, &chat);
    let plan = engine.plan(context, &chat, conversation)?;
    plan.trace.ok_or_else(|| backstay_core::Error::internal("a plan without its trace"))
}
