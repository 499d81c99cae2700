//! Reads and checks `generationConfig`.

use serde_json::{Map, Value};

use super::{field, tools};
use crate::failure::Failure;
use crate::prompt::AnswerForm;
use crate::wire::count;

const FIELDS: &[&str] = &[
    "stopSequences",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "responseModalities",
    "candidateCount",
    "maxOutputTokens",
    "temperature",
    "topP",
    "topK",
    "seed",
    "presencePenalty",
    "frequencyPenalty",
    "responseLogprobs",
    "logprobs",
    "enableEnhancedCivicAnswers",
    "speechConfig",
    "thinkingConfig",
    "imageConfig",
    "mediaResolution",
    "responseFormat",
];
const MAX_STOPS: usize = 5;

/// What the configuration asks for.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) max_tokens: Option<usize>,
    pub(crate) stop: Vec<String>,
    pub(crate) answer_form: AnswerForm,
    pub(crate) reasoning: bool,
    pub(crate) include_thoughts: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_tokens: None,
            stop: Vec::new(),
            answer_form: AnswerForm::Text,
            reasoning: true,
            include_thoughts: false,
        }
    }
}

pub(crate) fn read(value: &Value) -> Result<Settings, Failure> {
    let object = field::object("generationConfig", value, FIELDS)?;
    let mut settings = Settings { answer_form: answer_form(object)?, ..Settings::default() };
    if let Some(limit) = field::get(object, "maxOutputTokens") {
        settings.max_tokens = Some(
            count(Some(limit))
                .filter(|limit| *limit > 0)
                .ok_or_else(|| Failure::bad_request("max_output_tokens must be positive."))?,
        );
    }
    if field::get(object, "candidateCount").is_some_and(|n| n.as_u64() != Some(1)) {
        return Err(Failure::bad_request("Multiple candidates is not enabled for this model"));
    }
    let temperature = field::get(object, "temperature");
    if temperature.is_some_and(|t| !t.as_f64().is_some_and(|t| (0.0..=2.0).contains(&t))) {
        return Err(Failure::bad_request("temperature must be in the range [0.0, 2.0]."));
    }
    if let Some(stops) = field::get(object, "stopSequences") {
        let texts: Option<Vec<String>> = stops
            .as_array()
            .and_then(|all| all.iter().map(|stop| stop.as_str().map(str::to_owned)).collect());
        settings.stop = texts
            .filter(|stops| stops.len() <= MAX_STOPS)
            .ok_or_else(|| Failure::bad_request("stop_sequences: expected at most 5 strings."))?;
    }
    if let Some(thinking) = field::get(object, "thinkingConfig") {
        let known = ["includeThoughts", "thinkingBudget", "thinkingLevel"];
        let thinking = field::object("generationConfig.thinkingConfig", thinking, &known)?;
        settings.include_thoughts =
            field::get(thinking, "includeThoughts") == Some(&Value::Bool(true));
        let budget = field::get(thinking, "thinkingBudget");
        if budget.is_some() && field::get(thinking, "thinkingLevel").is_some() {
            return Err(Failure::bad_request(
                "You can only set only one of thinking budget and thinking level.",
            ));
        }
        settings.reasoning = budget.and_then(Value::as_i64) != Some(0);
    }
    Ok(settings)
}

fn answer_form(object: &Map<String, Value>) -> Result<AnswerForm, Failure> {
    let mime = field::get(object, "responseMimeType").and_then(Value::as_str);
    let schema = field::get(object, "responseSchema");
    if let Some(schema) = schema {
        tools::check_schema("generationConfig.responseSchema", schema)?;
    }
    let json_schema = field::get(object, "responseJsonSchema");
    match (mime, schema, json_schema) {
        (_, Some(_), Some(_)) => Err(Failure::bad_request(
            "Only one of response_schema and response_json_schema can be set.",
        )),
        (Some("application/json"), None, None) => Ok(AnswerForm::JsonObject),
        (Some("application/json"), Some(schema), _)
        | (Some("application/json"), _, Some(schema)) => Ok(AnswerForm::JsonSchema(schema.clone())),
        (_, Some(_), _) | (_, _, Some(_)) => Err(Failure::bad_request(
            "* GenerateContentRequest.generation_config.response_schema: only allowed with a \
             response_mime_type of application/json\n",
        )),
        (None | Some("text/plain"), None, None) => Ok(AnswerForm::Text),
        (Some(_), None, None) => Err(Failure::bad_request(
            "* GenerateContentRequest.generation_config.response_mime_type: allowed mimetypes are \
             `text/plain`, `application/json`, `application/xml`, `application/yaml` and \
             `text/x.enum`.\n",
        )),
    }
}
