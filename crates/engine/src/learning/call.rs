//! One model call of learning: through the same routing and the same ledger as a client's.

use backstay_core::{
    CallContext, ErrorCode, JobId, KeyId, RequestId, Result, WorkspaceId,
    chat::{ChatRequest, Collector, Parameters},
    memory::Scope,
};
use futures::StreamExt as _;

use crate::{
    Engine,
    conversation::{Keep, Turn},
    generation,
};

/// Backstay itself as a caller; the job stands for the request.
pub(super) fn context(workspace: &WorkspaceId, job: &JobId, has_budget: bool) -> CallContext {
    let id = job.as_str().trim_start_matches(JobId::PREFIX);
    let request = RequestId::parse(&format!("{}{id}", RequestId::PREFIX));
    let request = request.unwrap_or_else(RequestId::unknown);
    CallContext::own(workspace.clone(), KeyId::learning(), request, has_budget)
}

/// Asks and returns the answer's text, empty when there is none. The call is settled when this
/// returns.
///
/// A provider that refuses the request as such may not know schemas or this way to limit an answer,
/// as some local and some reasoning models do not; it is asked once more without either.
pub(crate) async fn ask(
    engine: &Engine,
    context: &CallContext,
    scope: &Scope,
    request: ChatRequest,
) -> Result<String> {
    let plain =
        ChatRequest { response_format: None, parameters: Parameters::default(), ..request.clone() };
    match ask_once(engine, context, scope, request).await {
        Err(error) if error.code() == ErrorCode::UpstreamRejected => {
            tracing::info!(%error, "learning asks again without a schema");
            ask_once(engine, context, scope, plain).await
        }
        answered => answered,
    }
}

async fn ask_once(
    engine: &Engine,
    context: &CallContext,
    scope: &Scope,
    mut request: ChatRequest,
) -> Result<String> {
    engine.router().apply_policies(context, &mut request);
    let plan = engine.plan(context, &request, None)?;
    // The ledger names the scope; nothing of the call is kept as a turn.
    let keep = Keep { scope: Some(scope.clone()), ..Keep::default() };
    let turn = Turn::plain(request, keep);
    let mut frames = generation::call(engine, context, plan, turn, None).await?.frames;
    let mut collector = Collector::default();
    while let Some(frame) = frames.next().await {
        for event in &frame?.events {
            collector.push(event);
        }
    }
    let reply = collector.finish();
    Ok(reply.choices.first().map(|choice| choice.message.text()).unwrap_or_default())
}
