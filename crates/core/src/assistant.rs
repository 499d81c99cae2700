//! What an assistant is set up to do.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Settings of an assistant that a person chose.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AssistantSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// Tools as the client wrote them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Value>,
    /// How many passages a search of its documents brings back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passages: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embedding_provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embedding_model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embedding_dimension: Option<u32>,
    /// What is worth remembering, in the words of whoever set it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fact_prompt: Option<String>,
    /// How what is new changes what is known, in the same words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_prompt: Option<String>,
}

impl AssistantSettings {
    /// What the model is told before anything else. Older clients of Backboard can only say it in the
    /// description.
    pub fn instructions(&self) -> Option<&str> {
        [&self.system_prompt, &self.description]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .find(|text| !text.trim().is_empty())
    }
}
