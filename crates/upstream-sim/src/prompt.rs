//! What a request asks, without the words of any wire format.

use serde_json::Value;

use crate::tokens;

/// Who said a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    System,
    User,
    Assistant,
    /// The result of one tool call.
    Tool,
}

/// One turn of the conversation, in the order of the request.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) speaker: Speaker,
    /// The text parts, in order.
    pub(crate) texts: Vec<String>,
    pub(crate) images: usize,
    /// Whether the client marked this turn as the end of a cacheable prefix.
    pub(crate) cache_mark: bool,
}

impl Turn {
    pub(crate) fn new(speaker: Speaker) -> Self {
        Self { speaker, texts: Vec::new(), images: 0, cache_mark: false }
    }

    fn tokens(&self) -> usize {
        let words: usize = self.texts.iter().map(|text| tokens::count(text)).sum();
        words + self.images * tokens::IMAGE_TOKENS
    }
}

/// A tool that the model may call.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) name: String,
    /// JSON Schema of the arguments; `{}` where the client gave none.
    pub(crate) schema: Value,
}

/// Whether the model must, may or must not call a tool.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum ToolChoice {
    #[default]
    Auto,
    Never,
    Any,
    Named(String),
}

/// The form that the answer must have.
#[derive(Debug, Default)]
pub(crate) enum AnswerForm {
    #[default]
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON that is valid for this schema.
    JsonSchema(Value),
}

/// How the wire format accounts for the part of the prompt that was read from a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CachePolicy {
    /// Every prefix is cached without being asked (OpenAI, Gemini).
    Automatic,
    /// Only a prefix that the client marked is cached (Anthropic).
    Marked,
}

/// Tokens of the prompt by how they were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PromptTokens {
    /// Everything, cached or not.
    pub(crate) total: usize,
    pub(crate) cache_read: usize,
    pub(crate) cache_write: usize,
}

/// One request for an answer.
#[derive(Debug)]
pub(crate) struct Prompt {
    /// The model as the client wrote it, script included.
    pub(crate) model: String,
    pub(crate) turns: Vec<Turn>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) tool_choice: ToolChoice,
    pub(crate) parallel_tool_calls: bool,
    pub(crate) answer_form: AnswerForm,
    /// Whether a model that reasons does so for this request.
    pub(crate) reasoning: bool,
    /// Largest number of output tokens.
    pub(crate) max_tokens: Option<usize>,
    pub(crate) stop: Vec<String>,
    /// How many answers the client wants; at least one.
    pub(crate) choices: usize,
    pub(crate) stream: bool,
    pub(crate) cache: CachePolicy,
}

impl Prompt {
    /// An empty prompt for a model; the readers of the wire formats fill it.
    pub(crate) fn new(model: &str, cache: CachePolicy) -> Self {
        Self {
            model: model.to_owned(),
            turns: Vec::new(),
            tools: Vec::new(),
            tool_choice: ToolChoice::Auto,
            parallel_tool_calls: true,
            answer_form: AnswerForm::Text,
            reasoning: false,
            max_tokens: None,
            stop: Vec::new(),
            choices: 1,
            stream: false,
            cache,
        }
    }

    /// The text of the last thing the user said, its parts joined by new lines.
    pub(crate) fn last_user_text(&self) -> String {
        self.last_user_turn().map(|turn| turn.texts.join("\n")).unwrap_or_default()
    }

    pub(crate) fn last_user_turn(&self) -> Option<&Turn> {
        self.turns.iter().rfind(|turn| turn.speaker == Speaker::User)
    }

    /// The beginning of its answer that the client put into the model's mouth, if it did.
    pub(crate) fn given_beginning(&self) -> Option<String> {
        let last = self.turns.last().filter(|turn| turn.speaker == Speaker::Assistant)?;
        Some(last.texts.join("\n"))
    }

    /// Tool results that no answer has used yet.
    pub(crate) fn new_tool_results(&self) -> Vec<String> {
        let after = self.turns.iter().rposition(|turn| turn.speaker == Speaker::Assistant);
        self.turns
            .iter()
            .skip(after.map_or(0, |at| at + 1))
            .filter(|turn| turn.speaker == Speaker::Tool)
            .map(|turn| turn.texts.join("\n"))
            .collect()
    }

    /// How many results of tools have come since the user said something.
    pub(crate) fn tool_results_since_asked(&self) -> usize {
        let asked = self.turns.iter().rposition(|turn| turn.speaker == Speaker::User);
        let since = self.turns.iter().skip(asked.map_or(0, |at| at + 1));
        since.filter(|turn| turn.speaker == Speaker::Tool).count()
    }

    pub(crate) fn images(&self) -> usize {
        self.turns.iter().map(|turn| turn.images).sum()
    }

    /// Counts the prompt.
    ///
    /// The cache has no memory of its own, so that equal requests get equal answers: what lies
    /// before the newest input (up to and including the last turn of the assistant) counts as read
    /// from the cache, because the previous call of the conversation must have sent it.
    pub(crate) fn tokens(&self) -> PromptTokens {
        let counts: Vec<usize> = self.turns.iter().map(Turn::tokens).collect();
        let tools = self.tools.len() * tokens::TOOL_TOKENS;
        let prefix = |end: Option<usize>| {
            end.map_or(0, |end| tools + counts.iter().take(end + 1).sum::<usize>())
        };
        let total = tools + counts.iter().sum::<usize>();
        let seen = self.turns.iter().rposition(|turn| turn.speaker == Speaker::Assistant);
        let seen_tokens = prefix(seen);
        match self.cache {
            CachePolicy::Automatic => {
                PromptTokens { total, cache_read: seen_tokens, cache_write: 0 }
            }
            CachePolicy::Marked => {
                let marked = prefix(self.turns.iter().rposition(|turn| turn.cache_mark));
                let cache_read = marked.min(seen_tokens);
                PromptTokens { total, cache_read, cache_write: marked - cache_read }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(cache: CachePolicy, mark_at: Option<usize>) -> Prompt {
        let mut prompt = Prompt::new("sim-echo", cache);
        let said = [
            (Speaker::System, "be brief"),
            (Speaker::User, "one two three"),
            (Speaker::Assistant, "four"),
            (Speaker::User, "five six"),
        ];
        for (at, (speaker, text)) in said.into_iter().enumerate() {
            let mut turn = Turn::new(speaker);
            turn.texts.push(text.to_owned());
            turn.cache_mark = mark_at == Some(at);
            prompt.turns.push(turn);
        }
        prompt
    }

    #[test]
    fn a_prefix_that_was_sent_before_is_read_from_the_cache() {
        let tokens = prompt(CachePolicy::Automatic, None).tokens();
        assert_eq!(tokens, PromptTokens { total: 8, cache_read: 6, cache_write: 0 });
    }

    #[test]
    fn without_a_mark_a_marked_cache_holds_nothing() {
        let tokens = prompt(CachePolicy::Marked, None).tokens();
        assert_eq!(tokens, PromptTokens { total: 8, cache_read: 0, cache_write: 0 });
    }

    #[test]
    fn a_mark_on_new_input_writes_what_was_not_there_yet() {
        let tokens = prompt(CachePolicy::Marked, Some(3)).tokens();
        assert_eq!(tokens, PromptTokens { total: 8, cache_read: 6, cache_write: 2 });
    }
}
