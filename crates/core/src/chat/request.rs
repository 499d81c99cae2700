//! A chat call without a dialect.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Message;
use crate::{RoutingPreferences, WireFormat};

/// What a client asks of a model. Made by a wire format's decoder, read by another's encoder.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ChatRequest {
    pub model: String,
    /// System messages first or in place, as the client had them.
    pub messages: Vec<Message>,
    pub tools: Vec<Tool>,
    pub tool_choice: Option<ToolChoice>,
    pub parallel_tool_calls: Option<bool>,
    pub response_format: Option<ResponseFormat>,
    pub reasoning: Option<Reasoning>,
    pub parameters: Parameters,
    pub routing: RoutingPreferences,
    /// True when the client wants server-sent events.
    pub stream: bool,
    /// OpenAI's `stream_options.include_usage`.
    pub include_usage: bool,
    pub origin: Option<Origin>,
    /// Names of what the client wrote and no provider can be told, whatever its format.
    pub untranslated: Vec<String>,
    /// Headers of the client's request that belong to the origin's format, such as the version and
    /// beta features of Anthropic's interface; an upstream of the same format receives them.
    pub origin_headers: Vec<(String, String)>,
}

/// Everything of the client's body beside model, messages and stream switches, kept so that an
/// upstream of the same format receives it unchanged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Origin {
    pub format: WireFormat,
    /// All top-level fields but `model`, `messages`, `stream`, `stream_options` and `backstay`.
    pub fields: Map<String, Value>,
    /// Names of fields that the decoder did not interpret: a translation has to drop these.
    pub uninterpreted: Vec<String>,
}

/// Sampling and output parameters. Absent ones are left out upstream, never defaulted, except where
/// a format requires one (Anthropic's `max_tokens`).
#[derive(Clone, Debug, PartialEq, Default, Serialize)]
pub struct Parameters {
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub top_k: Option<u64>,
    pub max_tokens: Option<u64>,
    pub stop: Vec<String>,
    pub seed: Option<i64>,
    pub presence_penalty: Option<f64>,
    pub frequency_penalty: Option<f64>,
    /// How many choices to make.
    pub choices: Option<u64>,
    pub logprobs: Option<bool>,
    pub top_logprobs: Option<u64>,
    /// The end user as the application names them to the provider.
    pub user: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Tool {
    Function {
        name: String,
        description: Option<String>,
        /// JSON Schema of the arguments.
        parameters: Option<Value>,
        strict: Option<bool>,
    },
    /// A tool that runs at the provider; only an upstream of the same format can take it.
    Provider { format: WireFormat, value: Value },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ToolChoice {
    Auto,
    None,
    Required,
    Named(String),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum ResponseFormat {
    Text,
    JsonObject,
    JsonSchema { name: String, description: Option<String>, schema: Value, strict: Option<bool> },
}

/// How much a model may think before it answers.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
pub struct Reasoning {
    /// `minimal`, `low`, `medium`, `high` and the like.
    pub effort: Option<String>,
    pub budget_tokens: Option<u64>,
    /// `Some(false)` asks for no thinking at all.
    pub enabled: Option<bool>,
}
