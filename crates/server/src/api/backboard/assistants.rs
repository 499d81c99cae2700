//! `/assistants`.

use axum::{
    Json,
    extract::{Path, Request, State},
    http::Uri,
};
use backstay_core::{AssistantSettings, Result};
use backstay_engine::{AssistantPatch, CloneWish, NewAssistant};
use backstay_store::Assistant;
use backstay_wire::backboard::{Fields, echoed_tools, function_tools};
use serde_json::{Value, json};

use super::{
    encodings,
    ids::{self, shown},
};
use crate::{
    api::{caller::Caller, dialect::ApiResult},
    state::AppState,
};

const LIMIT_DEFAULT: u64 = 100;
const LIMIT_MAX: u64 = 200;
const SKIP_MAX: u64 = 10_000;
const EMBEDDING_MODEL: &str = "text-embedding-3-large";
const EMBEDDING_PROVIDER: &str = "openai";
const EMBEDDING_DIMENSIONS: u32 = 3_072;
const PASSAGES: u32 = 10;

/// Which part of a list: more than is allowed is as much as is allowed.
pub(super) fn part(query: &Fields) -> Result<(usize, usize)> {
    let skip = query.integer("skip")?.unwrap_or(0).min(SKIP_MAX);
    let limit = query.integer("limit")?.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    Ok((number(skip), number(limit)))
}

pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> ApiResult<Json<Value>> {
    let created = async {
        let (fields, _) = encodings::read(&state, request).await?;
        let mut settings = AssistantSettings::default();
        change(&fields)?(&mut settings);
        settings.embedding_provider = fields.word("embedding_provider")?;
        settings.embedding_model = fields.word("embedding_model_name")?;
        let dimensions = fields.integer("embedding_dims")?;
        settings.embedding_dimension = dimensions.and_then(|count| u32::try_from(count).ok());
        let name = fields.text("name")?.unwrap_or_default();
        state.engine.create_assistant(&caller.context, NewAssistant { name, settings }).await
    };
    created.await.map(|assistant| Json(show(&assistant))).map_err(|e| caller.fail(e))
}

pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> ApiResult<Json<Value>> {
    let listed = async {
        let query = encodings::query(&uri);
        let (skip, limit) = part(&query)?;
        let name = query.text("name")?;
        let store = state.engine.store().workspace(&caller.context.workspace);
        store.list_assistants(name.as_deref(), skip, limit).await
    };
    let listed = listed.await.map_err(|e| caller.fail(e))?;
    Ok(Json(listed.iter().map(show).collect()))
}

pub(super) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let found = ids::assistant(&state, &caller, &id).await;
    found.map(|assistant| Json(show(&assistant))).map_err(|e| caller.fail(e))
}

pub(super) async fn update(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> ApiResult<Json<Value>> {
    let updated = async {
        let assistant = ids::assistant(&state, &caller, &id).await?;
        let (fields, _) = encodings::read(&state, request).await?;
        let patch =
            AssistantPatch { name: fields.text("name")?, settings: Box::new(change(&fields)?) };
        state.engine.update_assistant(&caller.context, &assistant.id, patch).await
    };
    updated.await.map(|assistant| Json(show(&assistant))).map_err(|e| caller.fail(e))
}

pub(super) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let deleted = async {
        let assistant = ids::assistant(&state, &caller, &id).await?;
        state.engine.delete_assistant(&caller.context, &assistant).await?;
        Ok(json!({
            "message": "Assistant deleted successfully",
            "assistant_id": shown!(assistant.id),
            "deleted_at": state.engine.clock().now().to_micros_text(),
        }))
    };
    deleted.await.map(Json).map_err(|e| caller.fail(e))
}

pub(super) async fn clone(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> ApiResult<Json<Value>> {
    let cloned = async {
        let source = ids::assistant(&state, &caller, &id).await?;
        let (fields, _) = encodings::read(&state, request).await?;
        let wish = CloneWish {
            name: fields.word("name")?,
            system_prompt: fields.text("system_prompt")?,
            documents: fields.flag("copy_documents")?.unwrap_or(true),
            memories: fields.flag("copy_memories")?.unwrap_or(true),
        };
        let cloned = state.engine.clone_assistant(&caller.context, &source, wish).await?;
        Ok(json!({
            "assistant": show(&cloned.assistant),
            "documents_cloned": cloned.documents,
            "memories_cloned": cloned.memories,
        }))
    };
    cloned.await.map(Json).map_err(|e| caller.fail(e))
}

/// What a body says of an assistant; what it leaves out stays as it is.
fn change(fields: &Fields) -> Result<impl FnOnce(&mut AssistantSettings) + Send + 'static> {
    let tools = fields.array("tools")?;
    if let Some(tools) = &tools {
        function_tools(tools)?;
    }
    let description = fields.text("description")?;
    let system_prompt = fields.text("system_prompt")?;
    // What is no number of passages is refused with the other limits.
    let passages = fields.integer("tok_k")?.map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    let fact_prompt = fields.text("custom_fact_extraction_prompt")?;
    let update_prompt = fields.text("custom_update_memory_prompt")?;
    Ok(move |settings: &mut AssistantSettings| {
        let take = |place: &mut Option<String>, given: Option<String>| {
            if given.is_some() {
                *place = given;
            }
        };
        take(&mut settings.description, description);
        take(&mut settings.system_prompt, system_prompt);
        take(&mut settings.fact_prompt, fact_prompt);
        take(&mut settings.update_prompt, update_prompt);
        settings.tools = tools.unwrap_or_else(|| std::mem::take(&mut settings.tools));
        settings.passages = passages.or(settings.passages);
    })
}

fn show(assistant: &Assistant) -> Value {
    let settings = &assistant.settings;
    let or =
        |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
    json!({
        "assistant_id": shown!(assistant.id),
        "name": assistant.name,
        "description": settings.description,
        "system_prompt": settings.system_prompt,
        "tools": echoed_tools(&settings.tools),
        "tok_k": settings.passages.unwrap_or(PASSAGES),
        "embedding_provider": or(&settings.embedding_provider, EMBEDDING_PROVIDER),
        "embedding_model_name": or(&settings.embedding_model, EMBEDDING_MODEL),
        "embedding_dims": settings.embedding_dimension.unwrap_or(EMBEDDING_DIMENSIONS),
        "custom_fact_extraction_prompt": settings.fact_prompt,
        "custom_update_memory_prompt": settings.update_prompt,
        "created_at": assistant.created_at.to_micros_text(),
    })
}
