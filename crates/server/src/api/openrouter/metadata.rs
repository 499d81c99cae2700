//! `openrouter_metadata`: how the endpoint was chosen, for a client that asks in OpenRouter's header.

use backstay_engine::Served;
use backstay_routing::{Attempt, CandidateTrace, RouterTrace};
use serde_json::{Value, json};

pub(crate) fn write(trace: &RouterTrace, served: &Served) -> Value {
    let tried: Vec<&CandidateTrace> =
        trace.candidates.iter().filter(|candidate| candidate.place.is_some()).collect();
    let answering = trace.attempts.iter().rev().find(|attempt| attempt.error.is_none());
    let selected = answering.map(|attempt| format!("{}/{}", attempt.provider, attempt.model));
    let available: Vec<Value> =
        tried.iter().map(|candidate| endpoint(candidate, selected.as_deref())).collect();
    let strategy = if trace.requested.len() > 1 { "fallback" } else { "direct" };
    json!({
        "requested": trace.requested.first().map(String::as_str).unwrap_or_default(),
        "strategy": strategy,
        "region": null,
        "summary": summary(trace, tried.len(), served),
        "attempt": trace.attempts.len().max(1),
        "is_byok": false,
        "endpoints": {"total": trace.candidates.len(), "available": available},
        "attempts": trace.attempts.iter().map(attempt).collect::<Vec<_>>(),
    })
}

fn endpoint(candidate: &CandidateTrace, selected: Option<&str>) -> Value {
    let (provider, _) =
        candidate.endpoint.split_once('/').unwrap_or((candidate.endpoint.as_str(), ""));
    json!({
        "provider": provider,
        "model": candidate.requested,
        "selected": selected == Some(candidate.endpoint.as_str()),
    })
}

/// A failed attempt without a status of the provider's is told with ours.
fn attempt(attempt: &Attempt) -> Value {
    let failed = attempt.error.map(|code| attempt.http_status.unwrap_or(code.status()));
    json!({
        "provider": attempt.provider,
        "model": attempt.model,
        "status": failed.or(attempt.http_status).unwrap_or(200),
    })
}

fn summary(trace: &RouterTrace, available: usize, served: &Served) -> String {
    let removed = trace.candidates.len() - available;
    let failed = trace.attempts.iter().filter(|attempt| attempt.error.is_some()).count();
    format!(
        "{available} endpoints available, {removed} removed by filters, {failed} attempts failed; {} \
         answered",
        served.provider
    )
}
