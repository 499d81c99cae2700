//! `GET /v1/models`, in OpenAI's shape, or in Anthropic's for clients that say so.

use axum::{
    Json,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, Response, header},
    response::IntoResponse as _,
};
use backstay_core::Timestamp;
use backstay_routing::{ModelCard, Models};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    api::{
        caller::Caller,
        dialect::ApiResult,
        model_lists::{Rows, joined, to_text},
        model_query::{self, Parameters},
    },
    state::AppState,
};

/// The order is the catalogue's unless another is asked for; the parameters are OpenRouter's.
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> ApiResult<Response<Body>> {
    let now = state.engine.clock().now();
    let query = model_query::read(&parameters, now).map_err(|error| caller.fail(error))?;
    let models = state.engine.catalogue().models();
    let mut wanted = query.models.select(&models);
    wanted.retain(|at| caller.context.policy.permits_model(&models[*at].id));
    let total = wanted.len();
    let limit = query.limit.unwrap_or(total);
    let on_page = wanted.into_iter().skip(query.offset).take(limit);
    if speaks_anthropic(&headers) {
        let cards: Vec<&ModelCard> = on_page.map(|at| &models[at]).collect();
        let id = |card: Option<&&ModelCard>| card.map(|card| card.id.clone());
        let page = json!({
            "data": cards.iter().map(|card| anthropic(card)).collect::<Vec<_>>(),
            "has_more": query.offset.saturating_add(limit) < total,
            "first_id": id(cards.first()),
            "last_id": id(cards.last()),
        });
        return Ok(Json(page).into_response());
    }
    let rows = written(&state, models);
    let data = joined(on_page.map(|at| rows[at].as_str()));
    let body = format!("{{\"object\":\"list\",\"data\":[{data}]}}");
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

pub(crate) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let catalogue = state.engine.catalogue();
    let models = catalogue.models();
    let card = models.find(&id).filter(|card| caller.context.policy.permits_model(&card.id));
    let card = card.ok_or_else(|| caller.fail(catalogue.unknown(&id)))?;
    Ok(Json(if speaks_anthropic(&headers) { anthropic(card) } else { json!(openai(card)) }))
}

/// Every model as a row of a list.
pub(crate) fn written(state: &AppState, models: Models) -> Rows {
    state.model_lists.openai(models, |card| to_text(&openai(card)))
}

/// Every Anthropic client sends this header; no OpenAI client does.
fn speaks_anthropic(headers: &HeaderMap) -> bool {
    headers.contains_key("anthropic-version")
}

#[derive(Serialize)]
struct OpenAiModel<'a> {
    id: &'a str,
    object: &'static str,
    /// Zero where it is not known: clients require the field.
    created: i64,
    owned_by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_length: Option<u64>,
}

fn openai(card: &ModelCard) -> OpenAiModel<'_> {
    let provider = card.endpoints.first().map(|entry| entry.provider.as_str());
    OpenAiModel {
        id: &card.id,
        object: "model",
        created: card.created.unwrap_or(0),
        owned_by: provider.filter(|_| !card.is_route).unwrap_or("route"),
        context_length: card.facts.context_length,
    }
}

fn anthropic(card: &ModelCard) -> Value {
    json!({
        "type": "model",
        "id": card.id,
        "display_name": card.name,
        "created_at": Timestamp::from_millis(card.created.unwrap_or(0).saturating_mul(1_000)),
    })
}
