//! `GET /backstay/v1/status`: what `backstay doctor` looks at.

use axum::{Json, extract::State};
use backstay_core::{Error, WireFormat};
use backstay_engine::LearningStatus;
use backstay_store::{ConnectionUse, DatabaseFacts, StoreKind};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::{caller::Caller, dialect::ApiResult},
    state::AppState,
};

#[derive(Serialize, ToSchema)]
pub(crate) struct StatusBody {
    version: &'static str,
    store: StoreBody,
    embedding: EmbeddingBody,
    /// Of this key's workspace; null when no model learns.
    learning: Option<LearningStatus>,
    providers: Vec<ProviderBody>,
}

#[derive(Serialize, ToSchema)]
struct StoreBody {
    kind: StoreKind,
    /// Of SQLite or PostgreSQL.
    version: String,
    /// The data folder; null for a database.
    path: Option<String>,
    schema_version: u32,
    size_bytes: u64,
    /// Connections to the database; null for a data folder.
    connections: Option<ConnectionUse>,
    /// What the database says; null for a data folder.
    database: Option<DatabaseFacts>,
}

/// Model, revision and dimension are null when recall goes by words alone.
#[derive(Serialize, ToSchema)]
struct EmbeddingBody {
    model: Option<String>,
    revision: Option<String>,
    dimension: Option<usize>,
    /// Turns that have no vector of this model yet.
    pending: u64,
    /// Where the built-in model's files are looked for.
    folder: String,
}

#[derive(Serialize, ToSchema)]
struct ProviderBody {
    id: String,
    name: String,
    #[schema(value_type = Option<String>, example = "openai")]
    format: Option<WireFormat>,
}

/// What the server runs on: version, store, embedding model, providers.
#[utoipa::path(
    get,
    path = "/backstay/v1/status",
    tag = "operation",
    responses((status = 200, body = StatusBody))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    caller: Caller,
) -> ApiResult<Json<StatusBody>> {
    status(&state, &caller).await.map(Json).map_err(|error| caller.fail(error))
}

async fn status(state: &AppState, caller: &Caller) -> Result<StatusBody, Error> {
    let store = state.engine.store().health().await?;
    let embedding = state.engine.memory().embeddings_status().await?;
    let model = embedding.model.as_ref();
    let providers = state.engine.catalogue().providers();
    Ok(StatusBody {
        version: env!("CARGO_PKG_VERSION"),
        store: StoreBody {
            kind: store.kind,
            version: store.version,
            path: state.started.data.as_ref().map(|data| data.display().to_string()),
            schema_version: store.schema_version,
            size_bytes: store.size_bytes,
            connections: store.connections,
            database: state.engine.store().database().await?,
        },
        embedding: EmbeddingBody {
            model: model.map(|model| model.name.clone()),
            revision: model.map(|model| model.revision.clone()),
            dimension: model.map(|model| model.dimension),
            pending: embedding.pending,
            folder: state.started.models_folder.display().to_string(),
        },
        learning: state.engine.learning_status(&caller.context.workspace).await?,
        providers: providers
            .iter()
            .map(|provider| ProviderBody {
                id: provider.id.clone(),
                name: provider.name.clone(),
                format: provider.format(),
            })
            .collect(),
    })
}
