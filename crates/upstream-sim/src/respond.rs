//! Decides the answer: from a neutral prompt to a plan of reasoning, text and tool calls.

use serde_json::{Value, json};

use crate::facts;
use crate::model::Behaviour;
use crate::prompt::{AnswerForm, Prompt, Tool, ToolChoice};
use crate::quote;
use crate::schema::{self, Material};
use crate::tokens;

/// Words of the user that ask for a tool without naming one.
const ASKING_WORDS: &[&str] = &["tool", "tools", "call", "function"];
/// Words of the user that ask for two calls at once.
const PARALLEL_WORDS: &[&str] = &["both", "parallel"];
/// Calls the tools that the message names one after the other.
const SEQUENCE_WORD: &str = "then";
/// A part of a tool's name shorter than this says nothing about what the user wants (`get`, `do`).
const MIN_NAME_PART: usize = 4;

/// One tool call of the answer.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) arguments: Value,
}

impl Call {
    /// The arguments as the JSON text that OpenAI and Anthropic stream.
    pub(crate) fn arguments_text(&self) -> String {
        self.arguments.to_string()
    }

    fn tokens(&self) -> usize {
        tokens::argument_fragments(&self.arguments_text()).len()
    }
}

/// Why the answer ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    Complete,
    MaxTokens,
    StopSequence(String),
    ToolCalls,
}

/// Tokens of one exchange.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// The whole prompt, cached or not.
    pub(crate) prompt: usize,
    pub(crate) cache_read: usize,
    pub(crate) cache_write: usize,
    /// The whole output, reasoning included, of all choices.
    pub(crate) output: usize,
    pub(crate) reasoning: usize,
}

/// What will be answered, in whatever wire format.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) reasoning: String,
    pub(crate) text: String,
    pub(crate) calls: Vec<Call>,
    pub(crate) finish: Finish,
    /// `None` where a fault leaves it out.
    pub(crate) usage: Option<Usage>,
}

/// Plans the answer of a model with this behaviour.
pub(crate) fn plan(behaviour: Behaviour, prompt: &Prompt) -> Plan {
    let calls = tool_calls(prompt);
    let mut text = if calls.is_empty() { answer_text(behaviour, prompt) } else { String::new() };
    let mut reasoning = String::new();
    if behaviour == Behaviour::Think && prompt.reasoning {
        reasoning =
            format!("The user said: {} I will repeat it.", first_words(&prompt.last_user_text()));
    }
    let mut finish = if calls.is_empty() { Finish::Complete } else { Finish::ToolCalls };
    if let Some((at, stop)) = first_stop(&text, &prompt.stop) {
        text.truncate(at);
        finish = Finish::StopSequence(stop);
    }
    let mut plan = Plan { reasoning, text, calls, finish, usage: None };
    if let Some(limit) = prompt.max_tokens {
        plan.limit(limit);
    }
    plan.usage = Some(plan.count(prompt));
    plan
}

impl Plan {
    /// Cuts the answer off after `limit` tokens, reasoning first. A tool call that does not fit is
    /// left out as a whole.
    fn limit(&mut self, limit: usize) {
        let mut left = limit;
        let reasoning = tokens::count(&self.reasoning);
        if reasoning > left {
            self.reasoning.truncate(tokens::truncate(&self.reasoning, left).len());
            self.finish = Finish::MaxTokens;
        }
        left -= reasoning.min(left);
        let text = tokens::count(&self.text);
        if text > left {
            self.text.truncate(tokens::truncate(&self.text, left).len());
            self.finish = Finish::MaxTokens;
        }
        left -= text.min(left);
        let asked = self.calls.len();
        self.calls.retain(|call| match left.checked_sub(call.tokens()) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        });
        if self.calls.len() < asked {
            self.finish = Finish::MaxTokens;
        }
    }

    fn count(&self, prompt: &Prompt) -> Usage {
        let read = prompt.tokens();
        let reasoning = tokens::count(&self.reasoning);
        let calls: usize = self.calls.iter().map(Call::tokens).sum();
        let one_choice = reasoning + tokens::count(&self.text) + calls;
        Usage {
            prompt: read.total,
            cache_read: read.cache_read,
            cache_write: read.cache_write,
            output: one_choice * prompt.choices,
            reasoning: reasoning * prompt.choices,
        }
    }
}

fn answer_text(behaviour: Behaviour, prompt: &Prompt) -> String {
    let asked = prompt.last_user_text();
    if behaviour == Behaviour::Learn
        && let Some(facts) = facts::answer(&asked)
    {
        return facts;
    }
    if behaviour == Behaviour::Json {
        return first_object(&asked);
    }
    let mut material = Material::from_text(&asked);
    match &prompt.answer_form {
        AnswerForm::JsonSchema(schema) => return schema::sample(schema, &mut material).to_string(),
        AnswerForm::JsonObject => {
            return json!({"answer": plain_text(behaviour, prompt)}).to_string();
        }
        AnswerForm::Text => {}
    }
    let mut text = plain_text(behaviour, prompt);
    match prompt.images() {
        0 => {}
        1 => text.push_str(" I see 1 image."),
        images => text.push_str(&format!(" I see {images} images.")),
    }
    text
}

fn plain_text(behaviour: Behaviour, prompt: &Prompt) -> String {
    let results = prompt.new_tool_results();
    if !results.is_empty() {
        return format!("The tools answered: {}", results.join("; "));
    }
    let text = match behaviour {
        Behaviour::Echo
        | Behaviour::Think
        | Behaviour::Learn
        | Behaviour::Json
        | Behaviour::Raw => prompt.last_user_text(),
        Behaviour::Quote => quote::answer(prompt),
    };
    // As models do: an answer that was begun for them is gone on with.
    match prompt.given_beginning() {
        Some(beginning) => text.strip_prefix(&beginning).map(str::to_owned).unwrap_or(text),
        None => text,
    }
}

/// The calls that the answer makes: one, or two if asked for both; none after tool results, unless the
/// message names another tool that is to be called then.
fn tool_calls(prompt: &Prompt) -> Vec<Call> {
    let text = prompt.last_user_text();
    let said = words(&text);
    let sequence = sequence(prompt, &said);
    if !sequence.is_empty() && prompt.tool_choice == ToolChoice::Auto {
        let next = sequence.get(prompt.tool_results_since_asked());
        return next.map(|tool| calls(&[tool], &text)).unwrap_or_default();
    }
    if !prompt.new_tool_results().is_empty() {
        return Vec::new();
    }
    let mentioned: Vec<&Tool> =
        prompt.tools.iter().filter(|tool| is_mentioned(tool, &said)).collect();
    let asked = said.iter().any(|word| ASKING_WORDS.contains(&word.as_str()));
    let first = mentioned.first().copied().or(prompt.tools.first());
    let chosen = match &prompt.tool_choice {
        ToolChoice::Never => None,
        ToolChoice::Auto => first.filter(|_| asked || !mentioned.is_empty()),
        ToolChoice::Any => first,
        ToolChoice::Named(name) => prompt.tools.iter().find(|tool| tool.name == *name),
    };
    let Some(chosen) = chosen else { return Vec::new() };
    let both = said.iter().any(|word| PARALLEL_WORDS.contains(&word.as_str()));
    let mut tools = vec![chosen];
    if both && prompt.parallel_tool_calls {
        let named = matches!(prompt.tool_choice, ToolChoice::Named(_));
        let other = mentioned.iter().copied().find(|tool| tool.name != chosen.name);
        tools.push(other.filter(|_| !named).unwrap_or(chosen));
    }
    calls(&tools, &text)
}

/// The tools that the message names, in its order, where it wants them one after the other: each result so
/// far stands for one that was called.
fn sequence<'a>(prompt: &'a Prompt, said: &[String]) -> Vec<&'a Tool> {
    if !said.iter().any(|word| word == SEQUENCE_WORD) {
        return Vec::new();
    }
    let place =
        |tool: &Tool| said.iter().position(|word| is_mentioned(tool, std::slice::from_ref(word)));
    let mut named: Vec<(usize, &Tool)> =
        prompt.tools.iter().filter_map(|tool| Some((place(tool)?, tool))).collect();
    named.sort_by_key(|(place, _)| *place);
    named.into_iter().map(|(_, tool)| tool).collect()
}

fn calls(tools: &[&Tool], text: &str) -> Vec<Call> {
    let mut material = Material::from_text(text);
    tools
        .iter()
        .enumerate()
        .map(|(at, tool)| {
            material.start_at(at);
            let arguments = match schema::sample(&tool.schema, &mut material) {
                object @ Value::Object(_) => object,
                _ => json!({}),
            };
            Call { name: tool.name.clone(), arguments }
        })
        .collect()
}

/// Whether the user said a tool's name, or a telling part of it (`weather` for `get_weather`).
fn is_mentioned(tool: &Tool, said: &[String]) -> bool {
    let name = tool.name.to_lowercase();
    let part_said =
        |part: &str| part.len() >= MIN_NAME_PART && said.iter().any(|word| word == part);
    said.contains(&name) || name.split(['_', '-', '.']).any(part_said)
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

fn first_stop(text: &str, stops: &[String]) -> Option<(usize, String)> {
    let found = stops.iter().filter(|stop| !stop.is_empty());
    found.filter_map(|stop| text.find(stop.as_str()).map(|at| (at, stop.clone()))).min()
}

/// As it stands there; `{}` where there is none.
fn first_object(text: &str) -> String {
    let starts = text.match_indices('{').map(|(at, _)| &text[at..]);
    let mut found = starts.filter_map(|rest| {
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let is_read = values.next().is_some_and(|value| value.is_ok());
        is_read.then(|| rest[..values.byte_offset()].to_owned())
    });
    found.next().unwrap_or_else(|| "{}".to_owned())
}

fn first_words(text: &str) -> String {
    tokens::truncate(text, 12).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{CachePolicy, Speaker, Turn};

    fn prompt(text: &str) -> Prompt {
        let mut prompt = Prompt::new("sim-echo", CachePolicy::Automatic);
        let mut turn = Turn::new(Speaker::User);
        turn.texts.push(text.to_owned());
        prompt.turns.push(turn);
        prompt
    }

    fn with_weather_tool(text: &str) -> Prompt {
        let mut prompt = prompt(text);
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        prompt.tools.push(Tool { name: "get_weather".to_owned(), schema });
        prompt
    }

    #[test]
    fn then_calls_tools_in_the_order_of_the_message_one_after_the_other() {
        let mut prompt = with_weather_tool("look up the tides, then the weather in Porto");
        prompt.tools.push(Tool { name: "tides".to_owned(), schema: json!({"type": "object"}) });
        for expected in [Some("tides"), Some("get_weather"), None] {
            let called = tool_calls(&prompt);
            assert_eq!(called.first().map(|call| call.name.as_str()), expected);
            prompt.turns.push(Turn::new(Speaker::Assistant));
            prompt.turns.push(Turn::new(Speaker::Tool));
        }
    }

    #[test]
    fn a_tool_is_called_only_when_the_user_wants_it() {
        assert!(plan(Behaviour::Echo, &with_weather_tool("Hello Anna")).calls.is_empty());
        let plan = plan(Behaviour::Echo, &with_weather_tool("How is the weather in Oslo?"));
        assert_eq!(plan.finish, Finish::ToolCalls);
        assert_eq!(plan.calls[0].arguments, json!({"city": "Oslo"}));
    }

    #[test]
    fn both_makes_two_calls_with_different_arguments() {
        let plan =
            plan(Behaviour::Echo, &with_weather_tool("How is the weather in both Oslo and Rome?"));
        let cities: Vec<_> = plan.calls.iter().map(|call| call.arguments["city"].clone()).collect();
        assert_eq!(cities, ["Oslo", "Rome"]);
    }

    #[test]
    fn the_first_object_of_a_message_is_repeated_as_it_stands() {
        let said = |text: &str| plan(Behaviour::Json, &prompt(text)).text;
        assert_eq!(said("see {this}: {\"a\":  {\"b\": 1}} and {\"c\": 2}"), "{\"a\":  {\"b\": 1}}");
        assert_eq!(said("nothing here"), "{}");
    }

    #[test]
    fn the_answer_stops_at_the_limit_and_at_a_stop_sequence() {
        let mut limited = prompt("one two three four");
        limited.max_tokens = Some(2);
        let limited_plan = plan(Behaviour::Echo, &limited);
        assert_eq!(
            (limited_plan.text.as_str(), limited_plan.finish),
            ("one two ", Finish::MaxTokens)
        );
        let mut stopped = prompt("one two three four");
        stopped.stop = vec!["four".to_owned(), "three".to_owned()];
        let stopped_plan = plan(Behaviour::Echo, &stopped);
        assert_eq!(stopped_plan.text, "one two ");
        assert_eq!(stopped_plan.finish, Finish::StopSequence("three".to_owned()));
    }
}
