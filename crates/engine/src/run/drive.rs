//! Carries a run out, whether or not anybody listens.

use backstay_core::{
    CallContext, MemoryOperationId, Result,
    chat::{ChatRequest, Frame},
};
use backstay_wire::RequestExtension;
use futures::StreamExt as _;
use tokio::sync::mpsc;

use super::{RunEnd, RunEvent, RunStatus, active::Active, events::Watching};
use crate::{Asked, Engine, details::TurnDetails};

/// A run that is ready to begin.
pub(super) struct Driving {
    pub(super) engine: Engine,
    pub(super) context: CallContext,
    pub(super) request: ChatRequest,
    pub(super) extension: RequestExtension,
    pub(super) details: TurnDetails,
    pub(super) hides_thinking: bool,
    pub(super) active: Active,
    /// What happens is told here; when nobody listens any more, it happens all the same.
    pub(super) events: mpsc::Sender<RunEvent>,
}

impl Driving {
    pub(super) async fn run(self) {
        let events = self.events.clone();
        let end = self.end().await;
        let _nobody_listens = events.send(RunEvent::Ended(Box::new(end))).await;
    }

    async fn end(self) -> RunEnd {
        let Self { engine, context, request, extension, details, hides_thinking, active, events } =
            self;
        let operation = details.operation.clone();
        let run = details.run.as_ref().map(|ticket| ticket.id.clone());
        let answering =
            answer(&engine, &context, (request, extension, details), (hides_thinking, &events));
        let end = tokio::select! {
            biased;
            () = active.cancelled() => RunEnd::empty(RunStatus::Cancelled, engine.clock().now()),
            end = answering => end,
        };
        if let (Some(run), RunStatus::Failed(_)) = (&run, &end.status) {
            let store = engine.store().workspace(&context.workspace);
            if let Err(error) = store.release_run(run).await {
                tracing::warn!(%error, %run, "a run that failed may be gone on with only later");
            }
        }
        with_operation(end, operation)
    }
}

/// An answer in which nothing was said is not kept, and nothing is learned from it.
fn with_operation(end: RunEnd, operation: Option<MemoryOperationId>) -> RunEnd {
    let is_kept = !end.text.is_empty() || !end.tool_calls.is_empty();
    RunEnd { operation: operation.filter(|_| is_kept), ..end }
}

async fn answer(
    engine: &Engine,
    context: &CallContext,
    (request, extension, details): (ChatRequest, RequestExtension, TurnDetails),
    (hides_thinking, events): (bool, &mpsc::Sender<RunEvent>),
) -> RunEnd {
    let asked = Asked { cache: None, details: Some(details) };
    let replied = engine.respond_to(context, request, Some(extension), asked).await;
    let reply = match replied {
        Ok(reply) => reply,
        Err(error) => return RunEnd::failed(error, engine.clock().now()),
    };
    let mut watching = Watching::of(&reply, hides_thinking);
    tell(events, vec![watching.started()]).await;
    let mut frames = reply.frames;
    let mut broken = None;
    while let Some(frame) = frames.next().await {
        let frame: Result<Frame> = frame;
        match frame {
            Ok(frame) => tell(events, watching.push(&frame)).await,
            Err(error) => broken = Some(error),
        }
    }
    let end = watching.finish(broken, engine.clock().now());
    let ready = end.tool_calls.iter().cloned().map(RunEvent::ToolCallReady);
    tell(events, ready.collect()).await;
    end
}

async fn tell(events: &mpsc::Sender<RunEvent>, told: Vec<RunEvent>) {
    for event in told {
        let _nobody_listens = events.send(event).await;
    }
}
