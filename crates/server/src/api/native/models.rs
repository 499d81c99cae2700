//! The catalogue: what can be called, at whom, for how much and who says so; asking providers anew.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State},
};
use backstay_core::{DataPolicy, Modality, Money, Price, Quantization};
use backstay_engine::RefreshReport;
use backstay_routing::{ModelCard, ModelEntry, PriceSource, Refreshed};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    api::{
        caller::Caller,
        dialect::ApiResult,
        model_query::{self, Parameters},
        native::page::ListBody,
    },
    state::AppState,
};

/// A name that a call can use.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModelBody {
    /// What a call names it by.
    id: String,
    /// The provider that is preferred, or `route`.
    provider: String,
    display_name: Option<String>,
    context_length: Option<u64>,
    output_tokens_max: Option<u64>,
    input_modalities: Option<Vec<Modality>>,
    output_modalities: Option<Vec<Modality>>,
    /// Request parameters that are known to be honoured somewhere.
    parameters: Option<Vec<String>>,
    tokenizer: Option<String>,
    /// The lowest that an endpoint asks; null when no price is known.
    price: Option<PriceBody>,
    /// Who serves it, in order of preference.
    endpoints: Vec<EndpointBody>,
}

#[derive(Serialize, ToSchema)]
struct EndpointBody {
    /// `provider/model`, by which a call means this endpoint alone.
    id: String,
    provider: String,
    context_length: Option<u64>,
    quantization: Option<Quantization>,
    data: DataPolicy,
    price: Option<Price>,
    price_source: Option<PriceSourceBody>,
}

#[derive(Serialize, ToSchema)]
struct PriceSourceBody {
    /// `configuration`, a provider's id, or the name of a price list.
    name: String,
    /// The day for which it says so.
    as_of: Option<String>,
}

/// Dollars per token, as they are computed with, and per million, as people compare them.
#[derive(Serialize, ToSchema)]
struct PriceBody {
    prompt: Money,
    completion: Money,
    prompt_per_million: Option<Money>,
    completion_per_million: Option<Money>,
}

/// The parameters of OpenRouter's list of models.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters; `model_query` reads them")]
struct ModelsQuery {
    /// Words that the id or the name contains.
    q: Option<String>,
    /// Only models that one of these providers serves, separated by commas.
    providers: Option<String>,
    /// Only models whose authors are these, separated by commas.
    model_authors: Option<String>,
    /// Only models that are known to honour these parameters, separated by commas.
    supported_parameters: Option<String>,
    input_modalities: Option<String>,
    output_modalities: Option<String>,
    /// The least context length in tokens.
    context: Option<u64>,
    /// The least dollars per million prompt tokens; `max_price`, `min_output_price` and
    /// `max_output_price` bound likewise.
    min_price: Option<String>,
    max_price: Option<String>,
    min_output_price: Option<String>,
    max_output_price: Option<String>,
    /// `price`, `context`, `name` or `newest`, or one of OpenRouter's orders.
    sort: Option<String>,
    offset: Option<usize>,
    limit: Option<usize>,
}

/// List the models that can be called, with who serves them and their prices.
#[utoipa::path(
    get,
    path = "/backstay/v1/models",
    tag = "operation",
    params(ModelsQuery),
    responses((status = 200, body = ListBody<ModelBody>))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(parameters): Query<Parameters>,
) -> ApiResult<Json<ListBody<ModelBody>>> {
    let now = state.engine.clock().now();
    let query = model_query::read(&parameters, now).map_err(|error| caller.fail(error))?;
    let models = state.engine.catalogue().models();
    let wanted = query.models.select(&models).into_iter().map(|at| &models[at]);
    let permitted = wanted.filter(|card| caller.context.policy.permits_model(&card.id));
    let on_page = permitted.skip(query.offset).take(query.limit.unwrap_or(usize::MAX));
    Ok(Json(ListBody { data: on_page.map(shown).collect() }))
}

fn shown(card: &ModelCard) -> ModelBody {
    let provider = card.endpoints.first().map(|entry| entry.provider.clone());
    let facts = &card.facts;
    ModelBody {
        id: card.id.clone(),
        provider: provider.filter(|_| !card.is_route).unwrap_or_else(|| "route".to_owned()),
        display_name: Some(card.name.clone()).filter(|name| *name != card.id),
        context_length: facts.context_length,
        output_tokens_max: facts.output_tokens_max,
        input_modalities: facts.input_modalities.clone(),
        output_modalities: facts.output_modalities.clone(),
        parameters: facts.parameters.clone(),
        tokenizer: facts.tokenizer.clone(),
        price: facts.price.as_ref().map(price),
        endpoints: card.endpoints.iter().map(endpoint).collect(),
    }
}

fn endpoint(entry: &Arc<ModelEntry>) -> EndpointBody {
    EndpointBody {
        id: entry.id.clone(),
        provider: entry.provider.clone(),
        context_length: entry.facts.context_length,
        quantization: entry.facts.quantization,
        data: entry.facts.data.clone(),
        price: entry.facts.price.clone(),
        price_source: entry.price_source.as_ref().map(price_source),
    }
}

fn price_source(source: &PriceSource) -> PriceSourceBody {
    PriceSourceBody { name: source.name.clone(), as_of: source.as_of.clone() }
}

fn price(price: &Price) -> PriceBody {
    PriceBody {
        prompt: price.prompt,
        completion: price.completion,
        prompt_per_million: price.prompt.times(1_000_000),
        completion_per_million: price.completion.times(1_000_000),
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RefreshBody {
    providers: Vec<RefreshedBody>,
    /// Endpoints whose price is another than before, new ones included.
    prices_changed: usize,
}

#[derive(Serialize, ToSchema)]
struct RefreshedBody {
    provider: String,
    /// Models that it has now; null when it did not say.
    models: Option<usize>,
    added: Vec<String>,
    /// Models that it listed before and does not any more: a call of them is refused.
    gone: Vec<String>,
    /// Why it did not say which models it has. What it said before holds.
    error: Option<String>,
}

/// Ask every provider which models it has and what they cost.
#[utoipa::path(
    post,
    path = "/backstay/v1/models/refresh",
    tag = "operation",
    responses((status = 200, body = RefreshBody))
)]
pub(crate) async fn refresh(
    State(state): State<AppState>,
    caller: Caller,
) -> ApiResult<Json<RefreshBody>> {
    let report = state.engine.refresh_models().await.map_err(|error| caller.fail(error))?;
    let RefreshReport { providers, prices_changed } = report;
    Ok(Json(RefreshBody {
        providers: providers.into_iter().map(refreshed).collect(),
        prices_changed,
    }))
}

fn refreshed(one: Refreshed) -> RefreshedBody {
    let Refreshed { provider, outcome } = one;
    match outcome {
        Ok(list) => RefreshedBody {
            provider,
            models: Some(list.models),
            added: list.added,
            gone: list.gone,
            error: None,
        },
        Err(error) => RefreshedBody {
            provider,
            models: None,
            added: Vec::new(),
            gone: Vec::new(),
            error: Some(error.message().to_owned()),
        },
    }
}
