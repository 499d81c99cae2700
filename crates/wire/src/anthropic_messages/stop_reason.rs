//! The words for why an answer ended.

use backstay_core::chat::FinishReason;

/// A reason that other formats have no word for (`pause_turn`) keeps its own.
pub(super) fn read(word: &str) -> FinishReason {
    match word {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::ContentFilter,
        other => FinishReason::Other(other.to_owned()),
    }
}

/// Which stop sequence it was, other formats do not say: a stop is an `end_turn`.
pub(super) fn write(reason: &FinishReason) -> &str {
    match reason {
        FinishReason::Stop => "end_turn",
        FinishReason::Length => "max_tokens",
        FinishReason::ToolCalls => "tool_use",
        FinishReason::ContentFilter => "refusal",
        FinishReason::Other(word) => word,
    }
}
