//! `GET /backstay/v1/models`: the catalogue with prices.

use axum::{Json, extract::State};
use backstay_core::{Money, Price};
use backstay_routing::ModelEntry;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::{caller::Caller, native::page::ListBody},
    state::AppState,
};

#[derive(Serialize, ToSchema)]
pub(crate) struct ModelBody {
    /// What a call names it by.
    id: String,
    provider: String,
    display_name: Option<String>,
    context_length: Option<u64>,
    /// Null when it is not known.
    price: Option<PriceBody>,
}

/// Dollars per token, as they are computed with, and per million, as people compare them.
#[derive(Serialize, ToSchema)]
struct PriceBody {
    prompt: Money,
    completion: Money,
    prompt_per_million: Option<Money>,
    completion_per_million: Option<Money>,
}

/// List the models that can be called, with their prices.
#[utoipa::path(
    get,
    path = "/backstay/v1/models",
    tag = "operation",
    responses((status = 200, body = ListBody<ModelBody>))
)]

pub(crate) async fn list(
    State(state): State<AppState>,
    _caller: Caller,
) -> Json<ListBody<ModelBody>> {
    let models = state.engine.catalogue().models();
    Json(ListBody { data: models.iter().map(shown).collect() })
}

fn shown(entry: &ModelEntry) -> ModelBody {
    ModelBody {
        id: entry.id.clone(),
        provider: entry.provider.clone(),
        display_name: entry.display_name.clone(),
        context_length: entry.facts.context_length,
        price: entry.facts.price.as_ref().map(price),
    }
}

fn price(price: &Price) -> PriceBody {
    PriceBody {
        prompt: price.prompt,
        completion: price.completion,
        prompt_per_million: price.prompt.times(1_000_000),
        completion_per_million: price.completion.times(1_000_000),
    }
}
