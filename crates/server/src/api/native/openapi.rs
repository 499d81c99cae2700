//! The native API's routes and the document that describes them, from one list.

use axum::{Router, body::Bytes, http::header, response::IntoResponse, routing::get};
use serde::Serialize;
use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    budgets, conversations, device_logins, documents, explain, generations, jobs, keys, ledger,
    memories, models, prices, route, status, threads, workspace,
};
use crate::state::AppState;

const PATH: &str = "/backstay/v1/openapi.json";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Backstay",
        description = "Backstay's own API: memories, threads, the ledger, models. Model calls go \
                       through the APIs of OpenAI (`/v1/chat/completions`) and Anthropic \
                       (`/v1/messages`), which their own documents describe."
    ),
    components(schemas(ErrorBody)),
    modifiers(&Security),
    security(("api_key" = [])),
    tags(
        (name = "memories", description = "What is remembered, finding it, forgetting it"),
        (name = "threads", description = "Conversations and their messages"),
        (name = "documents", description = "Files in which a model looks things up"),
        (name = "ledger", description = "One generation per model call"),
        (name = "keys", description = "API keys: what each may do, spend, and how fast"),
        (name = "operation", description = "What the server has and does")
    )
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let key = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key of this server, `bs-…`."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("api_key", SecurityScheme::Http(key));
    }
}

/// How every error looks.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    error: ErrorDetail,
}

#[derive(Serialize, ToSchema)]
struct ErrorDetail {
    /// What failed, why, and what to do next.
    message: String,
    /// The kind of error, as OpenAI names it.
    r#type: String,
    /// Stable: programs go by this.
    code: String,
    /// The field of the request that is at fault.
    param: Option<String>,
}

/// The routes under `/backstay/v1`, with their document among them.
pub(crate) fn routes() -> Router<AppState> {
    let (router, document) = described().split_for_parts();
    let text = Bytes::from(document.to_pretty_json().unwrap_or_default());
    let show = move || async move {
        ([(header::CONTENT_TYPE, "application/json")], text.clone()).into_response()
    };
    router.route(PATH, get(show))
}

fn described() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(conversations::import))
        .routes(routes!(memories::list, memories::change::add))
        .routes(routes!(memories::search))
        .routes(routes!(explain::explain))
        .routes(routes!(memories::statements::list))
        .routes(routes!(memories::statements::profile))
        .routes(routes!(memories::stats::stats))
        .routes(routes!(memories::policy::show, memories::policy::set, memories::policy::clear))
        .routes(routes!(memories::carry::export))
        .routes(routes!(memories::carry::import))
        .routes(routes!(memories::change::merge))
        .routes(routes!(memories::forget::forget))
        .routes(routes!(memories::statements::one, memories::change::update))
        .routes(routes!(memories::statements::history))
        .routes(routes!(threads::list))
        .routes(routes!(threads::one, threads::delete))
        .routes(routes!(threads::messages))
        .routes(routes!(documents::list, documents::upload))
        .routes(routes!(documents::search::search))
        .routes(routes!(documents::one, documents::delete))
        .routes(routes!(documents::content))
        .routes(routes!(generations::list))
        .routes(routes!(generations::one))
        .routes(routes!(ledger::summary))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::own))
        .routes(routes!(keys::one, keys::update, keys::delete))
        .routes(routes!(keys::rotate))
        .routes(routes!(device_logins::approve))
        .routes(routes!(device_logins::deny))
        .routes(routes!(budgets::list, budgets::set))
        .routes(routes!(models::list))
        .routes(routes!(models::refresh))
        .routes(routes!(prices::list))
        .routes(routes!(route::explain))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::retry))
        .routes(routes!(jobs::discard))
        .routes(routes!(status::show))
        .routes(routes!(workspace::show, workspace::set))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `BACKSTAY_UPDATE_SNAPSHOTS=1` writes what is now; the difference is then read in review.
    #[test]
    fn the_document_in_the_repository_is_the_one_that_is_served() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let now = described().into_openapi().to_pretty_json().unwrap() + "\n";
        if std::env::var_os("BACKSTAY_UPDATE_SNAPSHOTS").is_some() {
            std::fs::write(file, &now).unwrap();
        }
        let kept = std::fs::read_to_string(file).unwrap_or_default();
        assert!(kept == now, "crates/server/openapi.json differs; see this test's comment");
    }
}
