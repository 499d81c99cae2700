//! Around each model call: intent, route, meter, settle. The only place that touches money.

use std::sync::Arc;

use backstay_core::{CallContext, GenerationId, Result, chat::ChatRequest};
use backstay_routing::{AttemptLog, Plan, RouterTrace};
use backstay_store::NewGeneration;

use crate::{
    Engine, Reply, Served,
    conversation::{Keep, Turn},
    meter::{Guard, metered},
    open::Open,
};

/// Records the intent, starts the best endpoint that works, and returns its answer, metered. When
/// this function fails, the generation is settled as failed before it returns.
pub(crate) async fn call(
    engine: &Engine,
    context: &CallContext,
    plan: Plan,
    turn: Turn,
) -> Result<Reply> {
    let Turn { request, keep, recalled, memory_tokens } = turn;
    let request = Arc::new(request);
    let thread = keep.thread.requested().cloned();
    let mut guard = begin(engine, context, Arc::clone(&request), keep, memory_tokens).await?;
    let generation = guard.id().clone();
    let log = guard.attempts();
    match engine.router().run(&plan, &request, &log).await {
        Ok(started) => {
            let router = plan.trace.map(|trace| RouterTrace { attempts: log.all(), ..trace });
            let served = Served::by(&started.endpoint);
            guard.answering(started.endpoint, plan.conversation, &started.dropped);
            Ok(Reply {
                generation,
                served,
                thread,
                recalled,
                memory_tokens,
                dropped_parameters: started.dropped,
                router,
                frames: metered(guard, started.frames),
            })
        }
        Err(error) => {
            guard.fail(&error).await?;
            Err(error)
        }
    }
}

/// Makes the intent durable; from here on the guard sees to it that the row is settled.
pub(crate) async fn begin(
    engine: &Engine,
    context: &CallContext,
    request: Arc<ChatRequest>,
    keep: Keep,
    memory_tokens: u64,
) -> Result<Guard> {
    let id = GenerationId::new(engine.clock(), engine.random())?;
    let started_at = engine.clock().now();
    let scope = keep.scope.as_ref();
    let intent = NewGeneration {
        id: id.clone(),
        request: context.request.clone(),
        key: context.key.clone(),
        requested_model: request.model.clone(),
        stream: request.stream,
        started_at,
        thread: keep.thread.requested().cloned(),
        assistant: scope.map(|scope| scope.assistant.clone()),
        user: scope.and_then(|scope| scope.user.clone()),
        memory_tokens,
    };
    engine.store().workspace(&context.workspace).begin_generation(intent).await?;
    Ok(Guard::new(Open {
        engine: engine.clone(),
        context: context.clone(),
        id,
        started_at,
        attempts: AttemptLog::default(),
        request,
        keep,
        endpoint: None,
        conversation: None,
        first_token_at: None,
        dropped: Vec::new(),
    }))
}
