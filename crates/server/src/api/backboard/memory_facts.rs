//! Counts of an assistant's memory, and how far the learning is that a turn asked for.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, State},
};
use backstay_core::{
    MemoryOperationId, Timestamp,
    memory::{MemoryState, Statement},
};
use backstay_store::{ChangeKind, OperationState, VERBATIM_BYTES_MAX};
use serde_json::{Value, json};

use super::{
    ids::{self, not_found, shown},
    memories::{known, store},
};
use crate::{
    api::{caller::Caller, dialect::ApiResult},
    state::AppState,
};

pub(super) async fn stats(
    State(state): State<AppState>,
    caller: Caller,
    Path(assistant): Path<String>,
) -> ApiResult<Json<Value>> {
    let counted = async {
        let assistant = ids::assistant(&state, &caller, &assistant).await?;
        let known = known(&state, &caller, &assistant).await?;
        Ok(json!({
            "total_memories": known.len(),
            "last_updated": last_updated(&known),
            "limits": {"content_bytes_max": VERBATIM_BYTES_MAX},
        }))
    };
    counted.await.map(Json).map_err(|e| caller.fail(e))
}

pub(super) async fn insights(
    State(state): State<AppState>,
    caller: Caller,
    Path(assistant): Path<String>,
) -> ApiResult<Json<Value>> {
    let gathered = async {
        let assistant = ids::assistant(&state, &caller, &assistant).await?;
        let known = known(&state, &caller, &assistant).await?;
        let (mut kinds, mut sources) = (BTreeMap::new(), BTreeMap::new());
        for statement in &known {
            *kinds.entry(statement.said.kind.as_str()).or_insert(0_u64) += 1;
            *sources.entry(statement.said.source.clone()).or_insert(0_u64) += 1;
        }
        let is_active = |known: &&Statement| known.said.state == MemoryState::Active;
        let backlog = store(&state, &caller).learning_backlog().await?;
        Ok(json!({
            "snapshot": {"totalMemories": known.len(), "lastUpdated": last_updated(&known)},
            "contentSignals": {
                "active": known.iter().filter(is_active).count(),
                "pinned": known.iter().filter(|known| known.said.pinned).count(),
            },
            "breakdown": {"byKind": kinds, "bySource": sources},
            "operations": {"pending": backlog.pending, "failed": backlog.failed},
        }))
    };
    gathered.await.map(Json).map_err(|e| caller.fail(e))
}

fn last_updated(known: &[Statement]) -> Option<String> {
    let last = known.iter().map(|statement| statement.recorded_at).max();
    last.map(Timestamp::to_micros_text)
}

pub(super) async fn operation(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let found = async {
        let id =
            MemoryOperationId::from_uuid(&id).ok_or_else(|| ids::uuid_expected("operation_id"))?;
        let found = store(&state, &caller).memory_operation(&id).await?;
        let found = found.ok_or_else(|| not_found("Memory operation"))?;
        let status = match found.state {
            OperationState::Pending => "PENDING",
            OperationState::InProgress => "IN_PROGRESS",
            OperationState::Completed => "COMPLETED",
            OperationState::Failed => "FAILED",
        };
        let changes = found.changes.iter().map(|change| {
            let event = match change.kind {
                ChangeKind::Added => "ADD",
                ChangeKind::Updated => "UPDATE",
                ChangeKind::Superseded => "DELETE",
            };
            json!({"id": change.id, "event": event, "memory": change.text})
        });
        Ok(json!({
            "operation_id": shown!(found.id),
            "status": status,
            "memory_ids": changes.collect::<Vec<_>>(),
            "result_count": found.changes.len(),
            "created_at": found.created_at.to_micros_text(),
            "updated_at": state.engine.clock().now().to_micros_text(),
        }))
    };
    found.await.map(Json).map_err(|e| caller.fail(e))
}
