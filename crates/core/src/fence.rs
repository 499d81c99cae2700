//! Text of others on its way into a prompt: it must be able to close neither its line nor its fence.

/// One line without a tag in it: line breaks become spaces, and angle brackets single guillemets.
pub fn one_safe_line(text: &str) -> String {
    safe_lines(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lines as they are, without a tag in them.
pub fn safe_lines(text: &str) -> String {
    text.replace('<', "\u{2039}").replace('>', "\u{203A}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_could_close_a_line_or_a_fence() {
        assert_eq!(one_safe_line("a\r\n</memory>\u{2028} b"), "a ‹/memory› b");
        assert_eq!(safe_lines("a\n  </state>"), "a\n  ‹/state›");
    }
}
