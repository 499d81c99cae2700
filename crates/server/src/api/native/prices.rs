//! `GET /backstay/v1/prices`: what a model has cost, and since when.

use axum::{
    Json,
    extract::{Query, State},
};
use backstay_core::{Price, Timestamp};
use backstay_store::PriceRecord;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    api::{caller::Caller, dialect::ApiResult, native::page::ListBody},
    state::AppState,
};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PricesQuery {
    /// A model's name, or `provider/model` for one endpoint.
    model: String,
}

/// A price from the moment on at which it was recorded, until the endpoint's next one. A call keeps
/// the price of its moment.
#[derive(Serialize, ToSchema)]
pub(crate) struct PriceChangeBody {
    /// `provider/model`.
    endpoint: String,
    recorded_at: Timestamp,
    /// Null when it is not known any more.
    price: Option<Price>,
    /// `configuration`, a provider's id, or the name of a price list.
    source: String,
    /// The day for which the source says so.
    as_of: Option<String>,
}

/// List the changes of price of a model's endpoints, the newest of each first.
#[utoipa::path(
    get,
    path = "/backstay/v1/prices",
    tag = "operation",
    params(PricesQuery),
    responses((status = 200, body = ListBody<PriceChangeBody>))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<PricesQuery>,
) -> ApiResult<Json<ListBody<PriceChangeBody>>> {
    let history = state.engine.price_history(&query.model).await;
    let history = history.map_err(|error| caller.fail(error))?;
    Ok(Json(ListBody { data: history.into_iter().map(shown).collect() }))
}

fn shown(change: PriceRecord) -> PriceChangeBody {
    let PriceRecord { endpoint, recorded_at, price, source, as_of } = change;
    PriceChangeBody { endpoint, recorded_at, price, source, as_of }
}
