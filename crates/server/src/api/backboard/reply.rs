//! The whole answer of a run: one flat object, which every version of the clients can read.

use backstay_core::{
    AssistantId, Clock, Error, MessageId, RunId, ThreadId, Timestamp,
    chat::{RecalledBlock, ToolCall},
    memory::Recalled,
};
use backstay_engine::{ContextUse, Noted, Run, RunEnd, RunStatus, Used};
use serde_json::{Map, Value, json};

use super::ids::shown;

const NO_WEB_SEARCH: &str = "web_search: no search service is configured on this server, so the model \
could not search the web";

/// Of what a run is, before anything is known of its answer.
#[derive(Clone)]
pub(super) struct RunNames {
    pub(super) run: RunId,
    pub(super) thread: ThreadId,
    pub(super) assistant: AssistantId,
    pub(super) answer: MessageId,
    /// What the user said, and as what it is kept; `None` for a run that goes on.
    pub(super) asked: Option<(MessageId, String)>,
    /// What came with what the user said.
    pub(super) attachments: Vec<Value>,
    /// Whether memory was used at all.
    pub(super) recalls: bool,
    /// Whether the answer is to be a JSON object.
    pub(super) json_output: bool,
    /// Whether the answer is to mark which memories it rests on.
    pub(super) cites: bool,
    /// What was asked for and cannot be had here.
    pub(super) warnings: Vec<&'static str>,
}

/// What a run was asked for and cannot have here.
pub(super) fn warnings(run: &Run) -> Vec<&'static str> {
    run.lacks_web_search.then_some(NO_WEB_SEARCH).into_iter().collect()
}

pub(super) fn of_end(names: &RunNames, end: &RunEnd, clock: &Clock) -> Value {
    let message = match &end.status {
        RunStatus::Completed => "Message added successfully",
        RunStatus::RequiresAction => "Tool outputs are required",
        RunStatus::Cancelled => "Run cancelled",
        RunStatus::Failed(_) => "Message processing failed",
    };
    let mut body = Map::new();
    body.insert("message".to_owned(), json!(message));
    body.insert("thread_id".to_owned(), json!(shown!(names.thread)));
    body.insert("assistant_id".to_owned(), json!(shown!(names.assistant)));
    body.insert("message_id".to_owned(), json!(shown!(names.answer)));
    body.insert("role".to_owned(), json!("assistant"));
    body.insert("content".to_owned(), json!(content(names, end)));
    body.insert("status".to_owned(), json!(status(&end.status)));
    body.extend(of_tools(end));
    body.insert("run_id".to_owned(), json!(names.run));
    body.extend(of_memory(names, end));
    body.insert("reasoning".to_owned(), json!(reasoning(end)));
    body.extend(of_use(end.used.as_ref()));
    body.insert("context_usage".to_owned(), context_usage(end.context.as_ref()));
    let attachments = (!names.attachments.is_empty()).then_some(&names.attachments);
    body.insert("attachments".to_owned(), json!(attachments));
    body.insert("generated_media".to_owned(), json!([]));
    body.insert("voice_records".to_owned(), Value::Null);
    body.insert("system_one".to_owned(), system_one(end));
    if let RunStatus::Failed(error) = &end.status {
        body.insert("error".to_owned(), of_error(error));
    }
    let created_at = end.ended_at.to_micros_text();
    body.insert("created_at".to_owned(), json!(created_at));
    body.insert("timestamp".to_owned(), json!(clock.now().to_micros_text()));
    let latest = latest(&body);
    body.insert("latest_message".to_owned(), latest);
    Value::Object(body)
}

/// The answers to typed questions, and what they have cost.
fn system_one(end: &RunEnd) -> Value {
    let (Some(answers), Some(used)) = (&end.answers, &end.used) else { return Value::Null };
    json!({
        "model": used.model,
        "answers": answers,
        "usage": {"input_tokens": used.input_tokens, "output_tokens": used.output_tokens},
    })
}

/// The reply to a message that nobody was asked to answer.
pub(super) fn of_note(
    noted: &Noted,
    assistant: &AssistantId,
    content: &str,
    at: Timestamp,
) -> Value {
    let at = at.to_micros_text();
    let mut body = Map::from_iter([
        ("message".to_owned(), json!("Message saved")),
        ("thread_id".to_owned(), json!(shown!(noted.thread))),
        ("assistant_id".to_owned(), json!(shown!(assistant))),
        ("message_id".to_owned(), json!(shown!(noted.message))),
        ("role".to_owned(), json!("user")),
        ("content".to_owned(), json!(content)),
        ("status".to_owned(), json!("COMPLETED")),
        ("memory_operation_id".to_owned(), json!(noted.operation.as_ref().map(|id| shown!(id)))),
        ("created_at".to_owned(), json!(at)),
        ("timestamp".to_owned(), json!(at)),
    ]);
    let latest = latest(&body);
    body.insert("latest_message".to_owned(), latest);
    Value::Object(body)
}

/// What the first versions of the Python client read instead of the flat object.
fn latest(body: &Map<String, Value>) -> Value {
    const MEMBERS: [&str; 8] = [
        "message_id",
        "role",
        "created_at",
        "model_provider",
        "model_name",
        "input_tokens",
        "output_tokens",
        "total_tokens",
    ];
    let members =
        MEMBERS.iter().filter_map(|name| Some((name.to_string(), body.get(*name)?.clone())));
    let mut latest: Map<String, Value> = members.collect();
    latest.insert("metadata_".to_owned(), Value::Null);
    Value::Object(latest)
}

pub(super) fn status(status: &RunStatus) -> &'static str {
    match status {
        RunStatus::Completed => "COMPLETED",
        RunStatus::RequiresAction => "REQUIRES_ACTION",
        RunStatus::Cancelled => "CANCELLED",
        RunStatus::Failed(_) => "FAILED",
    }
}

/// Clients recognise a failure by how its text begins.
pub(super) fn failure(error: &Error) -> String {
    format!("LLM Error: {}", error.message())
}

pub(super) fn of_error(error: &Error) -> Value {
    json!({"code": error.code().as_str(), "message": error.message()})
}

pub(super) fn content(names: &RunNames, end: &RunEnd) -> String {
    match &end.status {
        RunStatus::Failed(error) => failure(error),
        _ if names.json_output => without_fence(&end.text).to_owned(),
        _ => end.text.clone(),
    }
}

/// The JSON that some models put into a code fence.
fn without_fence(text: &str) -> &str {
    let trimmed = text.trim();
    let inner = trimmed.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    let Some(inner) = inner else { return text };
    inner.strip_prefix("json").unwrap_or(inner).trim()
}

pub(super) fn reasoning(end: &RunEnd) -> Option<&str> {
    (!end.reasoning.is_empty()).then_some(end.reasoning.as_str())
}

pub(super) fn of_tools(end: &RunEnd) -> Map<String, Value> {
    let calls = (!end.tool_calls.is_empty()).then(|| tool_calls(end.tool_calls.iter()));
    Map::from_iter([("tool_calls".to_owned(), json!(calls))])
}

pub(super) fn tool_calls<'a>(calls: impl Iterator<Item = &'a ToolCall>) -> Value {
    calls.map(tool_call).collect()
}

pub(super) fn tool_call(call: &ToolCall) -> Value {
    let arguments = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
    json!({
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    })
}

pub(super) fn of_memory(names: &RunNames, end: &RunEnd) -> Map<String, Value> {
    let cited_in = names.cites.then_some(end.text.as_str());
    let retrieved = names.recalls.then(|| memories(&end.recalled, cited_in));
    Map::from_iter([
        ("memory_operation_id".to_owned(), json!(end.operation.as_ref().map(|id| shown!(id)))),
        ("retrieved_memories".to_owned(), json!(retrieved)),
        ("retrieved_files".to_owned(), json!(end.files)),
        ("retrieved_files_count".to_owned(), json!(end.files.len())),
        ("warnings".to_owned(), json!(names.warnings)),
    ])
}

/// `cited_in` is an answer that marks what it rests on.
pub(super) fn memories(recalled: &[Recalled], cited_in: Option<&str>) -> Value {
    let shown = (1..).zip(recalled).map(|(number, item)| {
        let mut shown =
            json!({"id": item.id.to_string(), "memory": item.text, "score": item.score});
        if let Some(answer) = cited_in {
            let mark = RecalledBlock::mark(number);
            shown["cited"] = json!(answer.contains(&mark));
            shown["citation"] = json!(mark);
        }
        shown
    });
    shown.collect()
}

/// Token counts and cost, as far as they are known.
pub(super) fn of_use(used: Option<&Used>) -> Map<String, Value> {
    let cost =
        used.and_then(|used| used.cost).and_then(|cost| cost.to_string().parse::<f64>().ok());
    Map::from_iter([
        ("model_provider".to_owned(), json!(used.map(|used| &used.provider))),
        ("model_name".to_owned(), json!(used.map(|used| &used.model))),
        ("input_tokens".to_owned(), json!(used.map(|used| used.input_tokens))),
        ("output_tokens".to_owned(), json!(used.map(|used| used.output_tokens))),
        (
            "total_tokens".to_owned(),
            json!(used.map(|used| used.input_tokens.saturating_add(used.output_tokens))),
        ),
        ("cached_input_tokens".to_owned(), json!(used.map(|used| used.cached_input_tokens))),
        ("cache_write_input_tokens".to_owned(), json!(used.map(|used| used.cache_write_tokens))),
        ("cost_usd".to_owned(), json!(cost)),
    ])
}

/// Complete or null: clients take no part of it for the whole.
pub(super) fn context_usage(context: Option<&ContextUse>) -> Value {
    let Some(context) = context else { return Value::Null };
    let percent = context.used_tokens as f64 * 100.0 / context.limit as f64;
    json!({
        "percent": (percent * 100.0).round() / 100.0,
        "used_tokens": context.used_tokens,
        "context_limit": context.limit,
        "summary_tokens": context.summary_tokens,
        "model": context.model,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_around_json_is_taken_off_and_others_stay() {
        assert_eq!(without_fence("```json\n{\"a\": 1}\n```"), "{\"a\": 1}");
        assert_eq!(without_fence("{\"a\": 1}"), "{\"a\": 1}");
        assert_eq!(without_fence("see ```code```"), "see ```code```");
    }
}
