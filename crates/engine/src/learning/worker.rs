//! Takes threads that are due and learns from them.

use std::{collections::HashMap, time::Duration};

use backstay_core::{
    CallContext, Error, ErrorCode, Result, ThreadId, Timestamp, WorkspaceId, chat::ChatRequest,
    memory::Scope,
};
use backstay_memory::learn::{
    self, LearningReply, PROMPT_VERSION, Segment, Turn, contract, prompt, segment,
};
use backstay_store::{
    LEARN_JOB, LearningInput, LearningResult, Lease, Retry, StatementSet, Workspace,
};
use futures::future::join_all;
use tokio::sync::{Mutex, MutexGuard};

use super::{
    LearningOptions, call,
    options::{fits, worst_case},
};
use crate::Engine;

/// Threads that one process learns from at the same time.
const AT_ONCE: usize = 4;
/// Longer than a call with every time-out and retry of its own; it begins anew for the second.
const LEASE_MICROS: i64 = 30 * 60 * 1_000_000;
/// After about six hours a person has to look at it.
const ATTEMPTS_MAX: u32 = 10;
/// Threads fall due by time alone, so that somebody has to look now and then.
const POLL: Duration = Duration::from_secs(2);
/// Before what an assistant says of facts that change others.
const ON_UPDATES: &str = "How what is new changes what is known (`op`): ";
const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

pub(crate) async fn learn_forever(engine: Engine, options: LearningOptions) {
    let wake = engine.jobs().to_learn();
    loop {
        match learn_from_due(&engine, &options).await {
            Ok(0) => {
                let _woken_or_time = tokio::time::timeout(POLL, wake.notified()).await;
            }
            Ok(count) => tracing::debug!(count, "learned from threads"),
            Err(error) => {
                tracing::warn!(%error, cause = error.context(), "learning could not begin");
                tokio::time::sleep(POLL).await;
            }
        }
    }
}

/// How many threads were due.
async fn learn_from_due(engine: &Engine, options: &LearningOptions) -> Result<usize> {
    let now = engine.clock().now();
    let leases = engine.store().lease_jobs(LEARN_JOB, AT_ONCE, lease_end(now), now).await?;
    let workspaces: HashMap<WorkspaceId, Mutex<()>> =
        leases.iter().map(|lease| (lease.workspace.clone(), Mutex::default())).collect();
    let count = leases.len();
    let settled = leases.into_iter().map(|lease| settle(engine, options, &workspaces, lease));
    join_all(settled).await;
    Ok(count)
}

/// Learns, and notes it when that failed.
async fn settle(
    engine: &Engine,
    options: &LearningOptions,
    workspaces: &HashMap<WorkspaceId, Mutex<()>>,
    lease: Lease,
) {
    let store = engine.store().workspace(&lease.workspace);
    // A budget that cannot be read may be there.
    let has_budget = store.has_budget().await.unwrap_or(true);
    let learning = Learning {
        engine,
        options,
        calls: workspaces.get(&lease.workspace),
        context: call::context(&lease.workspace, &lease.job, has_budget),
        store,
        lease,
    };
    let ended = match learning.run().await {
        Ok(()) => Ok(()),
        // Another worker has it, or a person discarded it.
        Err(Unlearned::Failed(error)) if error.code() == ErrorCode::Conflict => {
            tracing::info!(%error, thread = learning.lease.key, "learning was given up");
            Ok(())
        }
        Err(Unlearned::Failed(error)) if error.code() == ErrorCode::BudgetExceeded => {
            tracing::info!(%error, thread = learning.lease.key, "learning waits");
            let midnight = midnight_after(engine.clock().now());
            learning.fail(&error.to_string(), Retry::At(midnight)).await
        }
        Err(Unlearned::Failed(error)) => {
            tracing::warn!(%error, thread = learning.lease.key, "learning failed");
            learning.fail(&error.to_string(), Retry::BackOff { attempts_max: ATTEMPTS_MAX }).await
        }
        Err(Unlearned::Capped(reason)) => {
            tracing::info!(reason, thread = learning.lease.key, "learning waits");
            learning.fail(&reason, Retry::At(midnight_after(engine.clock().now()))).await
        }
    };
    if let Err(error) = ended {
        tracing::warn!(%error, thread = learning.lease.key, "the end of learning was not noted");
    }
}

/// Why nothing was learned.
enum Unlearned {
    Failed(Error),
    /// The workspace's limit for today is used up.
    Capped(String),
}

impl From<Error> for Unlearned {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

struct Learning<'a> {
    engine: &'a Engine,
    options: &'a LearningOptions,
    /// Held while the workspace's learning calls a model under a cap.
    calls: Option<&'a Mutex<()>>,
    store: Workspace,
    context: CallContext,
    lease: Lease,
}

impl Learning<'_> {
    async fn run(&self) -> Result<(), Unlearned> {
        let Some(thread) = ThreadId::parse(&self.lease.key) else {
            return Ok(self.store.complete_job(&self.lease, self.now()).await?);
        };
        let input = self.store.learning_input(&thread, segment::TURNS_MAX).await?;
        let Some(input) = input.filter(|input| !input.episodes.is_empty()) else {
            return Ok(self.store.complete_job(&self.lease, self.now()).await?);
        };
        if !self.store.memory_policy(&input.thread.scope).await?.learn {
            return Ok(self.store.complete_job(&self.lease, self.now()).await?);
        }
        self.learn(input).await
    }

    async fn learn(&self, input: LearningInput) -> Result<(), Unlearned> {
        let LearningInput { thread, episodes, summary } = input;
        let scope = thread.scope;
        let mut known =
            self.store.scope_statements(&scope, StatementSet::Believed).await?.statements;
        // What an application keeps word for word may be a whole file of its own.
        known.retain(|known| known.said.text.len() <= contract::TEXT_BYTES_MAX);
        let mut turns: Vec<Turn> = episodes
            .into_iter()
            .map(|stored| Turn { episode: stored.episode, trust: stored.trust })
            .collect();
        turns.truncate(segment::next_length(&turns));
        let up_to = turns.last().map_or(0, |turn| turn.episode.position.saturating_add(1));
        let segment = Segment { known: learn::related(&turns, &known), turns, summary };
        let instructions = self.instructions(&scope).await?;
        let verified = match self.ask(&scope, &segment, instructions.as_deref()).await? {
            Some(reply) => learn::verify(&reply, &segment, instructions.as_deref()),
            // The turns stay as they were said, and nothing else is known of them.
            None => learn::Verified::default(),
        };
        for rejected in &verified.rejected {
            tracing::debug!(why = %rejected.why, "a learned fact was not believed");
        }
        let learned_by = format!("{} {PROMPT_VERSION}", self.options.model);
        let result = LearningResult {
            scope: scope.clone(),
            thread: thread.id,
            up_to,
            changes: learn::reconcile(&verified.facts, &known, &learned_by),
            summary: verified.summary.map(|text| (text, learned_by)),
        };
        self.store.finish_learning(&self.lease, result, self.now()).await?;
        self.engine.jobs().embed_soon();
        Ok(())
    }

    /// What is worth remembering, in the operator's words and in those of whoever set the assistant up.
    async fn instructions(&self, scope: &Scope) -> Result<Option<String>> {
        let assistant = self.store.assistant_of_scope(&scope.assistant).await?;
        let settings = assistant.map(|assistant| assistant.settings).unwrap_or_default();
        let all = [
            self.options.instructions.clone(),
            settings.fact_prompt,
            settings.update_prompt.map(|prompt| format!("{ON_UPDATES}{prompt}")),
        ];
        let said: Vec<String> =
            all.into_iter().flatten().filter(|text| !text.trim().is_empty()).collect();
        Ok((!said.is_empty()).then(|| said.join("\n\n")))
    }

    /// The model's reply, mended once; `None` when it cannot be used even then.
    async fn ask(
        &self,
        scope: &Scope,
        segment: &Segment,
        instructions: Option<&str>,
    ) -> Result<Option<LearningReply>, Unlearned> {
        let request = prompt::request(&self.options.model, segment, instructions);
        let _alone = self.alone_if_capped().await?;
        self.check_cap(&request).await?;
        let answer = call::ask(self.engine, &self.context, scope, request.clone()).await?;
        let first = contract::parse(&answer);
        if first.problems.is_empty() {
            return Ok(first.reply);
        }
        let repair = prompt::repair(&request, &answer, &first.problems);
        self.check_cap(&repair).await?;
        self.store.extend_lease(&self.lease, lease_end(self.now())).await?;
        let answer = call::ask(self.engine, &self.context, scope, repair).await?;
        let second = contract::parse(&answer);
        // A repair that understood less is worse than what there was.
        let better = match (&first.reply, &second.reply) {
            (Some(before), Some(after)) => after.facts.len() >= before.facts.len(),
            (_, after) => after.is_some(),
        };
        Ok(if better { second.reply } else { first.reply })
    }

    /// What a call under way will have cost is not known: under a cap the calls of a workspace are
    /// made one after another, so that each sees what those before it have used up.
    async fn alone_if_capped(&self) -> Result<Option<MutexGuard<'_, ()>>> {
        let Some(calls) = self.calls.filter(|_| self.options.is_capped()) else { return Ok(None) };
        let alone = calls.lock().await;
        self.store.extend_lease(&self.lease, lease_end(self.now())).await?;
        Ok(Some(alone))
    }

    async fn check_cap(&self, request: &ChatRequest) -> Result<(), Unlearned> {
        if !self.options.is_capped() {
            return Ok(());
        }
        let spent = self.store.spent_on_learning(midnight_before(self.now())).await?;
        let resolved = self.engine.catalogue().resolve(&request.model)?;
        let price = resolved.endpoints.first().and_then(|endpoint| endpoint.price());
        let worst = worst_case(request.estimated_prompt_tokens());
        fits(self.options, &spent, price, &worst)
            .map_err(|reason| Unlearned::Capped(reason.to_string()))
    }

    async fn fail(&self, reason: &str, retry: Retry) -> Result<()> {
        self.store.fail_job(&self.lease, reason, retry, self.now()).await.map(|_| ())
    }

    fn now(&self) -> Timestamp {
        self.engine.clock().now()
    }
}

fn lease_end(now: Timestamp) -> Timestamp {
    Timestamp::from_micros(now.micros().saturating_add(LEASE_MICROS))
}

fn midnight_before(now: Timestamp) -> Timestamp {
    Timestamp::from_micros(now.micros().div_euclid(DAY_MICROS).saturating_mul(DAY_MICROS))
}

fn midnight_after(now: Timestamp) -> Timestamp {
    Timestamp::from_micros(midnight_before(now).micros().saturating_add(DAY_MICROS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_and_ends_at_midnight_utc() {
        let now = Timestamp::parse("2026-11-23T17:05:00Z").unwrap();
        assert_eq!(midnight_before(now), Timestamp::parse("2026-11-23T00:00:00Z").unwrap());
        assert_eq!(midnight_after(now), Timestamp::parse("2026-11-24T00:00:00Z").unwrap());
        let midnight = midnight_after(now);
        assert_eq!(midnight_before(midnight), midnight);
    }
}
