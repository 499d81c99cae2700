//! Carries a run out, whether or not anybody listens.

use backstay_core::{
    CallContext, MemoryOperationId,
    chat::{ChatRequest, Message, ToolCall, ToolChoice},
};
use backstay_wire::RequestExtension;
use futures::StreamExt as _;
use tokio::sync::mpsc;

use super::{
    BuiltinTool, EarlierCalls, RunEnd, RunEvent, RunStatus,
    active::Active,
    builtin::Workplace,
    earlier::calls_alone,
    events::Watching,
    rounds::{BREAK, ROUNDS_MAX, Rounds},
};
use crate::{Asked, Engine, details::TurnDetails};

/// A run that is ready to begin.
pub(super) struct Driving {
    pub(super) engine: Engine,
    pub(super) context: CallContext,
    pub(super) request: ChatRequest,
    pub(super) extension: RequestExtension,
    pub(super) details: TurnDetails,
    pub(super) hides_thinking: bool,
    /// Built-in tools, and what they work on.
    pub(super) workplace: Workplace,
    /// What was asked of them before the run waited.
    pub(super) earlier: Vec<EarlierCalls>,
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
        let Self {
            engine,
            context,
            request,
            extension,
            details,
            hides_thinking,
            workplace,
            earlier,
            active,
            events,
        } = self;
        let operation = details.operation.clone();
        let deciding = details.deciding.clone();
        let run = details.run.as_ref().map(|ticket| ticket.id.clone());
        let answering = answer(
            &engine,
            &context,
            (request, extension, details),
            (hides_thinking, &workplace, earlier, &events),
        );
        let end = tokio::select! {
            biased;
            () = active.cancelled() => RunEnd::empty(RunStatus::Cancelled, engine.clock().now()),
            end = answering => match &deciding {
                Some(deciding) => deciding.finish(end),
                None => end,
            },
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

/// Calls the model, carries out what it asks this server to do, and calls it again, until it answers or
/// needs its client.
async fn answer(
    engine: &Engine,
    context: &CallContext,
    (mut request, extension, mut details): (ChatRequest, RequestExtension, TurnDetails),
    (hides_thinking, workplace, earlier, events): (
        bool,
        &Workplace,
        Vec<EarlierCalls>,
        &mpsc::Sender<RunEvent>,
    ),
) -> RunEnd {
    let mut rounds = Rounds::default();
    match engine.repeat(context, workplace, earlier, &mut rounds).await {
        Ok(repeated) => details.repeated = repeated,
        Err(error) => return RunEnd::failed(error, engine.clock().now()),
    }
    details.builtin.clone_from(&workplace.offered);
    request.tools.extend(workplace.offered.iter().map(|tool| tool.definition()));
    let mut round = 0;
    loop {
        round += 1;
        if round == ROUNDS_MAX {
            request.tool_choice = Some(ToolChoice::None);
        }
        details.said_before.clone_from(&rounds.text);
        let call = Call {
            request: request.clone(),
            extension: extension.clone(),
            details: details.clone(),
        };
        let shown =
            Shown { hides_thinking, is_first: round == 1, said_before: &rounds.text, events };
        let (end, message) = call.make(engine, context, shown).await;
        let own: Vec<(BuiltinTool, ToolCall)> = end
            .tool_calls
            .iter()
            .filter_map(|call| {
                Some((BuiltinTool::find(&details.builtin, &call.name)?, call.clone()))
            })
            .collect();
        let is_whole = end.status != RunStatus::RequiresAction || own.len() < end.tool_calls.len();
        let Some(message) = message.filter(|_| !is_whole && !own.is_empty() && round < ROUNDS_MAX)
        else {
            let end = rounds.finish(end, &details.builtin);
            let ready = end.tool_calls.iter().cloned().map(RunEvent::ToolCallReady);
            tell(events, ready.collect()).await;
            return end;
        };
        rounds.add(&end);
        if let Some(run) = &mut details.run {
            run.rounds.push(calls_alone(&message));
        }
        request.messages.push(message);
        for (tool, call) in &own {
            match engine.carry_out(context, workplace, (*tool, call)).await {
                Ok(carried) => request.messages.push(rounds.carried(carried)),
                Err(error) => {
                    let failed = RunEnd::failed(error, engine.clock().now());
                    return rounds.finish(failed, &details.builtin);
                }
            }
        }
    }
}

/// One call of a run.
struct Call {
    request: ChatRequest,
    extension: RequestExtension,
    details: TurnDetails,
}

/// What of a call its client sees, and where.
struct Shown<'a> {
    hides_thinking: bool,
    is_first: bool,
    said_before: &'a str,
    events: &'a mpsc::Sender<RunEvent>,
}

impl Call {
    async fn make(
        self,
        engine: &Engine,
        context: &CallContext,
        shown: Shown<'_>,
    ) -> (RunEnd, Option<Message>) {
        let builtin = self.details.builtin.clone();
        let asked = Asked { cache: None, details: Some(self.details) };
        let replied = engine.respond_to(context, self.request, Some(self.extension), asked).await;
        let reply = match replied {
            Ok(reply) => reply,
            Err(error) => return (RunEnd::failed(error, engine.clock().now()), None),
        };
        let mut watching = Watching::of(&reply, shown.hides_thinking, &builtin);
        if shown.is_first {
            tell(shown.events, vec![watching.started()]).await;
        }
        let mut frames = reply.frames;
        let mut broken = None;
        let mut is_apart = shown.said_before.is_empty();
        while let Some(frame) = frames.next().await {
            match frame {
                Ok(frame) => {
                    for event in watching.push(&frame) {
                        if matches!(event, RunEvent::Text(_))
                            && !std::mem::replace(&mut is_apart, true)
                        {
                            tell(shown.events, vec![RunEvent::Text(BREAK.to_owned())]).await;
                        }
                        tell(shown.events, vec![event]).await;
                    }
                }
                Err(error) => broken = Some(error),
            }
        }
        watching.finish(broken, engine.clock().now())
    }
}

async fn tell(events: &mpsc::Sender<RunEvent>, told: Vec<RunEvent>) {
    for event in told {
        let _nobody_listens = events.send(event).await;
    }
}
