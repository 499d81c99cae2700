//! `/api/v1/keys`: keys of the workspace, named by their hash.

use axum::{
    Extension, Json,
    extract::{Path, Request, State},
    http::{StatusCode, Uri},
};
use backstay_core::{Budget, BudgetPeriod, CallContext, Error, Result, Timestamp};
use backstay_engine::{Engine, KeyPatch, KeyRequest};
use backstay_store::{KeyRecord, PageRequest};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{dollars, key_info::KeyInfo};
use crate::{
    api::{body, caller::Caller, dialect::ApiResult, idempotency::HoldsSecret, query},
    state::AppState,
};

/// OpenRouter's own page size.
const PAGE: usize = 100;

#[derive(Deserialize)]
pub(crate) struct KeysQuery {
    #[serde(default)]
    include_disabled: bool,
    #[serde(default)]
    include_expired: bool,
    offset: Option<usize>,
}

/// What OpenRouter's clients send; what is not known here is left alone.
#[derive(Default, Deserialize)]
#[serde(default)]
struct KeyFields {
    name: Option<String>,
    disabled: Option<bool>,
    /// Null lifts it.
    #[serde(deserialize_with = "present")]
    limit: Option<Value>,
    #[serde(deserialize_with = "present")]
    limit_reset: Option<Value>,
    expires_at: Option<Timestamp>,
}

/// Tells null from a field that is not there.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> ApiResult<Json<Value>> {
    let listed = async {
        let query: KeysQuery = query::read(&uri)?;
        shown(&state.engine, &caller.context, &query).await
    };
    listed.await.map(|data| Json(json!({"data": data}))).map_err(|e| caller.fail(e))
}

async fn shown(engine: &Engine, context: &CallContext, query: &KeysQuery) -> Result<Vec<Value>> {
    let now = engine.clock().now();
    let is_wanted = |record: &KeyRecord| {
        let expired = record.settings.expires_at.is_some_and(|end| end <= now);
        (query.include_disabled || record.disabled_at.is_none())
            && (query.include_expired || !expired)
    };
    let mut to_skip = query.offset.unwrap_or(0);
    let mut lines = Vec::new();
    let mut page = PageRequest { limit: PAGE, cursor: None };
    loop {
        let found = engine.list_keys(context, page).await?;
        for record in found.items.into_iter().filter(is_wanted) {
            if to_skip > 0 {
                to_skip -= 1;
                continue;
            }
            lines.push(KeyInfo::of(engine, context, record).await?.line());
            if lines.len() == PAGE {
                return Ok(lines);
            }
        }
        match found.next {
            Some(next) => page = PageRequest { limit: PAGE, cursor: Some(next) },
            None => return Ok(lines),
        }
    }
}

pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> ApiResult<(StatusCode, Extension<HoldsSecret>, Json<Value>)> {
    let (engine, context) = (&state.engine, &caller.context);
    let created = async {
        let fields: KeyFields = body::read_json(request, state.body_bytes_max).await?;
        let wanted = KeyRequest {
            budgets: fields.budget(&[])?.unwrap_or_default(),
            name: fields.name.unwrap_or_default(),
            expires_at: fields.expires_at,
            ..KeyRequest::default()
        };
        let (record, secret) = engine.create_key(context, wanted).await?;
        let data = KeyInfo::of(engine, context, record).await?.line();
        Ok(json!({"data": data, "key": secret.expose()}))
    };
    let body = created.await.map_err(|e| caller.fail(e))?;
    Ok((StatusCode::CREATED, Extension(HoldsSecret), Json(body)))
}

pub(crate) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path(hash): Path<String>,
) -> ApiResult<Json<Value>> {
    let (engine, context) = (&state.engine, &caller.context);
    let found = async {
        let record = engine.key_by_hash(context, &hash).await?;
        Ok(KeyInfo::of(engine, context, record).await?.line())
    };
    found.await.map(|data| Json(json!({"data": data}))).map_err(|e| caller.fail(e))
}

pub(crate) async fn update(
    State(state): State<AppState>,
    caller: Caller,
    Path(hash): Path<String>,
    request: Request,
) -> ApiResult<Json<Value>> {
    let (engine, context) = (&state.engine, &caller.context);
    let changed = async {
        let fields: KeyFields = body::read_json(request, state.body_bytes_max).await?;
        let before = KeyInfo::of(engine, context, engine.key_by_hash(context, &hash).await?);
        let before = before.await?;
        let limits: Vec<Budget> = before
            .budgets
            .iter()
            .map(|row| Budget { period: row.period, limit: row.limit })
            .collect();
        let patch = KeyPatch {
            budgets: fields.budget(&limits)?,
            name: fields.name,
            disabled: fields.disabled,
            ..KeyPatch::default()
        };
        let record = engine.update_key(context, &before.record.id, patch).await?;
        Ok(KeyInfo::of(engine, context, record).await?.line())
    };
    changed.await.map(|data| Json(json!({"data": data}))).map_err(|e| caller.fail(e))
}

pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(hash): Path<String>,
) -> ApiResult<Json<Value>> {
    let deleted = async {
        let record = state.engine.key_by_hash(&caller.context, &hash).await?;
        state.engine.delete_key(&caller.context, &record.id).await
    };
    deleted.await.map(|()| Json(json!({"deleted": true}))).map_err(|e| caller.fail(e))
}

impl KeyFields {
    /// The key's budgets from now on; `None` when the request says nothing of them. OpenRouter's
    /// clients know one limit per key, so it takes the place of all that there were.
    fn budget(&self, before: &[Budget]) -> Result<Option<Vec<Budget>>> {
        if self.limit.is_none() && self.limit_reset.is_none() {
            return Ok(None);
        }
        let was = before.first().copied();
        let limit = match &self.limit {
            Some(Value::Null) => return Ok(Some(Vec::new())),
            Some(value) => dollars::read(value, "limit")?,
            None => match was {
                Some(budget) => budget.limit,
                None => return Ok(Some(Vec::new())),
            },
        };
        let period = match &self.limit_reset {
            Some(value) => period(value)?,
            None => was.map_or(BudgetPeriod::Total, |budget| budget.period),
        };
        Ok(Some(vec![Budget { period, limit }]))
    }
}

fn period(value: &Value) -> Result<BudgetPeriod> {
    match value.as_str() {
        None if value.is_null() => Ok(BudgetPeriod::Total),
        Some("daily") => Ok(BudgetPeriod::Day),
        Some("weekly") => Ok(BudgetPeriod::Week),
        Some("monthly") => Ok(BudgetPeriod::Month),
        _ => {
            Err(Error::invalid("`limit_reset` must be \"daily\", \"weekly\", \"monthly\" or null")
                .with_parameter("limit_reset"))
        }
    }
}
