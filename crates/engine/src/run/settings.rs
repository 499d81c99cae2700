//! What a run is asked with: what a client says once and every call of the run is made by.

use backstay_core::{
    Result,
    chat::{ChatRequest, Message, Parameters, Reasoning, ResponseFormat, Role, Tool},
    decision::{self, Decision},
    memory::MemoryMode,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{AutoChoice, Deciding};

/// Kept, as JSON, while a run waits for the outputs of tools.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunSettings {
    pub model: String,
    /// What the model is told before the conversation.
    pub instructions: Option<String>,
    /// Tools that the client carries out.
    pub tools: Vec<ClientTool>,
    pub thinking: Option<Thinking>,
    /// The answer is to be a JSON object.
    pub json_output: bool,
    pub memory: MemoryMode,
    /// Whether more is recalled than usual.
    pub more_memory: bool,
    /// Whether the answer is to name the memories that it rests on.
    pub cites: bool,
    /// Whether the model may search the web, where a service does.
    pub web_search: bool,
    /// How endpoints are chosen, in the fields of OpenRouter's interface.
    pub routing: Map<String, Value>,
    /// What the automatic choice of a model is told: `allowed_models`, `excluded_models`, `cost_tier`.
    pub auto: Map<String, Value>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub max_tokens: Option<u64>,
    /// Questions that are asked about what is said. Such a run never waits.
    #[serde(skip)]
    pub decision: Option<Decision>,
}

/// A function that the client carries out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientTool {
    pub name: String,
    pub description: Option<String>,
    /// JSON Schema of its arguments.
    pub parameters: Option<Value>,
}

/// How much a model may think, and whether its client wants to see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thinking {
    pub effort: Option<String>,
    pub budget_tokens: Option<u64>,
    pub hidden: bool,
}

impl RunSettings {
    /// Asks these questions. Tools, searches and citations have no place in the answer to them.
    #[must_use]
    pub fn with_decision(self, decision: Decision) -> Self {
        Self {
            tools: Vec::new(),
            json_output: true,
            cites: false,
            web_search: false,
            decision: Some(decision),
            ..self
        }
    }

    /// What is asked in the place of the last message.
    pub(super) fn deciding(&self, said: &[Message]) -> Option<Deciding> {
        let (decision, said) = (self.decision.clone()?, said.last()?.clone());
        Some(Deciding { decision, said })
    }

    /// # Errors
    /// `invalid_request` where the routing fields are not what OpenRouter's interface takes.
    pub(super) fn request(&self, said: Vec<Message>, stream: bool) -> Result<ChatRequest> {
        let mut routing = self.routing.clone();
        let mut preferences = backstay_wire::routing_preferences(&mut routing)?;
        if !self.auto.is_empty() {
            // For a provider that makes the automatic choice itself.
            let mut plugin = self.auto.clone();
            plugin.insert("id".to_owned(), Value::from("auto-router"));
            preferences.relayed.insert("plugins".to_owned(), json!([plugin]));
        }
        Ok(ChatRequest {
            model: self.model.clone(),
            messages: self.messages(said),
            tools: self.tools.iter().map(ClientTool::to_tool).collect(),
            // Models that are made to write JSON cannot call tools.
            response_format: (self.json_output && self.tools.is_empty())
                .then_some(ResponseFormat::JsonObject),
            reasoning: self.thinking.as_ref().map(Thinking::to_reasoning),
            parameters: Parameters {
                temperature: self.temperature,
                top_p: self.top_p,
                max_tokens: self.max_tokens,
                ..Parameters::default()
            },
            routing: preferences,
            stream,
            include_usage: true,
            ..ChatRequest::default()
        })
    }

    fn messages(&self, mut said: Vec<Message>) -> Vec<Message> {
        let rules = self.decision.as_ref().map(|_| decision::RULES);
        let instructions: Vec<&str> =
            self.instructions.as_deref().into_iter().chain(rules).collect();
        if let (Some(decision), Some(last)) = (&self.decision, said.last_mut()) {
            *last = Message::text_of(Role::User, decision.to_prompt_text(&last.text()));
        }
        if !instructions.is_empty() {
            said.insert(0, Message::text_of(Role::System, instructions.join("\n\n")));
        }
        said
    }

    /// What OpenRouter's automatic choice is told; its client writes it beside the routing fields.
    pub(super) fn auto_choice(&self) -> AutoChoice {
        let names = |member: &str| {
            let listed = self.auto.get(member).and_then(Value::as_array);
            let names = listed.into_iter().flatten().filter_map(Value::as_str);
            names.map(str::to_owned).collect()
        };
        AutoChoice {
            allowed: names("allowed_models"),
            excluded: names("excluded_models"),
            cheap: self.auto.get("cost_tier").and_then(Value::as_str) == Some("low"),
        }
    }

    pub(super) fn hides_thinking(&self) -> bool {
        self.thinking.as_ref().is_some_and(|thinking| thinking.hidden)
    }
}

impl ClientTool {
    fn to_tool(&self) -> Tool {
        Tool::Function {
            name: self.name.clone(),
            description: self.description.clone(),
            parameters: self.parameters.clone(),
            strict: None,
        }
    }
}

impl Thinking {
    fn to_reasoning(&self) -> Reasoning {
        Reasoning {
            effort: self.effort.clone(),
            budget_tokens: self.budget_tokens,
            enabled: Some(true),
        }
    }
}
