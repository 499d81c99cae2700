//! Models inside this process: no key, no network, and honest about what they are.

mod echo;
mod recall;

use backstay_core::{
    Error, ErrorCode, Result, Usage,
    chat::{ChatEvent, ChatRequest, FinishReason, Frame, Part},
    tokens,
};
use futures::stream;

use crate::ChatCall;

/// The prefix of the built-in models' names.
pub const BUILTIN_PROVIDER: &str = "builtin";

const ECHO: &str = "echo";
const RECALL: &str = "recall";

/// Names of the built-in chat models, with what each does.
pub fn builtin_models() -> [(&'static str, &'static str); 2] {
    [
        (RECALL, "Answers with the best-supported remembered statements; generates nothing"),
        (ECHO, "Repeats the last message"),
    ]
}

pub(crate) fn chat(model: &str, request: &ChatRequest) -> Result<ChatCall> {
    let answer = match model {
        ECHO => echo::answer(request),
        RECALL => recall::answer(request),
        other => {
            return Err(Error::new(
                ErrorCode::UpstreamModelNotFound,
                format!("there is no built-in model {other:?}; there are {RECALL:?} and {ECHO:?}"),
            ));
        }
    };
    let frames: Vec<Result<Frame>> =
        events(model, request, &answer).into_iter().map(|event| Ok(Frame::of(event))).collect();
    Ok(ChatCall { frames: Box::pin(stream::iter(frames)), dropped: dropped(request) })
}

/// The answer word by word, cut where `max_tokens` or a stop sequence says, as any model's would be.
fn events(model: &str, request: &ChatRequest, answer: &str) -> Vec<ChatEvent> {
    let (text, reason) = cut(request, answer);
    let usage = Usage {
        prompt_tokens: request.messages.iter().flat_map(|m| &m.parts).map(part_tokens).sum(),
        completion_tokens: tokens::estimate(text),
        estimated: true,
        ..Usage::default()
    };
    let model = Some(format!("{BUILTIN_PROVIDER}/{model}"));
    let mut events = vec![ChatEvent::Started { id: None, model, created: None }];
    let words = text.split_inclusive(' ').map(str::to_owned);
    events.extend(words.map(|text| ChatEvent::Text { choice: 0, text }));
    events.push(ChatEvent::Finished { choice: 0, reason, native: None });
    events.push(ChatEvent::Usage(usage));
    events
}

fn cut<'a>(request: &ChatRequest, answer: &'a str) -> (&'a str, FinishReason) {
    let stops = &request.parameters.stop;
    let stop = stops
        .iter()
        .filter(|stop| !stop.is_empty())
        .filter_map(|stop| answer.find(stop.as_str()))
        .min();
    let text = stop.map_or(answer, |end| &answer[..end]);
    let Some(limit) = request.parameters.max_tokens else {
        return (text, FinishReason::Stop);
    };
    let mut spent = 0;
    let mut end = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        spent += tokens::estimate(word);
        if spent > limit {
            return (text[..end].trim_end(), FinishReason::Length);
        }
        end += word.len();
    }
    (text, FinishReason::Stop)
}

fn part_tokens(part: &Part) -> u64 {
    match part {
        Part::Text { text } | Part::Reasoning { text, .. } | Part::Refusal { text } => {
            tokens::estimate(text)
        }
        Part::Recalled(block) => tokens::estimate(&block.to_prompt_text()),
        Part::ToolCall(call) => tokens::estimate(&call.arguments),
        Part::ToolResult { parts, .. } => parts.iter().map(part_tokens).sum(),
        Part::Image(_) | Part::File(_) | Part::Audio(_) => 0,
    }
}

/// What a model that only repeats or looks up cannot honour.
fn dropped(request: &ChatRequest) -> Vec<String> {
    let parameters = &request.parameters;
    let asked = [
        ("tools", !request.tools.is_empty()),
        ("response_format", request.response_format.is_some()),
        ("reasoning", request.reasoning.is_some()),
        ("temperature", parameters.temperature.is_some()),
        ("top_p", parameters.top_p.is_some()),
        ("top_k", parameters.top_k.is_some()),
        ("seed", parameters.seed.is_some()),
        ("presence_penalty", parameters.presence_penalty.is_some()),
        ("frequency_penalty", parameters.frequency_penalty.is_some()),
        ("n", parameters.choices.is_some_and(|n| n > 1)),
        ("logprobs", parameters.logprobs == Some(true)),
    ];
    asked.into_iter().filter(|(_, asked)| *asked).map(|(name, _)| name.to_owned()).collect()
}
