//! Tools, tool choice, and the rule that every `tool_use` is answered in the next message.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::prompt::{Speaker, Tool, ToolChoice, Turn};
use crate::wire::is_name;

const MAX_NAME: usize = 128;

/// The tools of a request. Server tools (those with a `type` of their own) are known by name only.
pub(crate) fn tools(value: Option<&Value>) -> Result<Vec<Tool>, Failure> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let listed = value
        .as_array()
        .ok_or_else(|| Failure::bad_request("tools: Input should be a valid list"))?;
    let mut names = HashSet::new();
    let mut tools = Vec::new();
    for (at, tool) in listed.iter().enumerate() {
        let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
        if !is_name(name, MAX_NAME, "") {
            return Err(Failure::bad_request(format!(
                "tools.{at}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
            )));
        }
        if !names.insert(name) {
            return Err(Failure::bad_request("tools: Tool names must be unique."));
        }
        match tool.get("type").and_then(Value::as_str) {
            None | Some("custom") => {
                let schema = custom_schema(at, tool)?;
                tools.push(Tool { name: name.to_owned(), schema });
            }
            Some(_) => {}
        }
    }
    Ok(tools)
}

fn custom_schema(at: usize, tool: &Value) -> Result<Value, Failure> {
    let known = [
        "name",
        "type",
        "description",
        "input_schema",
        "cache_control",
        "strict",
        "input_examples",
        "defer_loading",
        "allowed_callers",
        "eager_input_streaming",
    ];
    let fields = tool.as_object().into_iter().flat_map(Map::keys);
    if let Some(unknown) = fields.into_iter().find(|name| !known.contains(&name.as_str())) {
        return Err(Failure::bad_request(format!(
            "tools.{at}.custom.{unknown}: Extra inputs are not permitted"
        )));
    }
    let schema = tool.get("input_schema").filter(|schema| schema.is_object()).ok_or_else(|| {
        Failure::bad_request(format!("tools.{at}.custom.input_schema: Field required"))
    })?;
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err(Failure::bad_request(format!(
            "tools.{at}.custom.input_schema.type: Input should be 'object'"
        )));
    }
    Ok(schema.clone())
}

/// The choice, and whether several calls may be made at once.
pub(crate) fn tool_choice(
    value: Option<&Value>,
    tools: &[Tool],
) -> Result<(ToolChoice, bool), Failure> {
    let Some(value) = value else { return Ok((ToolChoice::Auto, true)) };
    let parallel = value.get("disable_parallel_tool_use") != Some(&Value::Bool(true));
    let choice = match value.get("type").and_then(Value::as_str) {
        Some("auto") => ToolChoice::Auto,
        Some("none") => ToolChoice::Never,
        Some("any") if tools.is_empty() => {
            let message = "tool_choice: may only be specified while providing tools";
            return Err(Failure::bad_request(message));
        }
        Some("any") => ToolChoice::Any,
        Some("tool") => {
            let name = value.get("name").and_then(Value::as_str).unwrap_or_default();
            if !tools.iter().any(|tool| tool.name == name) {
                let message = format!("Tool '{name}' not found in provided tools");
                return Err(Failure::bad_request(message));
            }
            ToolChoice::Named(name.to_owned())
        }
        _ => {
            return Err(Failure::bad_request(
                "tool_choice: Input tag must be one of: 'auto', 'any', 'tool', 'none'",
            ));
        }
    };
    Ok((choice, parallel))
}

/// The calls of a conversation and which of them wait for an answer.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    all: HashSet<String>,
    /// Made by the previous message, not answered yet.
    waiting: Vec<String>,
    /// Made by this message.
    made: Vec<String>,
}

impl Calls {
    /// Reads a `tool_use` block; gives the text of its input.
    pub(crate) fn call(
        &mut self,
        at: usize,
        index: usize,
        block: &Value,
    ) -> Result<String, Failure> {
        let place = format!("messages.{at}.content.{index}.tool_use");
        let text = |name: &str| block.get(name).and_then(Value::as_str).unwrap_or_default();
        if !is_name(text("id"), usize::MAX, "") {
            let message = format!("{place}.id: String should match pattern '^[a-zA-Z0-9_-]+$'");
            return Err(Failure::bad_request(message));
        }
        if !is_name(text("name"), MAX_NAME, "") {
            let message =
                format!("{place}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'");
            return Err(Failure::bad_request(message));
        }
        let input = block.get("input").filter(|input| input.is_object()).ok_or_else(|| {
            Failure::bad_request(format!("{place}.input: Input should be a valid dictionary"))
        })?;
        if !self.all.insert(text("id").to_owned()) {
            return Err(Failure::bad_request("messages: `tool_use` ids must be unique"));
        }
        self.made.push(text("id").to_owned());
        Ok(input.to_string())
    }

    /// Refuses other content in front of the results that are due.
    pub(crate) fn check_none_due(&self, at: usize) -> Result<(), Failure> {
        self.waiting.first().map_or(Ok(()), |first| Err(unanswered(at.saturating_sub(1), first)))
    }

    /// Reads a `tool_result` block.
    pub(crate) fn answer(
        &mut self,
        at: usize,
        index: usize,
        block: &Value,
    ) -> Result<Turn, Failure> {
        let id = block.get("tool_use_id").and_then(Value::as_str).unwrap_or_default();
        let Some(found) = self.waiting.iter().position(|waiting| waiting == id) else {
            return Err(Failure::bad_request(format!(
                "messages.{at}.content.{index}: unexpected `tool_use_id` found in `tool_result` \
                 blocks: {id}. Each `tool_result` block must have a corresponding `tool_use` block \
                 in the previous message."
            )));
        };
        self.waiting.remove(found);
        let mut turn = Turn::new(Speaker::Tool);
        turn.cache_mark = block.get("cache_control").is_some_and(Value::is_object);
        match block.get("content") {
            None => {}
            Some(Value::String(text)) => turn.texts.push(text.clone()),
            Some(Value::Array(blocks)) => {
                for inner in blocks {
                    match inner.get("type").and_then(Value::as_str) {
                        Some("text") => turn
                            .texts
                            .extend(inner.get("text").and_then(Value::as_str).map(str::to_owned)),
                        Some("image") => turn.images += 1,
                        Some("document" | "search_result") => {}
                        _ => return Err(bad_result(at, index)),
                    }
                }
            }
            Some(_) => return Err(bad_result(at, index)),
        }
        Ok(turn)
    }

    /// Checks at the end of a message that it answered the calls of the one before.
    pub(crate) fn end_message(&mut self, at: usize, speaker: Speaker) -> Result<(), Failure> {
        self.check_none_due(at)?;
        if speaker == Speaker::Assistant {
            self.waiting = std::mem::take(&mut self.made);
        }
        Ok(())
    }

    /// Checks at the end of the conversation that no call waits.
    pub(crate) fn end_of_messages(&self, messages: usize) -> Result<(), Failure> {
        self.check_none_due(messages)
    }
}

/// With thinking on, a message whose calls are being answered must begin with its thinking.
pub(crate) fn check_thinking_is_kept(messages: Option<&Value>) -> Result<(), Failure> {
    let messages = messages.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let has = |message: &Value, kind: &str| {
        let blocks = message.get("content").and_then(Value::as_array);
        blocks.is_some_and(|blocks| blocks.iter().any(|block| block["type"] == kind))
    };
    let [.., asked, answered] = messages else { return Ok(()) };
    if !has(answered, "tool_result") {
        return Ok(());
    }
    let first = asked.pointer("/content/0/type").and_then(Value::as_str).unwrap_or_default();
    if matches!(first, "thinking" | "redacted_thinking") {
        return Ok(());
    }
    Err(Failure::bad_request(format!(
        "messages.{}.content.0.type: Expected `thinking` or `redacted_thinking`, but found \
         `{first}`. When `thinking` is enabled, a final `assistant` message must start with a \
         thinking block.",
        messages.len() - 2
    )))
}

fn bad_result(at: usize, index: usize) -> Failure {
    Failure::bad_request(format!(
        "messages.{at}.content.{index}.tool_result.content: Input should be a string or a list of \
         text, image, document or search_result blocks"
    ))
}

fn unanswered(at: usize, id: &str) -> Failure {
    Failure::bad_request(format!(
        "messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: \
         {id}. Each `tool_use` block must have a corresponding `tool_result` block in the next \
         message."
    ))
}
