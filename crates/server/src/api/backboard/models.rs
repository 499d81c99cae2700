//! `/models`: what can be called, one row for each endpoint, under the provider's own name of the model.

use axum::{
    Json,
    extract::{Path, State},
    http::Uri,
};
use backstay_core::{Modality, Result};
use backstay_wire::backboard::Fields;
use serde_json::{Value, json};

use super::{
    encodings, ids,
    model_row::{Kind, ModelRow},
};
use crate::{
    api::{caller::Caller, dialect::ApiResult},
    state::AppState,
};

const LIMIT_DEFAULT: u64 = 100;
/// More is as much as this: clients that ask for everything go by `total`.
const LIMIT_MAX: u64 = 500;

pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> ApiResult<Json<Value>> {
    let query = encodings::query(&uri);
    page(&state, &caller, &query, None).map_err(|e| caller.fail(e))
}

pub(super) async fn list_of_provider(
    State(state): State<AppState>,
    caller: Caller,
    Path(provider): Path<String>,
    uri: Uri,
) -> ApiResult<Json<Value>> {
    let query = encodings::query(&uri);
    page(&state, &caller, &query, Some(&provider)).map_err(|e| caller.fail(e))
}

pub(super) async fn providers(State(state): State<AppState>, caller: Caller) -> Json<Value> {
    Json(providers_of(&state, &caller, |kind| kind != Kind::Embedding))
}

pub(super) async fn embedding_providers(
    State(state): State<AppState>,
    caller: Caller,
) -> Json<Value> {
    Json(providers_of(&state, &caller, |kind| kind == Kind::Embedding))
}

pub(super) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    let found = find(&state, &caller, &name, |kind| kind != Kind::Embedding);
    found.map(|row| Json(row.to_json())).map_err(|e| caller.fail(e))
}

pub(super) async fn list_embedding(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> ApiResult<Json<Value>> {
    let query = encodings::query(&uri);
    let listed = || {
        let provider = query.word("provider")?;
        let range = (query.integer("min_dimensions")?, query.integer("max_dimensions")?);
        let rows = rows(&state, &caller).into_iter().filter(|row| {
            row.kind() == Kind::Embedding
                && provider.as_ref().is_none_or(|name| row.is_of(name))
                && row.has_dimensions(range)
        });
        let (skip, limit) = part(&query)?;
        Ok(shown(rows.collect(), skip, limit, ModelRow::to_embedding_json))
    };
    listed().map(Json).map_err(|e| caller.fail(e))
}

pub(super) async fn one_embedding(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    let found = find(&state, &caller, &name, |kind| kind == Kind::Embedding);
    found.map(|row| Json(row.to_embedding_json())).map_err(|e| caller.fail(e))
}

/// Which fields of `thinking` a model takes.
pub(super) async fn thinking(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> ApiResult<Json<Value>> {
    let query = encodings::query(&uri);
    let found = || {
        let (provider, model) = (query.word("provider")?, query.word("model")?);
        let name = match (provider, model) {
            (Some(provider), Some(model)) => format!("{provider}/{model}"),
            (None, Some(model)) => model,
            (_, None) => {
                return Err(backstay_core::Error::invalid(
                    "`model` is missing: say whose thinking is asked about",
                )
                .with_parameter("model"));
            }
        };
        let row = find(&state, &caller, &name, |kind| kind == Kind::Llm)?;
        Ok(row.to_thinking_json())
    };
    found().map(Json).map_err(|e| caller.fail(e))
}

/// What a key may call, in the catalogue's order.
fn rows(state: &AppState, caller: &Caller) -> Vec<ModelRow> {
    let models = state.engine.catalogue().models();
    let permitted = models.iter().filter(|card| caller.context.policy.permits_model(&card.id));
    // A route has no provider, and is called by its name alone.
    let sold = permitted.filter(|card| !card.is_route);
    let rows = sold.flat_map(|card| card.endpoints.iter().map(|entry| ModelRow::of(card, entry)));
    rows.filter(|row| !row.gives(Modality::Rerank)).collect()
}

fn page(
    state: &AppState,
    caller: &Caller,
    query: &Fields,
    provider: Option<&str>,
) -> Result<Json<Value>> {
    let of_query = query.word("provider")?;
    let provider = provider.map(str::to_owned).or(of_query);
    let kind = query.word("model_type")?;
    let tools = query.flag("supports_tools")?;
    let thinking = query.flag("supports_thinking")?;
    let json_output = query.flag("supports_json_output")?;
    let context = (query.integer("min_context")?, query.integer("max_context")?);
    let wanted = |row: &ModelRow| {
        provider.as_ref().is_none_or(|name| row.is_of(name))
            && kind.as_ref().is_none_or(|kind| row.kind().as_str().eq_ignore_ascii_case(kind))
            && tools.is_none_or(|wanted| row.supports("tools") == wanted)
            && thinking.is_none_or(|wanted| row.supports("reasoning") == wanted)
            && json_output.is_none_or(|wanted| row.supports("response_format") == wanted)
            && row.has_context(context)
    };
    let rows: Vec<ModelRow> = rows(state, caller).into_iter().filter(wanted).collect();
    let (skip, limit) = part(query)?;
    Ok(Json(shown(rows, skip, limit, ModelRow::to_json)))
}

fn part(query: &Fields) -> Result<(usize, usize)> {
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let limit = query.integer("limit")?.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    Ok((number(query.integer("skip")?.unwrap_or(0)), number(limit)))
}

fn shown(rows: Vec<ModelRow>, skip: usize, limit: usize, show: fn(&ModelRow) -> Value) -> Value {
    let models: Vec<Value> = rows.iter().skip(skip).take(limit).map(show).collect();
    json!({"models": models, "total": rows.len()})
}

fn providers_of(state: &AppState, caller: &Caller, of_kind: impl Fn(Kind) -> bool) -> Value {
    let rows = rows(state, caller);
    let mut names: Vec<&str> =
        rows.iter().filter(|row| of_kind(row.kind())).map(ModelRow::provider).collect();
    names.sort_unstable();
    names.dedup();
    json!({"providers": names, "total": names.len()})
}

/// By its provider's name of it, or by `provider/name`.
fn find(
    state: &AppState,
    caller: &Caller,
    name: &str,
    of_kind: impl Fn(Kind) -> bool,
) -> Result<ModelRow> {
    let rows = rows(state, caller);
    let named = rows.into_iter().find(|row| of_kind(row.kind()) && row.is_named(name));
    named.ok_or_else(|| ids::not_found("Model"))
}
