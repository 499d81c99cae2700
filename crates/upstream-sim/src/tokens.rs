//! The simulator's tokenizer: one token is one word with the white space that follows it.

/// What one image costs, in tokens.
pub(crate) const IMAGE_TOKENS: usize = 85;
/// What one tool definition costs, in tokens.
pub(crate) const TOOL_TOKENS: usize = 20;
/// How many characters of a tool call's arguments make one token, and one streamed fragment.
const ARGUMENT_CHARACTERS: usize = 8;

/// The tokens of a text, in order; put together they are the text again.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(char::is_whitespace)
}

/// How many tokens a text has.
pub(crate) fn count(text: &str) -> usize {
    pieces(text).count()
}

/// The first `limit` tokens of a text.
pub(crate) fn truncate(text: &str, limit: usize) -> &str {
    let kept: usize = pieces(text).take(limit).map(str::len).sum();
    text.get(..kept).unwrap_or(text)
}

/// The fragments in which the JSON text of a tool call's arguments is streamed.
pub(crate) fn argument_fragments(arguments: &str) -> Vec<&str> {
    let mut fragments = Vec::new();
    let mut rest = arguments;
    while !rest.is_empty() {
        let end = rest.char_indices().nth(ARGUMENT_CHARACTERS).map_or(rest.len(), |(at, _)| at);
        let (fragment, tail) = rest.split_at(end);
        fragments.push(fragment);
        rest = tail;
    }
    fragments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_put_together_are_the_text() {
        let text = "Grüße  aus\nOslo, ";
        assert_eq!(pieces(text).collect::<String>(), text);
        assert_eq!(truncate(text, 2), "Grüße  ");
        assert_eq!(truncate(text, 99), text);
    }

    #[test]
    fn fragments_never_split_a_character() {
        let text = r#"{"city":"Tromsø, Norge"}"#;
        let fragments = argument_fragments(text);
        assert!(fragments.len() > 2);
        assert_eq!(fragments.concat(), text);
    }
}
