//! `/backstay/v1/jobs`: work that waits or was given up on.

use axum::{
    Json,
    extract::{Path, Query, State},
};
use backstay_core::{Error, ErrorCode, JobId, Result};
use backstay_store::{JobRow, JobState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    api::{
        caller::Caller,
        dialect::ApiResult,
        native::{
            openapi::ErrorBody,
            page::{PageBody, PageQuery},
        },
    },
    state::AppState,
};

#[derive(Deserialize, IntoParams)]
pub(crate) struct JobsQuery {
    /// All unless told.
    #[param(inline)]
    state: Option<JobState>,
    limit: Option<usize>,
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DoneBody {
    id: JobId,
    done: bool,
}

/// List jobs: learning that waits (`ready`), is under way (`leased`) or failed too often (`dead`).
#[utoipa::path(
    get,
    path = "/backstay/v1/jobs",
    tag = "operation",
    params(JobsQuery),
    responses((status = 200, body = PageBody<JobRow>), (status = 400, body = ErrorBody))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<JobsQuery>,
) -> ApiResult<Json<PageBody<JobRow>>> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.request();
    let store = state.engine.store().workspace(&caller.context.workspace);
    let found = store.list_jobs(query.state, page).await.map_err(|e| caller.fail(e))?;
    Ok(Json(PageBody::of(found, |job| job)))
}

/// Try a dead job again, as if it had never failed.
#[utoipa::path(
    post,
    path = "/backstay/v1/jobs/{id}/retry",
    tag = "operation",
    params(("id" = String, Path)),
    responses((status = 200, body = DoneBody), (status = 404, body = ErrorBody))
)]
pub(crate) async fn retry(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<DoneBody>> {
    let id = parsed(&id).map_err(|e| caller.fail(e))?;
    let store = state.engine.store().workspace(&caller.context.workspace);
    let now = state.engine.clock().now();
    match store.replay_job(&id, now).await.map_err(|e| caller.fail(e))? {
        true => Ok(Json(DoneBody { id, done: true })),
        false => Err(caller.fail(Error::new(
            ErrorCode::NotFound,
            format!("there is no dead job {id}; only those that failed too often are tried again"),
        ))),
    }
}

/// Give a job up, whatever its state.
#[utoipa::path(
    delete,
    path = "/backstay/v1/jobs/{id}",
    tag = "operation",
    params(("id" = String, Path)),
    responses((status = 200, body = DoneBody), (status = 404, body = ErrorBody))
)]
pub(crate) async fn discard(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<DoneBody>> {
    let id = parsed(&id).map_err(|e| caller.fail(e))?;
    let store = state.engine.store().workspace(&caller.context.workspace);
    match store.discard_job(&id).await.map_err(|e| caller.fail(e))? {
        true => Ok(Json(DoneBody { id, done: true })),
        false => Err(caller.fail(missing(id.as_str()))),
    }
}

fn parsed(id: &str) -> Result<JobId> {
    JobId::parse(id).ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("there is no job {id}"))
}
