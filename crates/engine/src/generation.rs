//! Around each model call: intent, route, meter, settle. The only place that touches money.

use std::sync::Arc;

use backstay_core::{
    CallContext, Error, GenerationId, RateUse, Result, Spending, chat::ChatRequest,
};
use backstay_routing::{AttemptLog, Endpoint, Plan, RouterTrace};
use backstay_store::NewGeneration;
use futures::stream;

use crate::{
    Engine, Reply, Served,
    conversation::{Keep, Turn},
    meter::{Guard, metered},
    open::Open,
    reserve::{self, Quote, Work},
    response_cache::{Hit, Recording},
    slices::Reservation,
};

/// Records the intent, starts the best endpoint that works, and returns its answer, metered. When
/// this function fails, the generation is settled as failed before it returns.
pub(crate) async fn call(
    engine: &Engine,
    context: &CallContext,
    mut plan: Plan,
    turn: Turn,
    recording: Option<Recording>,
) -> Result<Reply> {
    let Turn { request, keep, recalled, memory_tokens, summary_tokens, .. } = turn;
    let request = Arc::new(request);
    let thread = keep.thread.requested().cloned();
    plan.prefer(|endpoint| reserve::is_affordable(context, endpoint));
    let call = Call {
        request: Arc::clone(&request),
        keep,
        memory_tokens,
        endpoints: &plan.endpoints,
        work: Work::Chat(&request),
    };
    let mut guard = begin(engine, context, call).await?;
    guard.record(recording);
    let generation = guard.id().clone();
    let log = guard.attempts();
    let started = tokio::select! {
        biased;
        revoked = guard.revoked() => Err(revoked),
        started = engine.router().run(&plan, &request, &log) => started,
    };
    match started {
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
                summary_tokens,
                dropped_parameters: started.dropped,
                router,
                cache: None,
                store_is_away: context.store_is_away,
                frames: metered(guard, started.frames),
            })
        }
        Err(error) => Err(guard.fail(error).await?),
    }
}

/// Gives an earlier answer again: a call of its own in the ledger, which costs nothing.
pub(crate) async fn repeat(
    engine: &Engine,
    context: &CallContext,
    turn: Turn,
    hit: Hit,
) -> Result<Reply> {
    let Turn { request, keep, recalled, memory_tokens, summary_tokens, .. } = turn;
    let Hit { from, endpoint, dropped, frames, .. } = hit;
    let thread = keep.thread.requested().cloned();
    let request = Arc::new(request);
    let call = Call { request, keep, memory_tokens, endpoints: &[], work: Work::Repeated };
    let mut guard = begin(engine, context, call).await?;
    let generation = guard.id().clone();
    let served = Served::by(&endpoint);
    guard.answering(endpoint, None, &dropped);
    guard.repeating(from);
    Ok(Reply {
        generation,
        served,
        thread,
        recalled,
        memory_tokens,
        summary_tokens,
        dropped_parameters: dropped,
        router: None,
        cache: None,
        store_is_away: false,
        frames: metered(guard, Box::pin(stream::iter(frames.into_iter().map(Ok)))),
    })
}

/// A call that is about to be made.
pub(crate) struct Call<'a> {
    pub(crate) request: Arc<ChatRequest>,
    pub(crate) keep: Keep,
    pub(crate) memory_tokens: u64,
    /// The endpoints that will be tried, in order.
    pub(crate) endpoints: &'a [Endpoint],
    pub(crate) work: Work<'a>,
}

/// Makes the intent durable, with what the call may cost set aside; from here on the guard sees to it
/// that the row is settled.
pub(crate) async fn begin(engine: &Engine, context: &CallContext, call: Call<'_>) -> Result<Guard> {
    let Call { request, keep, memory_tokens, endpoints, work } = call;
    let id = GenerationId::new(engine.clock(), engine.random())?;
    let started_at = engine.clock().now();
    let quote = Quote { engine, work, endpoints, at: started_at };
    let reservation = quote.reservation(context)?;
    let rates = engine.admission().rates();
    let rates_of = (&context.workspace, &context.key);
    let limits = &context.rate_limits;
    let rate_hold = match quote.rate_use(context) {
        Some(wanted) => Some(rates.take(rates_of, limits, wanted, started_at).await?),
        None => None,
    };
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
        reservation,
    };
    let open = Open {
        engine: engine.clone(),
        context: context.clone(),
        id,
        started_at,
        attempts: AttemptLog::default(),
        request,
        keep,
        reservation: None,
        rate_hold,
        endpoint: None,
        conversation: None,
        first_token_at: None,
        dropped: Vec::new(),
        cached: None,
        recording: None,
    };
    // A caller who leaves while the row is written must not leave it open.
    engine.jobs().finish(record(intent, open)).await
}

async fn record(intent: NewGeneration, mut open: Open) -> Result<Guard> {
    let Open { engine, context, .. } = &open;
    match reserve_and_record(engine, context, intent).await {
        Ok(reservation) => {
            open.reservation = reservation;
            Ok(Guard::new(open))
        }
        Err(error) => {
            if let Some(hold) = open.rate_hold {
                let rates = engine.admission().rates();
                let of = (&context.workspace, &context.key);
                let unused = (hold, RateUse::default());
                rates.correct(of, &context.rate_limits, unused, open.started_at);
            }
            Err(error)
        }
    }
}

async fn reserve_and_record(
    engine: &Engine,
    context: &CallContext,
    intent: NewGeneration,
) -> Result<Option<Reservation>> {
    if context.store_is_away {
        let spool = engine.spool().ok_or_else(|| Error::internal("no call can be kept"))?;
        spool.begin(&context.workspace, intent).await?;
        return Ok(None);
    }
    let store = engine.store().workspace(&context.workspace);
    let is_strict = matches!(context.spending, Spending::Limited { strict: true, .. });
    match engine.slices().filter(|_| !is_strict) {
        Some(slices) => slices.begin(&store, intent).await,
        None => {
            let amount = intent.reservation.as_ref().map(|wanted| wanted.amount);
            store.begin_generation(intent).await?;
            Ok(amount.map(Reservation::in_budgets))
        }
    }
}
