//! Model names: the behaviour before the first `!`, the script after it.

use crate::fault::{Effect, ScriptError, Times};

/// What a model does with a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Repeats the last user text.
    Echo,
    /// Quotes the lines of the prompt that answer the last user text.
    Quote,
    /// Reasons before it repeats the last user text.
    Think,
    /// States one fact for each user turn of a transcript.
    Learn,
    /// Repeats the first JSON object of the last user text.
    Json,
    /// Sends the bytes that a script gave.
    Raw,
}

/// The models that the list endpoints name, with what each one does.
pub const MODELS: &[(&str, &str)] = &[
    ("sim-quote", "quotes the lines of its prompt that best fit the last user message"),
    ("sim-echo", "repeats the last user message"),
    ("sim-think", "reasons first, then repeats the last user message"),
    ("sim-learn", "states one fact for each user turn of a transcript, as JSON"),
    ("sim-json", "repeats the first JSON object that the last user message holds"),
    ("sim-raw", "sends the byte chunks that POST /sim/script gave"),
    ("sim-embed", "embeds texts: equal words give near vectors"),
];

/// A model name taken apart.
#[derive(Debug)]
pub(crate) struct ModelName {
    pub(crate) behaviour: Behaviour,
    /// The script in the name, and how often it applies.
    pub(crate) script: Option<(Effect, Times)>,
}

/// Why a model name leads nowhere.
#[derive(Debug)]
pub(crate) enum ModelError {
    Unknown,
    Script(ScriptError),
}

impl ModelName {
    /// Parses `sim-echo!429!first-2`. A name that does not start with `sim-` behaves as
    /// `sim-quote`, so that the simulator can stand in for a model of any name.
    pub(crate) fn parse(name: &str) -> Result<Self, ModelError> {
        let (base, script) = match name.split_once('!') {
            Some((base, script)) => (base, Some(script)),
            None => (name, None),
        };
        let behaviour = match base {
            "sim-echo" => Behaviour::Echo,
            "sim-think" => Behaviour::Think,
            "sim-learn" => Behaviour::Learn,
            "sim-json" => Behaviour::Json,
            "sim-raw" => Behaviour::Raw,
            "sim-quote" | "sim-embed" => Behaviour::Quote,
            other if other.starts_with("sim-") => return Err(ModelError::Unknown),
            _ => Behaviour::Quote,
        };
        let script = script.map(Effect::parse).transpose().map_err(ModelError::Script)?;
        Ok(Self { behaviour, script })
    }
}
