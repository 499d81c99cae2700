//! What Prometheus learns of a settled generation.

use backstay_core::chat::SettlementStatus;
use backstay_store::SettledGeneration;

pub(crate) fn record(settled: &SettledGeneration) {
    let provider = settled.provider.clone().unwrap_or_else(|| "none".to_owned());
    let status = match settled.status {
        SettlementStatus::Completed => "completed",
        SettlementStatus::Cancelled => "cancelled",
        _ => "failed",
    };
    if settled.cached.is_some() {
        metrics::counter!("backstay_cached_generations_total", "provider" => provider).increment(1);
        return;
    }
    metrics::counter!("backstay_generations_total", "provider" => provider.clone(), "status" => status)
        .increment(1);
    metrics::histogram!("backstay_generation_seconds", "provider" => provider.clone())
        .record(settled.latency_ms as f64 / 1_000.0);
    if let Some(first_token_ms) = settled.first_token_ms {
        metrics::histogram!("backstay_first_token_seconds", "provider" => provider.clone())
            .record(first_token_ms as f64 / 1_000.0);
    }
    if let Some(usage) = &settled.usage {
        for (class, count) in
            [("prompt", usage.prompt_tokens), ("completion", usage.completion_tokens)]
        {
            metrics::counter!("backstay_tokens_total", "provider" => provider.clone(), "class" => class)
                .increment(count);
        }
    }
    let extra_attempts = settled.attempts.len().saturating_sub(1);
    if extra_attempts > 0 {
        metrics::counter!("backstay_retries_total").increment(extra_attempts as u64);
    }
}
