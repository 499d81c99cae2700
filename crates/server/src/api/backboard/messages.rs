//! `/threads/messages` and `/threads/{thread}/messages`: what a user says.

use axum::{
    Json,
    body::Body,
    extract::{Path, Request, State},
    http::Response,
    response::IntoResponse as _,
};
use backstay_core::{Error, Result, chat::Part, memory::MemoryMode};
use backstay_engine::{
    ClientTool, NewFile, NewRun, Run, RunPlace, RunSettings, RunStatus, Thinking,
};
use backstay_store::Assistant;
use backstay_wire::backboard::{FunctionTool, MessageBody, function_tools};
use serde_json::{Map, Value};

use super::{
    document_view::attachment,
    documents::check_extension,
    encodings::{self, UploadedFile},
    ids,
    reply::{self, RunNames},
    stream,
};
use crate::{
    api::{caller::Caller, dialect::ApiResult},
    state::AppState,
};

/// `http`: a failure of the model is answered with its own status instead of 200.
const ERRORS: &str = "x-backstay-errors";
/// The field that files come in.
const FILES: &str = "files";

pub(super) async fn send(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> ApiResult<Response<Body>> {
    sent(&state, &caller, None, request).await.map_err(|e| caller.fail(e))
}

pub(super) async fn send_to(
    State(state): State<AppState>,
    caller: Caller,
    Path(thread): Path<String>,
    request: Request,
) -> ApiResult<Response<Body>> {
    sent(&state, &caller, Some(thread), request).await.map_err(|e| caller.fail(e))
}

async fn sent(
    state: &AppState,
    caller: &Caller,
    thread: Option<String>,
    request: Request,
) -> Result<Response<Body>> {
    let wants_status = wants_status(&request);
    let (mut fields, files) = encodings::read(state, request).await?;
    if let Some(thread) = thread {
        fields.set("thread_id", thread);
    }
    let body = MessageBody::read(&fields)?;
    if let Some(file) = files.first().filter(|_| body.decision.is_some()) {
        let message = "files are not supported together with `system_one`; leave one of them out";
        return Err(Error::invalid(message).with_parameter(&file.field));
    }
    let files = new_files(files)?;
    if body.content.trim().is_empty() {
        return Err(Error::invalid(
            "`content` is empty; say something, or send `system_one` with a `state`",
        )
        .with_parameter("content"));
    }
    let (assistant, place) = place(state, caller, &body).await?;
    let settings = settings(state, &assistant, &body)?;
    let text = body.content.clone();
    let new = NewRun {
        assistant: assistant.clone(),
        thread: place,
        content: vec![Part::Text { text: body.content }],
        files,
        metadata: body.metadata,
        said_at: body.said_at,
        settings,
        stream: body.stream,
    };
    let engine = &state.engine;
    if !body.send_to_model {
        let noted = engine.note(&caller.context, new).await?;
        let reply = reply::of_note(&noted, &assistant.id, &text, engine.clock().now());
        return Ok(if body.stream { stream::saved(reply) } else { Json(reply).into_response() });
    }
    let run = engine.start_run(&caller.context, new).await?;
    let names = RunNames {
        run: run.id.clone(),
        thread: run.thread.clone(),
        assistant: assistant.id,
        answer: run.answer.clone(),
        asked: run.asked.clone().map(|id| (id, text)),
        attachments: run.attachments.iter().map(attachment).collect(),
        recalls: run.memory != MemoryMode::Off,
        json_output: run.json_output,
        cites: run.cites,
        warnings: reply::warnings(&run),
    };
    answer(state, run, names, body.stream, wants_status).await
}

pub(super) fn wants_status(request: &Request) -> bool {
    request.headers().get(ERRORS).is_some_and(|value| value == "http")
}

/// The answer in the form that its client wants.
pub(super) async fn answer(
    state: &AppState,
    mut run: Run,
    names: RunNames,
    streams: bool,
    wants_status: bool,
) -> Result<Response<Body>> {
    let clock = state.engine.clock();
    if streams {
        return Ok(stream::events(run, names, clock));
    }
    if !wants_status {
        return Ok(stream::whole(run, names, clock));
    }
    let end = stream::end(&mut run.events).await.unwrap_or_else(|| stream::stopped(clock));
    match end.status {
        RunStatus::Failed(error) => Err(error),
        _ => Ok(Json(reply::of_end(&names, &end, clock)).into_response()),
    }
}

/// Files are documents; what cannot be kept is not dropped without a word.
fn new_files(files: Vec<UploadedFile>) -> Result<Vec<NewFile>> {
    let new_file = |file: UploadedFile| {
        let UploadedFile { field, filename, media_type, bytes } = file;
        if field != FILES {
            let message =
                format!("`{field}` ({filename}) cannot be taken; files come in `{FILES}`");
            return Err(Error::invalid(message).with_parameter(&field));
        }
        check_extension(&filename)?;
        Ok(NewFile { filename, media_type, bytes })
    };
    files.into_iter().map(new_file).collect()
}

/// Whose message it is and where it is said.
async fn place(
    state: &AppState,
    caller: &Caller,
    body: &MessageBody,
) -> Result<(Assistant, RunPlace)> {
    let named = match &body.assistant {
        Some(id) => Some(ids::assistant(state, caller, id).await?),
        None => None,
    };
    let Some(thread) = &body.thread else {
        let assistant = match named {
            Some(assistant) => assistant,
            None => state.engine.default_assistant(&caller.context).await?,
        };
        return Ok((assistant, RunPlace::New));
    };
    let thread = ids::thread(state, caller, thread).await?;
    let assistant = ids::assistant_of(state, caller, &thread.scope.assistant).await?;
    if named.is_some_and(|named| named.id != assistant.id) {
        let message = "the thread belongs to another assistant; leave `assistant_id` out";
        return Err(Error::invalid(message).with_parameter("assistant_id"));
    }
    Ok((assistant, RunPlace::In(thread.id)))
}

fn settings(state: &AppState, assistant: &Assistant, body: &MessageBody) -> Result<RunSettings> {
    let tools = match &body.tools {
        Some(tools) => tools.clone(),
        None => function_tools(&assistant.settings.tools)?,
    };
    let own = assistant.settings.instructions().map(str::to_owned);
    let given = body.system_prompt.clone().filter(|text| !text.trim().is_empty());
    let settings = RunSettings {
        model: state.engine.model_named(body.provider.as_deref(), body.model.as_deref()),
        instructions: given.or(own),
        tools: client_tools(tools),
        thinking: body.thinking.as_ref().map(thinking),
        json_output: body.json_output,
        memory: body.memory.mode,
        more_memory: body.memory.pro,
        cites: body.memory.cite,
        web_search: body.web_search,
        routing: body.routing.clone(),
        auto: body.auto.clone(),
        temperature: body.temperature,
        top_p: body.top_p,
        max_tokens: body.max_tokens,
        decision: None,
    };
    Ok(match &body.decision {
        Some(decision) => settings.with_decision(decision.clone()),
        None => settings,
    })
}

pub(super) fn client_tools(tools: Vec<FunctionTool>) -> Vec<ClientTool> {
    let tools = tools.into_iter().map(|tool| {
        let FunctionTool { name, description, parameters } = tool;
        ClientTool { name, description, parameters }
    });
    tools.collect()
}

/// An empty object switches thinking on as the provider does it.
pub(super) fn thinking(members: &Map<String, Value>) -> Thinking {
    let count = |name: &str| members.get(name).and_then(Value::as_u64);
    Thinking {
        effort: members.get("effort").and_then(Value::as_str).map(str::to_owned),
        budget_tokens: count("budget_tokens").or_else(|| count("max_tokens")),
        hidden: members.get("exclude_reasoning").and_then(Value::as_bool).unwrap_or(false),
    }
}
