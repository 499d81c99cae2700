//! Reads and checks the contents of a request: roles, parts, and the order of function calls.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::field;
use crate::embedding::fnv1a;
use crate::failure::Failure;
use crate::prompt::{Speaker, Turn};
use crate::wire::is_name;

const CONTENT_FIELDS: &[&str] = &["role", "parts"];
const PART_FIELDS: &[&str] = &[
    "text",
    "thought",
    "thoughtSignature",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "videoMetadata",
    "partMetadata",
    "mediaResolution",
];
/// The fields of which each part must have exactly one.
const DATA_FIELDS: &[&str] = &[
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
];
/// What the documentation allows in place of a signature for calls made by another model.
const SIGNATURE_WAIVERS: &[&str] =
    &["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"];
const MAX_FUNCTION_NAME: usize = 64;

/// The signature of a function call by `sim-think`.
pub(crate) fn sign(function: &str) -> String {
    STANDARD.encode(format!("upstream-sim/{:016x}", fnv1a(function.bytes())))
}

pub(crate) fn system(value: &Value) -> Result<Turn, Failure> {
    let object = field::object("systemInstruction", value, CONTENT_FIELDS)?;
    let mut turn = Turn::new(Speaker::System);
    let parts = field::get(object, "parts").and_then(Value::as_array);
    for (at, part) in parts.into_iter().flatten().enumerate() {
        let place = format!("systemInstruction.parts[{at}]");
        let part = field::object(&place, part, PART_FIELDS)?;
        let text = field::get(part, "text").and_then(Value::as_str).ok_or_else(|| {
            Failure::bad_request("system_instruction: only text parts are supported")
        })?;
        turn.texts.push(text.to_owned());
    }
    Ok(turn)
}

/// Reads the contents. With `must_sign` function calls need the signature they were made with.
pub(crate) fn read(value: Option<&Value>, must_sign: bool) -> Result<Vec<Turn>, Failure> {
    let contents = match value {
        None => return Ok(Vec::new()),
        Some(Value::Array(contents)) => contents.as_slice(),
        Some(single) => std::slice::from_ref(single),
    };
    let mut turns = Vec::with_capacity(contents.len());
    let mut order = Order::default();
    for (at, content) in contents.iter().enumerate() {
        let place = format!("contents[{at}]");
        let object = field::object(&place, content, CONTENT_FIELDS)?;
        let speaker = match field::get(object, "role").map(Value::as_str) {
            None | Some(Some("user" | "function")) => Speaker::User,
            Some(Some("model")) => Speaker::Assistant,
            Some(_) => {
                return Err(Failure::bad_request("Please use a valid role: user, model."));
            }
        };
        let parts = field::get(object, "parts").and_then(Value::as_array);
        let parts = parts.filter(|parts| !parts.is_empty()).ok_or_else(|| {
            Failure::bad_request(format!(
                "* GenerateContentRequest.{place}.parts: contents.parts must not be empty.\n"
            ))
        })?;
        let mut reader = Reader::new(place, speaker, must_sign);
        for (index, part) in parts.iter().enumerate() {
            reader.part(index, part)?;
        }
        order.check(&reader)?;
        turns.extend(reader.into_turns());
    }
    order.check_end()?;
    Ok(turns)
}

/// Which function calls wait for their responses.
#[derive(Default)]
struct Order {
    waiting: Vec<String>,
}

impl Order {
    fn check(&mut self, content: &Reader) -> Result<(), Failure> {
        if content.responses.is_empty() && !self.waiting.is_empty() {
            return Err(response_must_follow());
        }
        if !content.responses.is_empty() {
            if self.waiting.is_empty() {
                return Err(response_must_follow());
            }
            if self.waiting.len() != content.responses.len() {
                return Err(Failure::bad_request(
                    "Please ensure that the number of function response parts is equal to the \
                     number of function call parts of the function call turn.",
                ));
            }
            if let Some(name) = content.responses.iter().find(|name| !self.waiting.contains(name)) {
                return Err(Failure::bad_request(format!(
                    "The function response '{name}' answers no function call of the turn before."
                )));
            }
        }
        self.waiting.clone_from(&content.calls);
        Ok(())
    }

    fn check_end(&self) -> Result<(), Failure> {
        if self.waiting.is_empty() { Ok(()) } else { Err(response_must_follow()) }
    }
}

fn response_must_follow() -> Failure {
    Failure::bad_request(
        "Please ensure that function response turn comes immediately after a function call turn.",
    )
}

/// Reads one content.
struct Reader {
    place: String,
    turn: Turn,
    results: Vec<Turn>,
    calls: Vec<String>,
    responses: Vec<String>,
    must_sign: bool,
}

impl Reader {
    fn new(place: String, speaker: Speaker, must_sign: bool) -> Self {
        Self {
            place,
            turn: Turn::new(speaker),
            results: Vec::new(),
            calls: Vec::new(),
            responses: Vec::new(),
            must_sign,
        }
    }

    fn part(&mut self, index: usize, part: &Value) -> Result<(), Failure> {
        let place = format!("{}.parts[{index}]", self.place);
        let object = field::object(&place, part, PART_FIELDS)?;
        let given: Vec<&str> =
            DATA_FIELDS.iter().copied().filter(|name| field::get(object, name).is_some()).collect();
        let [name] = given.as_slice() else {
            return Err(Failure::bad_request(format!(
                "* GenerateContentRequest.{place}.data: required oneof field 'data' must have one \
                 initialized field\n"
            )));
        };
        let data = field::get(object, name).unwrap_or(&Value::Null);
        let is_thought = field::get(object, "thought") == Some(&Value::Bool(true));
        match *name {
            "text" => {
                let text = data.as_str().ok_or_else(|| invalid(&place, "text"))?;
                if !is_thought {
                    self.turn.texts.push(text.to_owned());
                }
            }
            "inlineData" => {
                self.media(&place, data, &["mimeType", "data", "displayName"], "data")?
            }
            "fileData" => {
                self.media(&place, data, &["mimeType", "fileUri", "displayName"], "fileUri")?
            }
            "functionCall" => {
                let signature = field::get(object, "thoughtSignature").and_then(Value::as_str);
                self.call(&place, data, signature)?;
            }
            "functionResponse" => self.response(&place, data)?,
            _ => {}
        }
        Ok(())
    }

    fn media(
        &mut self,
        place: &str,
        data: &Value,
        known: &[&str],
        needed: &str,
    ) -> Result<(), Failure> {
        let object = field::object(place, data, known)?;
        let mime = field::get(object, "mimeType").and_then(Value::as_str);
        let content = field::get(object, needed).and_then(Value::as_str).unwrap_or_default();
        if content.is_empty() || (needed == "data" && mime.is_none()) {
            return Err(invalid(place, needed));
        }
        if mime.is_some_and(|mime| mime.starts_with("image/")) {
            self.turn.images += 1;
        }
        Ok(())
    }

    fn call(&mut self, place: &str, data: &Value, signature: Option<&str>) -> Result<(), Failure> {
        let object = field::object(place, data, &["id", "name", "args"])?;
        let name = field::get(object, "name").and_then(Value::as_str).unwrap_or_default();
        let arguments = field::get(object, "args");
        if self.turn.speaker != Speaker::Assistant
            || !is_name(name, MAX_FUNCTION_NAME, ".:")
            || arguments.is_some_and(|arguments| !arguments.is_object())
        {
            return Err(invalid(place, "function_call"));
        }
        if self.must_sign && self.calls.is_empty() {
            let signed = signature
                .is_some_and(|given| given == sign(name) || SIGNATURE_WAIVERS.contains(&given));
            if !signed {
                return Err(Failure::bad_request(format!(
                    "Function call is missing a thought_signature in functionCall parts. This is \
                     required for tools to work correctly. Function call `{name}`, position {place}."
                )));
            }
        }
        self.turn.texts.extend(arguments.map(Value::to_string));
        self.calls.push(name.to_owned());
        Ok(())
    }

    fn response(&mut self, place: &str, data: &Value) -> Result<(), Failure> {
        let known = ["id", "name", "response", "parts", "willContinue", "scheduling"];
        let object = field::object(place, data, &known)?;
        let name = field::get(object, "name").and_then(Value::as_str).unwrap_or_default();
        let response = field::get(object, "response").filter(|response| response.is_object());
        let Some(response) = response.filter(|_| !name.is_empty()) else {
            return Err(invalid(place, "function_response"));
        };
        if self.turn.speaker != Speaker::User {
            return Err(response_must_follow());
        }
        let mut result = Turn::new(Speaker::Tool);
        result.texts.push(response_text(response));
        self.results.push(result);
        self.responses.push(name.to_owned());
        Ok(())
    }

    fn into_turns(self) -> impl Iterator<Item = Turn> {
        let said = !self.turn.texts.is_empty() || self.turn.images > 0;
        let keep = said || self.results.is_empty();
        self.results.into_iter().chain(keep.then_some(self.turn))
    }
}

/// The text of a response: its one field if that is a text, else its JSON.
fn response_text(response: &Value) -> String {
    let fields = response.as_object().filter(|fields| fields.len() == 1);
    let only = fields.and_then(|fields| fields.values().next()).and_then(Value::as_str);
    only.map_or_else(|| response.to_string(), str::to_owned)
}

fn invalid(place: &str, what: &str) -> Failure {
    Failure::bad_field(place, format!("Invalid value at '{place}' ({what})."))
}
