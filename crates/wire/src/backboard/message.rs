//! The fields of a message.

use backstay_core::{
    Error, Result, Timestamp,
    decision::{self, Decision},
    memory::MemoryMode,
};
use serde_json::{Map, Value};

use super::{Fields, FunctionTool, fields::wrong, system_one, tools::function_tools};

/// Where a client says when a message was said.
const CUSTOM_TIMESTAMP: &str = "custom_timestamp";
/// What a client asks a model to make beside text, and the words that ask for none of it.
const MEDIA: [&str; 4] = ["voice", "image_generation", "video_generation", "operation"];
const NO_MEDIA: [&str; 5] = ["off", "false", "none", "chat", "{}"];

/// What a client says, and how it wants to be answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessageBody {
    pub content: String,
    pub thread: Option<String>,
    pub assistant: Option<String>,
    pub system_prompt: Option<String>,
    pub provider: Option<String>,
    pub model: Option<String>,
    pub stream: bool,
    pub memory: MemoryUse,
    pub web_search: bool,
    /// False keeps the message and asks nobody.
    pub send_to_model: bool,
    pub json_output: bool,
    /// In the place of the assistant's.
    pub tools: Option<Vec<FunctionTool>>,
    pub thinking: Option<Map<String, Value>>,
    /// How endpoints are chosen, in the fields of OpenRouter's interface.
    pub routing: Map<String, Value>,
    /// What the automatic choice of a model is told.
    pub auto: Map<String, Value>,
    pub metadata: Option<Map<String, Value>>,
    pub said_at: Option<Timestamp>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub max_tokens: Option<u64>,
    /// Typed questions about what is said, in the place of an answer in words.
    pub decision: Option<Decision>,
}

/// What a message may do with memory, and whether its answer marks what it rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryUse {
    pub mode: MemoryMode,
    /// The mode of higher accuracy.
    pub pro: bool,
    pub cite: bool,
}

impl Default for MemoryUse {
    fn default() -> Self {
        Self { mode: MemoryMode::Off, pro: false, cite: false }
    }
}

impl MessageBody {
    /// # Errors
    /// `invalid_request` with the field's name.
    pub fn read(fields: &Fields) -> Result<Self> {
        refuse_media(fields)?;
        let metadata = fields.object("metadata")?;
        let (routing, auto) = routing(fields.object("openrouter")?)?;
        let tools = fields.array("tools")?;
        let (content, decision) = asked(fields)?;
        let body = Self {
            content,
            thread: fields.word("thread_id")?,
            assistant: fields.word("assistant_id")?,
            system_prompt: fields.text("system_prompt")?,
            provider: fields.word("llm_provider")?,
            model: fields.word("model_name")?,
            stream: fields.flag("stream")?.unwrap_or(false),
            memory: memory(fields)?,
            web_search: is_on(fields, "web_search")?,
            send_to_model: fields.flag("send_to_llm")?.unwrap_or(true),
            json_output: fields.flag("json_output")?.unwrap_or(false),
            tools: tools.map(|tools| function_tools(&tools)).transpose()?,
            thinking: fields.object("thinking")?,
            routing,
            auto,
            said_at: said_at(metadata.as_ref())?,
            metadata,
            temperature: fields.number("temperature")?,
            top_p: fields.number("top_p")?,
            max_tokens: fields.integer("max_tokens")?,
            decision,
        };
        body.check_decision()?;
        Ok(body)
    }

    /// What cannot go together with questions that have typed answers.
    fn check_decision(&self) -> Result<()> {
        let has_tools = self.tools.as_ref().is_some_and(|tools| !tools.is_empty());
        let conflicts =
            [("stream", self.stream), ("tools", has_tools), ("send_to_llm", !self.send_to_model)];
        let conflict = conflicts.into_iter().find(|(_, is_there)| *is_there);
        match conflict.filter(|_| self.decision.is_some()) {
            None => Ok(()),
            Some((name, _)) => Err(system_one::conflict(name)),
        }
    }
}

/// What is said, and what is asked about it. A state is what is said where nothing else is.
fn asked(fields: &Fields) -> Result<(String, Option<Decision>)> {
    let mut content = fields.text("content")?.unwrap_or_default();
    let mut decision = system_one::read(fields)?;
    if let Some(decision) = &mut decision
        && content.trim().is_empty()
        && let Some(state) = decision.state.take()
    {
        content = decision::text_of(&state);
    }
    Ok((content, decision))
}

fn refuse_media(fields: &Fields) -> Result<()> {
    for name in MEDIA {
        let asked = match fields.object(name) {
            Ok(object) => object.is_some_and(|members| !members.is_empty()),
            Err(_) => {
                let word = fields.word(name)?.unwrap_or_default().to_lowercase();
                !word.is_empty() && !NO_MEDIA.contains(&word.as_str())
            }
        };
        if asked {
            let message =
                format!("`{name}` is not supported: this server answers in text; leave it out");
            return Err(Error::invalid(message).with_parameter(name));
        }
    }
    Ok(())
}

/// `Auto`, `Readonly` or `off`, in any case.
fn memory(fields: &Fields) -> Result<MemoryUse> {
    let plain = fields.word("memory")?;
    let pro = fields.word("memory_pro")?;
    if plain.is_some() && pro.is_some() {
        let message = "send `memory` or `memory_pro`, not both";
        return Err(Error::invalid(message).with_parameter("memory_pro"));
    }
    let (name, word) = match (&plain, &pro) {
        (_, Some(word)) => ("memory_pro", word),
        (Some(word), None) => ("memory", word),
        (None, None) => return Ok(MemoryUse::default()),
    };
    let mode = match word.to_lowercase().as_str() {
        "auto" | "on" | "true" => MemoryMode::Auto,
        "readonly" | "read_only" => MemoryMode::ReadOnly,
        "off" | "false" => MemoryMode::Off,
        _ => return Err(wrong(name, "Auto, Readonly or off")),
    };
    let cite = match fields.flag("memory_response_citation")? {
        Some(cite) => cite,
        None => fields.flag("memory_citation")?.unwrap_or(false),
    };
    Ok(MemoryUse { mode, pro: pro.is_some(), cite })
}

fn is_on(fields: &Fields, name: &str) -> Result<bool> {
    let Some(word) = fields.word(name)? else { return Ok(false) };
    match word.to_lowercase().as_str() {
        "auto" | "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => Err(wrong(name, "Auto or off")),
    }
}

/// A date and time in ISO 8601; one without an offset is in UTC.
fn said_at(metadata: Option<&Map<String, Value>>) -> Result<Option<Timestamp>> {
    let named = metadata.and_then(|metadata| metadata.get(CUSTOM_TIMESTAMP));
    let text = match named {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        Some(Value::String(text)) => text.trim().replace(' ', "T"),
        Some(_) => return Err(wrong(CUSTOM_TIMESTAMP, "a date and time in ISO 8601")),
    };
    let forms = [text.clone(), format!("{text}Z"), format!("{text}T00:00:00Z")];
    let read = forms.iter().find_map(|text| Timestamp::parse(text));
    read.map(Some).ok_or_else(|| wrong(CUSTOM_TIMESTAMP, "a date and time in ISO 8601"))
}

/// Backboard's names for what OpenRouter's interface has in `provider`, and what stands beside it.
fn routing(given: Option<Map<String, Value>>) -> Result<(Map<String, Value>, Map<String, Value>)> {
    let (mut provider, mut auto) = (Map::new(), Map::new());
    for (name, value) in given.unwrap_or_default() {
        if value.is_null() {
            continue;
        }
        match name.as_str() {
            "providers" => _ = provider.insert("order".to_owned(), value),
            "allow_fallbacks" | "ignore" | "sort" | "max_price" => {
                provider.insert(name, value);
            }
            "allowed_models" | "excluded_models" | "cost_tier" => _ = auto.insert(name, value),
            _ => {
                let message = format!(
                    "`openrouter.{name}` is not known; there are providers, allow_fallbacks, ignore, \
                     sort, max_price, allowed_models, excluded_models and cost_tier"
                );
                return Err(Error::invalid(message).with_parameter(format!("openrouter.{name}")));
            }
        }
    }
    let mut routing = Map::new();
    if !provider.is_empty() {
        routing.insert("provider".to_owned(), Value::Object(provider));
    }
    Ok((routing, auto))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: Value) -> Result<MessageBody> {
        MessageBody::read(&Fields::of_json(body.to_string().as_bytes()).unwrap())
    }

    #[test]
    fn memory_is_off_unless_told_and_told_once() {
        let mode = |body| read(body).map(|body| (body.memory.mode, body.memory.pro));
        assert_eq!(mode(json!({})).unwrap(), (MemoryMode::Off, false));
        assert_eq!(mode(json!({"memory": "AUTO"})).unwrap(), (MemoryMode::Auto, false));
        assert_eq!(mode(json!({"memory": "On"})).unwrap(), (MemoryMode::Auto, false));
        assert_eq!(mode(json!({"memory_pro": "Readonly"})).unwrap(), (MemoryMode::ReadOnly, true));
        assert!(mode(json!({"memory": "Auto", "memory_pro": "Auto"})).is_err());
        assert!(mode(json!({"memory": "sometimes"})).is_err());
    }

    #[test]
    fn a_timestamp_may_lack_its_offset_or_its_time() {
        let at = |text| read(json!({"metadata": {"custom_timestamp": text}})).map(|b| b.said_at);
        let moment = Timestamp::parse("2023-05-08T13:56:00Z");
        for text in ["2023-05-08T13:56:00", "2023-05-08 13:56:00", "2023-05-08T15:56:00+02:00"] {
            assert_eq!(at(text).unwrap(), moment, "{text}");
        }
        assert_eq!(at("2023-05-08").unwrap(), Timestamp::parse("2023-05-08T00:00:00Z"));
        assert!(at("yesterday").is_err());
    }

    #[test]
    fn what_cannot_be_made_is_refused_and_what_is_switched_off_is_not() {
        assert!(read(json!({"image_generation": "off", "operation": "chat"})).is_ok());
        for body in [
            json!({"image_generation": "auto"}),
            json!({"operation": "generate_video"}),
            json!({"voice": {"tts": {}}}),
            json!({"voice": "{\"tts\": {}}"}),
        ] {
            let error = read(body).unwrap_err();
            assert!(error.message().contains("not supported"), "{error}");
        }
    }

    #[test]
    fn the_routing_object_is_openrouters_under_other_names() {
        let body = read(json!({"openrouter": {"providers": ["groq"], "sort": "price",
            "allow_fallbacks": false, "cost_tier": "low"}}))
        .unwrap();
        let expected = json!({"provider":
            {"order": ["groq"], "sort": "price", "allow_fallbacks": false}});
        assert_eq!(Value::Object(body.routing), expected);
        assert_eq!(Value::Object(body.auto), json!({"cost_tier": "low"}));
        assert!(read(json!({"openrouter": {"provider": []}})).is_err());
    }
}
