//! `/backstay/v1/memories/forget`: deleting for good, and saying before what goes along.

use axum::{
    Json,
    extract::{Request, State},
};
use backstay_core::{Error, Name, Result, memory::RecalledId};
use backstay_store::Forgotten;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::scope;
use crate::{
    api::{body, caller::Caller, dialect::ApiResult, native::openapi::ErrorBody},
    state::AppState,
};

/// One call forgets no more than this.
const FORGET_MAX: usize = 10_000;

/// Either `ids`, or `source` with, if it is not to be the whole workspace, an assistant or a user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForgetBody {
    /// Turns (`ep_…`) and statements (`mem_…`).
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    ids: Vec<RecalledId>,
    /// Everything that came from here, such as `import:mem0` or `learned`.
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    assistant: Option<Name>,
    #[serde(default)]
    user: Option<Name>,
    /// Only say what would go.
    #[serde(default)]
    preview: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ForgottenBody {
    /// False for a preview.
    done: bool,
    /// Turns and statements, those that were named and those that go along. Ids that are not there
    /// are not counted.
    forgotten: usize,
    #[serde(flatten)]
    what: Forgotten,
}

/// Delete memories for good, with the statements, summaries and vectors that were made of them.
#[utoipa::path(
    post,
    path = "/backstay/v1/memories/forget",
    tag = "memories",
    request_body = ForgetBody,
    responses((status = 200, body = ForgottenBody), (status = 400, body = ErrorBody))
)]
pub(crate) async fn forget(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> ApiResult<Json<ForgottenBody>> {
    forget_memories(&state, &caller, request).await.map(Json).map_err(|e| caller.fail(e))
}

async fn forget_memories(
    state: &AppState,
    caller: &Caller,
    request: Request,
) -> Result<ForgottenBody> {
    let body: ForgetBody = body::read_json(request, state.body_bytes_max).await?;
    if body.ids.len() > FORGET_MAX {
        let message = format!("one call forgets at most {FORGET_MAX} memories; send several");
        return Err(Error::invalid(message).with_parameter("ids"));
    }
    let workspace = &caller.context.workspace;
    let store = state.engine.store().workspace(workspace);
    let now = state.engine.clock().now();
    let is_whole = body.assistant.is_none() && body.user.is_none();
    let what = match (&body.source, body.preview) {
        (Some(_), _) if !body.ids.is_empty() => {
            let message = "send `ids` or `source`, not both: it is not clear which is meant";
            return Err(Error::invalid(message).with_parameter("source"));
        }
        (None, true) => store.forget_preview(&body.ids).await?,
        (None, false) => state.engine.memory().forget(workspace, &body.ids, now).await?,
        (Some(source), preview) => {
            let scope = (!is_whole).then(|| scope(body.assistant, body.user));
            match preview {
                true => store.purge_source_preview(source, scope.as_ref()).await?,
                false => store.purge_source(source, scope.as_ref(), now).await?,
            }
        }
    };
    Ok(ForgottenBody { done: !body.preview, forgotten: what.count(), what })
}
