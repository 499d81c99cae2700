//! `/backstay/v1/ledger`: sums over the ledger.

use axum::{Json, extract::State, http::Uri};
use backstay_core::{Error, Result, Timestamp};
use backstay_store::{LedgerGroup, LedgerQuery, LedgerSum};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    api::{
        caller::Caller,
        dialect::ApiResult,
        native::{
            openapi::ErrorBody,
            page::{PageBody, PageQuery},
        },
        query,
    },
    state::AppState,
};

const DAYS: i64 = 30;
const MICROS_PER_DAY: i64 = 86_400_000_000;

#[derive(Deserialize, IntoParams)]
pub(crate) struct SummaryQuery {
    /// What calls are put together by; the day unless told.
    #[param(inline)]
    group_by: Option<LedgerGroup>,
    /// Calls from this time on: the last 30 days unless told.
    from: Option<Timestamp>,
    /// Calls before this time: until now unless told.
    to: Option<Timestamp>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// Calls, tokens and cost of a stretch of time, by day, model, key, provider or user.
#[utoipa::path(
    get,
    path = "/backstay/v1/ledger/summary",
    tag = "ledger",
    params(SummaryQuery),
    responses((status = 200, body = PageBody<LedgerSum>), (status = 400, body = ErrorBody))
)]
pub(crate) async fn summary(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> ApiResult<Json<PageBody<LedgerSum>>> {
    let found = async {
        let query: SummaryQuery = query::read(&uri)?;
        let page = PageQuery { limit: query.limit, cursor: query.cursor.clone() }.request();
        let asked = asked(query, state.engine.clock().now())?;
        state.engine.store().workspace(&caller.context.workspace).ledger_sums(asked, page).await
    };
    let found = found.await.map_err(|e| caller.fail(e))?;
    Ok(Json(PageBody::of(found, |sum| sum)))
}

fn asked(query: SummaryQuery, now: Timestamp) -> Result<LedgerQuery> {
    // A call that begins in this very moment belongs to what there is until now.
    let to = query.to.unwrap_or(Timestamp::from_millis(now.millis().saturating_add(1)));
    let month = DAYS * MICROS_PER_DAY;
    let from = query.from.unwrap_or(Timestamp::from_micros(to.micros().saturating_sub(month)));
    if from >= to {
        return Err(Error::invalid("`from` must be before `to`").with_parameter("from"));
    }
    Ok(LedgerQuery { group_by: query.group_by.unwrap_or(LedgerGroup::Day), from, to, key: None })
}
