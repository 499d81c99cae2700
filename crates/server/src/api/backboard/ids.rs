//! Identifiers of this dialect: UUIDs. One that is not there, and one of another workspace, are the same
//! to a client.

use backstay_core::{AssistantId, Error, ErrorCode, Name, Result, RunId, ThreadId};
use backstay_store::{Assistant, Thread};

use crate::{api::caller::Caller, state::AppState};

pub(super) fn uuid_expected(name: &str) -> Error {
    Error::invalid(format!("`{name}` must be a UUID")).with_parameter(name)
}

pub(super) fn not_found(what: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("{what} not found"))
}

pub(super) async fn assistant(state: &AppState, caller: &Caller, id: &str) -> Result<Assistant> {
    let id = AssistantId::from_uuid(id).ok_or_else(|| uuid_expected("assistant_id"))?;
    state.engine.assistant(&caller.context, &id).await
}

pub(super) async fn thread(state: &AppState, caller: &Caller, id: &str) -> Result<Thread> {
    let id = ThreadId::from_uuid(id).ok_or_else(|| uuid_expected("thread_id"))?;
    let store = state.engine.store().workspace(&caller.context.workspace);
    store.thread(&id).await?.ok_or_else(|| not_found("Thread"))
}

/// Whose a thread is.
pub(super) async fn assistant_of(
    state: &AppState,
    caller: &Caller,
    scope: &Name,
) -> Result<Assistant> {
    state.engine.assistant_of_scope(&caller.context, scope).await
}

pub(super) fn run(id: &str) -> Result<RunId> {
    RunId::parse(id).ok_or_else(|| not_found("Run"))
}

/// An identifier as this dialect shows it. Those that were chosen by hand have no other form.
macro_rules! shown {
    ($id:expr) => {
        $id.to_uuid().unwrap_or_else(|| $id.to_string())
    };
}
pub(super) use shown;
