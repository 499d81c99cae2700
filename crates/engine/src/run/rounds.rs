//! What the calls of one run come to together.

use backstay_core::{
    Money,
    chat::{Message, ToolCall},
};

use super::{BuiltinTool, RunEnd, RunStatus, Used, builtin::Carried};

/// Calls of built-in tools that one run may make its model wait for; the last answer has to do without.
pub(super) const ROUNDS_MAX: usize = 8;
/// Between what was said before a search and after it.
pub(crate) const BREAK: &str = "\n\n";

/// What was said and used before the call that is made now.
#[derive(Default)]
pub(super) struct Rounds {
    pub(super) text: String,
    reasoning: String,
    used: Option<Used>,
    /// Of each call of a tool that somebody may charge for.
    tool_costs: Vec<Option<Money>>,
    files: Vec<String>,
}

impl Rounds {
    pub(super) fn add(&mut self, round: &RunEnd) {
        append(&mut self.text, &round.text);
        append(&mut self.reasoning, &round.reasoning);
        self.used = together(self.used.take(), round.used.clone());
    }

    /// Takes note of what a tool has found and cost, and gives back what it says to the model.
    pub(super) fn carried(&mut self, carried: Carried) -> Message {
        let Carried { result, files, settlement } = carried;
        for file in files {
            if !self.files.contains(&file) {
                self.files.push(file);
            }
        }
        self.tool_costs.extend(settlement.map(|settlement| settlement.cost));
        result
    }

    /// The run's end: everything that was said, and the calls that its client has to answer.
    pub(super) fn finish(self, last: RunEnd, offered: &[BuiltinTool]) -> RunEnd {
        let Self { mut text, mut reasoning, used, tool_costs, files } = self;
        append(&mut text, &last.text);
        append(&mut reasoning, &last.reasoning);
        let of_client = |call: &ToolCall| BuiltinTool::find(offered, &call.name).is_none();
        let tool_calls: Vec<ToolCall> = last.tool_calls.into_iter().filter(of_client).collect();
        let status = match last.status {
            RunStatus::RequiresAction if tool_calls.is_empty() => RunStatus::Completed,
            status => status,
        };
        // Tools' calls are in the ledger too, and part of what the run costs.
        let used = together(used, last.used)
            .map(|used| Used { cost: tool_costs.into_iter().fold(used.cost, sum), ..used });
        RunEnd { status, text, reasoning, tool_calls, used, files, ..last }
    }
}

fn append(said: &mut String, more: &str) {
    if !said.is_empty() && !more.is_empty() {
        said.push_str(BREAK);
    }
    said.push_str(more);
}

/// Where the cost of one call is unknown, so is that of all.
fn sum(a: Option<Money>, b: Option<Money>) -> Option<Money> {
    a?.checked_add(b?)
}

fn together(before: Option<Used>, now: Option<Used>) -> Option<Used> {
    let (Some(before), Some(now)) = (&before, &now) else { return before.or(now) };
    Some(Used {
        input_tokens: before.input_tokens.saturating_add(now.input_tokens),
        output_tokens: before.output_tokens.saturating_add(now.output_tokens),
        cached_input_tokens: before.cached_input_tokens.saturating_add(now.cached_input_tokens),
        cache_write_tokens: before.cache_write_tokens.saturating_add(now.cache_write_tokens),
        cost: sum(before.cost, now.cost),
        ..now.clone()
    })
}
