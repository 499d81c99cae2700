//! The models of the catalogue in OpenRouter's shapes: a list, a count, one, its endpoints.

use axum::{
    Json,
    body::Body,
    extract::{Path, Query, RawQuery, State},
    http::{Response, header},
    response::IntoResponse as _,
};
use backstay_core::{EndpointFacts, Modality};
use backstay_routing::{ModelCard, Models};
use serde_json::{Value, json};

use super::{
    endpoint,
    model::{Architecture, ModelBody},
};
use crate::{
    api::{
        caller::Caller,
        dialect::ApiResult,
        model_lists::{Rows, joined, to_text},
        model_query::{self, ListQuery, Parameters},
    },
    state::AppState,
};

/// Suffixes that say how a call is routed, not which model is meant.
const ROUTING_SUFFIXES: [&str; 4] = ["nitro", "floor", "exacto", "online"];

pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(parameters): Query<Parameters>,
    RawQuery(asked): RawQuery,
) -> ApiResult<Response<Body>> {
    let query = read(&state, &caller, &parameters)?;
    Ok(page(&state, &caller, "/api/v1/models", asked.as_deref(), &query))
}

pub(crate) async fn list_embedding(
    State(state): State<AppState>,
    caller: Caller,
    Query(parameters): Query<Parameters>,
    RawQuery(asked): RawQuery,
) -> ApiResult<Response<Body>> {
    let mut query = read(&state, &caller, &parameters)?;
    query.models.output_modalities = vec![Modality::Embeddings];
    Ok(page(&state, &caller, "/api/v1/embeddings/models", asked.as_deref(), &query))
}

pub(crate) async fn count(
    State(state): State<AppState>,
    caller: Caller,
    Query(parameters): Query<Parameters>,
) -> ApiResult<Json<Value>> {
    let query = read(&state, &caller, &parameters)?;
    let models = state.engine.catalogue().models();
    let count = selected(&models, &caller, &query).len();
    Ok(Json(json!({"data": {"count": count}})))
}

pub(crate) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path((author, slug)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    let catalogue = state.engine.catalogue();
    let (name, models) = (plain(&author, &slug), catalogue.models());
    let card = permitted(&models, &caller, &name);
    let card = card.ok_or_else(|| caller.fail(catalogue.unknown(&name)))?;
    Ok(Json(json!({"data": ModelBody::of(card)})))
}

/// A variant that nobody sells has no endpoints; a model that does not exist is an error.
pub(crate) async fn endpoints(
    State(state): State<AppState>,
    caller: Caller,
    Path((author, slug)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    let catalogue = state.engine.catalogue();
    let (name, models) = (plain(&author, &slug), catalogue.models());
    let base = name.split(':').next().unwrap_or(&name);
    let card = permitted(&models, &caller, &name);
    let described = card.or_else(|| permitted(&models, &caller, base));
    let described = described.ok_or_else(|| caller.fail(catalogue.unknown(&name)))?;
    let providers = catalogue.providers();
    let provider = |id: &str| {
        let known = providers.iter().find(|provider| provider.id == id);
        known.map_or_else(|| id.to_owned(), |provider| provider.name.clone())
    };
    let health = state.engine.router().health();
    let entries = card.map(|card| card.endpoints.as_slice()).unwrap_or_default();
    let endpoints: Vec<Value> = entries
        .iter()
        .map(|entry| {
            let record = health.record(&entry.id);
            endpoint::shown(described, entry, &provider(&entry.provider), &record)
        })
        .collect();
    Ok(Json(json!({"data": {
        "id": name,
        "name": described.name,
        "created": described.created.unwrap_or(0),
        "description": "",
        "architecture": Architecture::with_every_member(described),
        "endpoints": endpoints,
    }})))
}

/// Endpoints that neither store prompts nor train on them.
pub(crate) async fn zero_retention(State(state): State<AppState>, caller: Caller) -> Json<Value> {
    let (catalogue, models) = (state.engine.catalogue(), state.engine.catalogue().models());
    let providers = catalogue.providers();
    let health = state.engine.router().health();
    let mut shown = Vec::new();
    for card in models.iter().filter(|card| caller.context.policy.permits_model(&card.id)) {
        let kept_nowhere = |facts: &EndpointFacts| facts.data.is_zero_retention();
        for entry in card.endpoints.iter().filter(|entry| kept_nowhere(&entry.facts)) {
            let known = providers.iter().find(|provider| provider.id == entry.provider);
            let name = known.map_or(&entry.provider, |provider| &provider.name);
            shown.push(endpoint::shown(card, entry, name, &health.record(&entry.id)));
        }
    }
    Json(json!({ "data": shown }))
}

/// Text models unless others are asked for.
fn read(state: &AppState, caller: &Caller, parameters: &Parameters) -> ApiResult<ListQuery> {
    let now = state.engine.clock().now();
    let mut query = model_query::read(parameters, now).map_err(|error| caller.fail(error))?;
    if !parameters.contains_key("output_modalities") {
        query.models.output_modalities = vec![Modality::Text];
    }
    Ok(query)
}

fn selected(models: &Models, caller: &Caller, query: &ListQuery) -> Vec<usize> {
    let mut wanted = query.models.select(models);
    wanted.retain(|at| caller.context.policy.permits_model(&models[*at].id));
    wanted
}

fn page(
    state: &AppState,
    caller: &Caller,
    path: &str,
    asked: Option<&str>,
    query: &ListQuery,
) -> Response<Body> {
    let models = state.engine.catalogue().models();
    let wanted = selected(&models, caller, query);
    let total = wanted.len();
    let rows = written(state, models);
    let limit = query.limit.unwrap_or(total);
    let on_page = wanted.iter().skip(query.offset).take(limit).map(|at| rows[*at].as_str());
    let end = query.offset.saturating_add(limit);
    let next = (end < total).then(|| next_page(path, asked, end, limit));
    let tail = json!({"total_count": total, "links": {"next": next}}).to_string();
    // The members of `tail` follow those of the rows in one object.
    let body = format!("{{\"data\":[{}],{}", joined(on_page), &tail[1..]);
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// Every model as a row of a list.
pub(crate) fn written(state: &AppState, models: Models) -> Rows {
    state.model_lists.openrouter(models, |card| to_text(&ModelBody::of(card)))
}

/// The query as it was asked, from another place on.
fn next_page(path: &str, asked: Option<&str>, offset: usize, limit: usize) -> String {
    let pairs = asked.into_iter().flat_map(|query| query.split('&'));
    let others = pairs.filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        !["", "offset", "limit"].contains(&name)
    });
    let kept: String = others.map(|pair| format!("{pair}&")).collect();
    format!("{path}?{kept}offset={offset}&limit={limit}")
}

/// The name without suffixes that say how to route.
fn plain(author: &str, slug: &str) -> String {
    let mut parts = slug.split(':');
    let base = parts.next().unwrap_or(slug);
    let kept = parts.filter(|suffix| !ROUTING_SUFFIXES.contains(suffix));
    kept.fold(format!("{author}/{base}"), |name, suffix| format!("{name}:{suffix}"))
}

fn permitted<'a>(models: &'a Models, caller: &Caller, name: &str) -> Option<&'a ModelCard> {
    models.find(name).filter(|card| caller.context.policy.permits_model(&card.id))
}
