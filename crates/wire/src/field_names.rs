//! What clients call the fields that get lost: a report is of use only in the client's own words.

use std::borrow::Cow;

use backstay_core::{WireFormat, chat::ChatRequest};

use crate::Loss;

/// Where Anthropic's clients write what OpenAI's clients, after whom the neutral fields are named,
/// write as the first.
const IN_ANTHROPIC: [(&str, &str); 4] = [
    ("user", "metadata.user_id"),
    ("parallel_tool_calls", "tool_choice.disable_parallel_tool_use"),
    ("reasoning", "thinking"),
    ("stop", "stop_sequences"),
];

/// Reports what a translation lost: first the fields that nobody interprets, then those that the
/// format has no place for, in the words of the client.
pub(crate) fn report(request: &ChatRequest, lost: Loss, loss: &mut Loss) {
    let origin = request.origin.as_ref();
    origin.iter().flat_map(|origin| &origin.uninterpreted).for_each(|name| loss.record(name));
    let dialect = origin.map(|origin| origin.format);
    for name in lost.into_names() {
        loss.record(in_dialect(&name, dialect));
    }
}

fn in_dialect(name: &str, dialect: Option<WireFormat>) -> Cow<'_, str> {
    if dialect != Some(WireFormat::Anthropic) {
        return Cow::Borrowed(name);
    }
    match IN_ANTHROPIC.iter().find(|(neutral, _)| *neutral == name) {
        Some((_, written)) => Cow::Borrowed(written),
        // Tools are written without the object around a function.
        None => Cow::Owned(name.replace("].function.", "].")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_reported_in_the_words_of_the_client() {
        let anthropic = |name| in_dialect(name, Some(WireFormat::Anthropic)).into_owned();
        assert_eq!(anthropic("user"), "metadata.user_id");
        assert_eq!(anthropic("tools[2].function.strict"), "tools[2].strict");
        assert_eq!(anthropic("messages.audio"), "messages.audio");
        assert_eq!(in_dialect("user", Some(WireFormat::OpenAi)), "user");
    }
}
