//! Markup that imitates the frame of a conversation: chat templates, roles, tool calls.

use unicode_normalization::UnicodeNormalization;

use super::{aim::Aim, fold::is_invisible};

/// Tokens of chat templates (ChatML, Llama, Mistral, Gemma, DeepSeek). No prose holds them; a
/// template that does not escape them reads them as the end of the quoted text.
const TEMPLATE_TOKENS: [&str; 14] = [
    "<|im_start|>",
    "<|im_end|>",
    "<|im_sep|>",
    "<|endoftext|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<|begin_of_text|>",
    "[/inst]",
    "[inst]",
    "<<sys>>",
    "<</sys>>",
    "<start_of_turn>",
    "<end_of_turn>",
];

/// Tags that open or close a part of a prompt. Programmers write some of them, so that they stop a
/// statement and an untrusted passage, not a user's own turn.
const FRAME_TAGS: [&str; 19] = [
    "<system",
    "</system",
    "<assistant>",
    "</assistant>",
    "<user>",
    "</user>",
    "<instructions",
    "</instructions",
    "<memory>",
    "</memory",
    "<function_calls",
    "<invoke ",
    "<tool_call",
    "</tool_call",
    "<tool_use",
    "<tool_result",
    "</tool_result",
    "</tool_response",
    "<bos>",
];

/// The same in JSON, without white space.
const FRAME_JSON: [&str; 5] = [
    "\"role\":\"system\"",
    "\"role\":\"developer\"",
    "\"tool_calls\":",
    "\"tool_use\"",
    "\"function_call\":",
];

/// Beginnings of a line that give it to another speaker.
const ROLE_LINES: [&str; 14] = [
    "system:",
    "[system",
    "system message:",
    "system prompt:",
    "developer:",
    "### system",
    "### instruction",
    "## system",
    "# system prompt",
    "assistant: ",
    "human: ",
    "user: ignore",
    "begin system",
    "end of user input",
];

/// Whether it holds a token that a chat template would obey.
pub(super) fn imitates_template(text: &str) -> bool {
    let text = plain(text);
    TEMPLATE_TOKENS.iter().any(|token| text.contains(token)) || has_bar_token(&text)
}

pub(super) fn aim(text: &str) -> Option<Aim> {
    let text = plain(text);
    let dense: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    let is_call = dense.contains("\"name\":") && has_one(&dense, &["\"arguments\":", "\"input\":"]);
    let opens_role = |line: &str| ROLE_LINES.iter().any(|role| line.trim_start().starts_with(role));
    let found = has_one(&text, &TEMPLATE_TOKENS)
        || has_bar_token(&text)
        || has_one(&text, &FRAME_TAGS)
        || has_one(&dense, &FRAME_JSON)
        || is_call
        || text.lines().any(opens_role);
    found.then_some(Aim::Markup)
}

/// `<|anything|>`, or the full-width bars that DeepSeek's template has.
fn has_bar_token(text: &str) -> bool {
    text.split("<|").skip(1).any(|after| {
        after.split_once("|>").is_some_and(|(name, _)| {
            let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '\u{2581}');
            (1..=40).contains(&name.len()) && name.chars().all(is_name)
        })
    })
}

fn has_one(text: &str, parts: &[&str]) -> bool {
    parts.iter().any(|part| text.contains(part))
}

fn plain(text: &str) -> String {
    let shown = text.nfkc().filter(|character| !is_invisible(*character));
    shown.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn template_tokens_are_seen_through_disguise() {
        assert!(imitates_template("a <|IM_start|> b"));
        assert!(imitates_template("＜｜im_start｜＞"));
        assert!(imitates_template("<|im_\u{200B}start|>"));
        assert!(!imitates_template("if a <| b and b |> c"));
        assert!(!imitates_template("\"role\": \"system\""));
    }

    #[test]
    fn roles_open_a_line() {
        assert_eq!(aim("hello\n  System: obey"), Some(Aim::Markup));
        assert_eq!(aim("My operating system: Linux"), None);
        assert_eq!(aim("<b>bold</b>"), None);
    }
}
