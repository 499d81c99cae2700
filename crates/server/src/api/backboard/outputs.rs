//! `/threads/tool-outputs` and `…/submit-tool-outputs`: what a client's tools have said.

use axum::{
    body::Body,
    extract::{Path, Request, State},
    http::Response,
};
use backstay_core::{Result, memory::MemoryMode};
use backstay_engine::{ToolOutput, ToolOutputs};
use backstay_wire::backboard::OutputsBody;

use super::{
    encodings, ids,
    messages::{answer, client_tools, thinking, wants_status},
    reply::{self, RunNames},
};
use crate::{
    api::{caller::Caller, dialect::ApiResult},
    state::AppState,
};

/// Of the newest run of a thread that waits.
pub(super) async fn submit(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> ApiResult<Response<Body>> {
    submitted(&state, &caller, None, request).await.map_err(|e| caller.fail(e))
}

pub(super) async fn submit_to(
    State(state): State<AppState>,
    caller: Caller,
    Path((thread, run)): Path<(String, String)>,
    request: Request,
) -> ApiResult<Response<Body>> {
    submitted(&state, &caller, Some((thread, run)), request).await.map_err(|e| caller.fail(e))
}

async fn submitted(
    state: &AppState,
    caller: &Caller,
    named: Option<(String, String)>,
    request: Request,
) -> Result<Response<Body>> {
    let wants_status = wants_status(&request);
    let streams = encodings::query(request.uri()).flag("stream")?;
    let (fields, _) = encodings::read(state, request).await?;
    let body = OutputsBody::read(&fields)?;
    let (thread, run) = match named {
        Some((thread, run)) => (Some(thread), Some(ids::run(&run)?)),
        None => (body.thread, None),
    };
    let thread = thread.ok_or_else(|| ids::uuid_expected("thread_id"))?;
    let thread = ids::thread(state, caller, &thread).await?;
    let assistant = ids::assistant_of(state, caller, &thread.scope.assistant).await?;
    let streams = streams.unwrap_or(body.stream);
    let outputs = body.outputs.into_iter();
    let given = ToolOutputs {
        outputs: outputs
            .map(|given| ToolOutput { call_id: given.call_id, output: given.output })
            .collect(),
        tools: body.tools.map(client_tools),
        thinking: body.thinking.as_ref().map(thinking),
        stream: streams,
    };
    let id = assistant.id.clone();
    let engine = &state.engine;
    let run = engine.resume_run(&caller.context, assistant, &thread.id, run, given).await?;
    let names = RunNames {
        run: run.id.clone(),
        thread: run.thread.clone(),
        assistant: id,
        answer: run.answer.clone(),
        asked: None,
        attachments: Vec::new(),
        recalls: run.memory != MemoryMode::Off,
        json_output: run.json_output,
        cites: run.cites,
        warnings: reply::warnings(&run),
    };
    answer(state, run, names, streams, wants_status).await
}
