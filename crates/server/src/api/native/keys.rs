//! `/backstay/v1/keys`: API keys of the workspace.

use axum::{
    Extension, Json,
    extract::{Path, Query, Request, State},
    http::StatusCode,
};
use backstay_core::{
    CallContext, KeyId, KeyScopes, RateLimit, Result, RoutingPolicy, Secret, Timestamp,
};
use backstay_engine::{Engine, KeyPatch, KeyRequest};
use backstay_store::{BudgetOf, BudgetRow, KeyRecord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    api::{
        body,
        caller::Caller,
        dialect::ApiResult,
        idempotency::HoldsSecret,
        native::{
            openapi::ErrorBody,
            page::{PageBody, PageQuery},
        },
    },
    state::AppState,
};

/// How long the text of a rotated key is still accepted unless told.
const GRACE_SECONDS: u32 = 86_400;

#[derive(Serialize, ToSchema)]
pub(crate) struct KeyBody {
    id: KeyId,
    /// SHA-256 of the key, in hexadecimal: its identity in OpenRouter's API.
    hash: String,
    /// The beginning and the end of the key, to tell it from others.
    label: String,
    name: String,
    created_at: Timestamp,
    updated_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    disabled_at: Option<Timestamp>,
    /// Until when the text that the key had before it was rotated is accepted.
    previous_until: Option<Timestamp>,
    scopes: KeyScopes,
    policy: RoutingPolicy,
    budgets: Vec<BudgetRow>,
    rate_limits: Vec<RateLimit>,
    allow_unpriced: bool,
    strict_budget: bool,
}

/// A key with its text, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuedKeyBody {
    /// The key itself. It is stored nowhere: keep it now.
    key: String,
    #[serde(flatten)]
    about: KeyBody,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateBody {
    /// How long the text that the key has now is still accepted: a day unless told.
    grace_seconds: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DeletedBody {
    id: KeyId,
    deleted: bool,
}

/// List the workspace's keys, oldest first.
#[utoipa::path(
    get,
    path = "/backstay/v1/keys",
    tag = "keys",
    params(PageQuery),
    responses((status = 200, body = PageBody<KeyBody>), (status = 400, body = ErrorBody))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<PageBody<KeyBody>>> {
    let engine = &state.engine;
    let context = &caller.context;
    let page = engine.list_keys(context, query.request()).await.map_err(|e| caller.fail(e))?;
    let mut items = Vec::with_capacity(page.items.len());
    for record in page.items {
        items.push(shown(engine, context, record).await.map_err(|e| caller.fail(e))?);
    }
    let page = backstay_store::Page { items, next: page.next };
    Ok(Json(PageBody::of(page, |key| key)))
}

/// Make a key; its text is in the answer and never shown again.
#[utoipa::path(
    post,
    path = "/backstay/v1/keys",
    tag = "keys",
    request_body = KeyRequest,
    responses((status = 201, body = IssuedKeyBody), (status = 400, body = ErrorBody))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> ApiResult<(StatusCode, Extension<HoldsSecret>, Json<IssuedKeyBody>)> {
    let created = async {
        let wanted: KeyRequest = body::read_json(request, state.body_bytes_max).await?;
        let (record, secret) = state.engine.create_key(&caller.context, wanted).await?;
        issued(&state.engine, &caller.context, record, &secret).await
    };
    let body = created.await.map_err(|e| caller.fail(e))?;
    Ok((StatusCode::CREATED, Extension(HoldsSecret), Json(body)))
}

/// One key.
#[utoipa::path(
    get,
    path = "/backstay/v1/keys/{id}",
    tag = "keys",
    params(("id" = String, Path)),
    responses((status = 200, body = KeyBody), (status = 404, body = ErrorBody))
)]
pub(crate) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<KeyBody>> {
    let found = async {
        let record = state.engine.key(&caller.context, &id).await?;
        shown(&state.engine, &caller.context, record).await
    };
    found.await.map(Json).map_err(|e| caller.fail(e))
}

/// The key that the call is made with.
#[utoipa::path(
    get,
    path = "/backstay/v1/key",
    tag = "keys",
    responses((status = 200, body = KeyBody))
)]
pub(crate) async fn own(State(state): State<AppState>, caller: Caller) -> ApiResult<Json<KeyBody>> {
    let found = async {
        let record = state.engine.key(&caller.context, caller.context.key.as_str()).await?;
        shown(&state.engine, &caller.context, record).await
    };
    found.await.map(Json).map_err(|e| caller.fail(e))
}

/// Rename, disable or limit a key.
#[utoipa::path(
    patch,
    path = "/backstay/v1/keys/{id}",
    tag = "keys",
    params(("id" = String, Path)),
    request_body = KeyPatch,
    responses(
        (status = 200, body = KeyBody),
        (status = 400, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)
    )
)]
pub(crate) async fn update(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> ApiResult<Json<KeyBody>> {
    let engine = &state.engine;
    let context = &caller.context;
    let changed = async {
        let patch: KeyPatch = body::read_json(request, state.body_bytes_max).await?;
        let id = engine.key(context, &id).await?.id;
        let record = engine.update_key(context, &id, patch).await?;
        shown(engine, context, record).await
    };
    changed.await.map(Json).map_err(|e| caller.fail(e))
}

/// Give a key another text; the one that it has goes on working for a while.
#[utoipa::path(
    post,
    path = "/backstay/v1/keys/{id}/rotate",
    tag = "keys",
    params(("id" = String, Path)),
    request_body = RotateBody,
    responses((status = 200, body = IssuedKeyBody), (status = 404, body = ErrorBody))
)]
pub(crate) async fn rotate(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> ApiResult<(Extension<HoldsSecret>, Json<IssuedKeyBody>)> {
    let engine = &state.engine;
    let context = &caller.context;
    let rotated = async {
        let wanted: RotateBody = body::read_json(request, state.body_bytes_max).await?;
        let grace = wanted.grace_seconds.unwrap_or(GRACE_SECONDS);
        let id = engine.key(context, &id).await?.id;
        let (record, secret) = engine.rotate_key(context, &id, grace).await?;
        issued(engine, context, record, &secret).await
    };
    let body = rotated.await.map_err(|e| caller.fail(e))?;
    Ok((Extension(HoldsSecret), Json(body)))
}

/// Take a key back for good; its calls stay in the ledger.
#[utoipa::path(
    delete,
    path = "/backstay/v1/keys/{id}",
    tag = "keys",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = DeletedBody),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)
    )
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<DeletedBody>> {
    let deleted = async {
        let id = state.engine.key(&caller.context, &id).await?.id;
        state.engine.delete_key(&caller.context, &id).await?;
        Ok(DeletedBody { id, deleted: true })
    };
    deleted.await.map(Json).map_err(|e| caller.fail(e))
}

async fn issued(
    engine: &Engine,
    context: &CallContext,
    record: KeyRecord,
    secret: &Secret,
) -> Result<IssuedKeyBody> {
    let about = shown(engine, context, record).await?;
    Ok(IssuedKeyBody { key: secret.expose().to_owned(), about })
}

async fn shown(engine: &Engine, context: &CallContext, record: KeyRecord) -> Result<KeyBody> {
    let budgets = engine.budgets(context, BudgetOf::Key(&record.id)).await?;
    let settings = record.settings;
    Ok(KeyBody {
        hash: record.token.hash_in_hex(),
        label: record.token.label(),
        id: record.id,
        name: settings.name,
        created_at: record.created_at,
        updated_at: record.updated_at,
        expires_at: settings.expires_at,
        disabled_at: record.disabled_at,
        previous_until: record.previous_until,
        scopes: settings.scopes,
        policy: settings.policy,
        budgets,
        rate_limits: settings.rate_limits,
        allow_unpriced: settings.allow_unpriced,
        strict_budget: settings.strict_budget,
    })
}
