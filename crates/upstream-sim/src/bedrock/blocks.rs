//! Reads and checks the messages of a request: roles, blocks, and the order of tool uses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::prompt::{Speaker, Turn};
use crate::wire::{given, is_name};

const MAX_NAME: usize = 64;

pub(super) fn bad(what: impl AsRef<str>) -> Failure {
    Failure::bad_request(what.as_ref())
}

/// The turns, and whether any of them uses a tool.
pub(super) fn read(value: Option<&Value>) -> Result<(Vec<Turn>, bool), Failure> {
    let messages = value.and_then(Value::as_array).filter(|all| !all.is_empty());
    let messages = messages.ok_or_else(|| {
        bad("A conversation must start with a user message. Try again with a conversation that \
             starts with a user message.")
    })?;
    let mut turns = Vec::with_capacity(messages.len());
    let mut waiting: Vec<String> = Vec::new();
    let mut uses_tools = false;
    for (at, message) in messages.iter().enumerate() {
        let object = message.as_object().ok_or_else(|| bad("messages must hold objects."))?;
        let speaker = match (given(object, "role").and_then(Value::as_str), at % 2) {
            (Some("user"), 0) => Speaker::User,
            (Some("assistant"), 1) => Speaker::Assistant,
            _ => {
                return Err(bad(
                    "A conversation must alternate between user and assistant roles. Make sure the \
                     conversation alternates between user and assistant roles and try again.",
                ));
            }
        };
        let mut reader = Reader { at, speaker, turn: Turn::new(speaker), ..Reader::default() };
        let blocks = given(object, "content").and_then(Value::as_array);
        let blocks = blocks.filter(|blocks| !blocks.is_empty()).ok_or_else(|| {
            bad(format!(
                "The content field in the Message object at messages.{at} is empty. Add a \
                 ContentBlock object to the content field and try again."
            ))
        })?;
        blocks.iter().try_for_each(|block| reader.block(block))?;
        reader.check_documents()?;
        let mut answered = std::mem::take(&mut reader.answered);
        answered.sort();
        waiting.sort();
        if answered != waiting {
            return Err(bad(format!(
                "The number of toolResult blocks at messages.{at}.content does not match that of \
                 the toolUse blocks of previous turn."
            )));
        }
        waiting = std::mem::take(&mut reader.used);
        uses_tools |= !waiting.is_empty();
        turns.extend(reader.into_turns());
    }
    if !waiting.is_empty() {
        return Err(bad("Expected toolResult blocks for the toolUse blocks of the last turn."));
    }
    Ok((turns, uses_tools))
}

/// Reads one message.
struct Reader {
    at: usize,
    speaker: Speaker,
    turn: Turn,
    results: Vec<Turn>,
    used: Vec<String>,
    answered: Vec<String>,
    documents: usize,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            at: 0,
            speaker: Speaker::User,
            turn: Turn::new(Speaker::User),
            results: Vec::new(),
            used: Vec::new(),
            answered: Vec::new(),
            documents: 0,
        }
    }
}

impl Reader {
    fn block(&mut self, block: &Value) -> Result<(), Failure> {
        let members = block.as_object().filter(|members| members.len() == 1);
        let only = members.and_then(|members| members.iter().next());
        let (name, value) = only.ok_or_else(|| {
            bad(format!("messages.{}.content: a block must have exactly one member.", self.at))
        })?;
        match (self.speaker, name.as_str()) {
            (_, "text") => {
                let text = self.text(value)?;
                self.turn.texts.push(text);
            }
            (Speaker::User, "image") => self.image(value)?,
            (Speaker::User, "document") => self.document(value)?,
            (Speaker::User, "toolResult") => self.result(value)?,
            (Speaker::Assistant, "toolUse") => self.tool_use(value)?,
            (Speaker::Assistant, "reasoningContent") => self.reasoning(value)?,
            (_, "cachePoint") => self.turn.cache_mark = true,
            _ => {
                return Err(bad(format!(
                    "messages.{}.content: a message of this role cannot have {name}.",
                    self.at
                )));
            }
        }
        Ok(())
    }

    fn text(&self, value: &Value) -> Result<String, Failure> {
        let text = value.as_str().filter(|text| !text.trim().is_empty());
        text.map(str::to_owned).ok_or_else(|| {
            bad(format!(
                "The text field in the ContentBlock object at messages.{} is blank. Add text to \
                 the text field, and try again.",
                self.at
            ))
        })
    }

    fn image(&mut self, value: &Value) -> Result<(), Failure> {
        let format = value.get("format").and_then(Value::as_str).unwrap_or_default();
        if !["png", "jpeg", "gif", "webp"].contains(&format) || !has_bytes(value) {
            return Err(bad("The image has an unknown format or no valid bytes."));
        }
        self.turn.images += 1;
        Ok(())
    }

    fn document(&mut self, value: &Value) -> Result<(), Failure> {
        let name = value.get("name").and_then(Value::as_str).unwrap_or_default();
        let fits = |c: char| c.is_ascii_alphanumeric() || " -()[]".contains(c);
        if name.is_empty() || name.contains("  ") || !name.chars().all(fits) {
            return Err(bad(
                "The document file name can only contain alphanumeric characters, whitespace \
                 characters, hyphens, parentheses, and square brackets.",
            ));
        }
        if value.get("format").and_then(Value::as_str).is_none() || !has_bytes(value) {
            return Err(bad("The document has no format or no valid bytes."));
        }
        self.documents += 1;
        Ok(())
    }

    fn check_documents(&self) -> Result<(), Failure> {
        if self.documents == 0 || !self.turn.texts.is_empty() {
            return Ok(());
        }
        Err(bad("A text block must be included when using documents."))
    }

    fn tool_use(&mut self, value: &Value) -> Result<(), Failure> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        let (id, name) = (text("toolUseId"), text("name"));
        let input = value.get("input").filter(|input| input.is_object());
        let (true, true, Some(input)) =
            (is_name(id, MAX_NAME, ""), is_name(name, MAX_NAME, ""), input)
        else {
            return Err(bad(format!(
                "Value at 'messages.{}.content.toolUse' failed to satisfy constraint: Member must \
                 satisfy regular expression pattern: [a-zA-Z0-9_-]+",
                self.at
            )));
        };
        self.used.push(id.to_owned());
        self.turn.texts.push(input.to_string());
        Ok(())
    }

    fn reasoning(&self, value: &Value) -> Result<(), Failure> {
        let is_redacted = value.get("redactedContent").is_some_and(Value::is_string);
        let is_signed = value.pointer("/reasoningText/signature").is_some_and(Value::is_string);
        if is_redacted || is_signed { Ok(()) } else { Err(bad("reasoningText must be signed.")) }
    }

    fn result(&mut self, value: &Value) -> Result<(), Failure> {
        let id = value.get("toolUseId").and_then(Value::as_str).unwrap_or_default();
        let content = value.get("content").and_then(Value::as_array);
        let content = content
            .filter(|blocks| !blocks.is_empty())
            .ok_or_else(|| bad("The content field in the ToolResultBlock object is empty."))?;
        let status = value.get("status").and_then(Value::as_str);
        if !matches!(status, None | Some("success" | "error")) {
            return Err(bad("toolResult.status must be success or error."));
        }
        let mut result = Turn::new(Speaker::Tool);
        for block in content {
            match (block.get("text"), block.get("json")) {
                (Some(text), _) => result.texts.push(self.text(text)?),
                (None, Some(json)) => result.texts.push(json.to_string()),
                (None, None) if block.get("image").is_some() => result.images += 1,
                _ => return Err(bad("toolResult.content has an unknown block.")),
            }
        }
        self.answered.push(id.to_owned());
        self.results.push(result);
        Ok(())
    }

    fn into_turns(self) -> impl Iterator<Item = Turn> {
        let said = !self.turn.texts.is_empty() || self.turn.images > 0 || self.results.is_empty();
        self.results.into_iter().chain(said.then_some(self.turn))
    }
}

fn has_bytes(media: &Value) -> bool {
    let bytes = media.pointer("/source/bytes").and_then(Value::as_str);
    bytes.is_some_and(|text| !text.is_empty() && STANDARD.decode(text).is_ok())
}

/// Refuses members that the provider does not know.
pub(super) fn check_fields(
    place: &str,
    object: &Map<String, Value>,
    known: &[&str],
) -> Result<(), Failure> {
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(Failure::bad_field(
            format!("{place}{unknown}"),
            format!(
                "The model returned the following errors: Malformed input request: #: extraneous \
                 key [{place}{unknown}] is not permitted, please reformat your input and try again."
            ),
        )),
        None => Ok(()),
    }
}
