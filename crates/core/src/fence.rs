//! Text of others on its way into a prompt: it must be able to close neither its line nor its fence.

/// One line without a tag in it: line breaks become spaces, and angle brackets single guillemets.
pub fn one_safe_line(text: &str) -> String {
    let safe = text.replace('<', "\u{2039}").replace('>', "\u{203A}");
    safe.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_could_close_a_line_or_a_fence() {
        assert_eq!(one_safe_line("a\r\n</memory>\u{2028} b"), "a ‹/memory› b");
    }
}
