//! Where sentences end.

/// Sentences as byte ranges that cover the whole text. A sentence ends after `.`, `!`, `?` or their
/// like and a space, where the next does not go on in lower case, and at the end of scripts without
/// spaces between sentences.
pub(crate) fn sentence_ends(text: &str) -> Vec<(usize, usize)> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let after = at + character.len_utf8();
        let ends = match character {
            '。' | '！' | '？' => true,
            '.' | '!' | '?' | '…' => {
                let rest = text[after..].trim_start_matches(['"', '\'', ')', '”', '’', ']']);
                let mut next = rest.chars();
                next.next().is_none_or(char::is_whitespace)
                    && !rest.trim_start().starts_with(char::is_lowercase)
                    && !is_abbreviation(&text[start..at])
            }
            '\n' => text[after..].starts_with('\n'),
            _ => false,
        };
        if ends {
            // What closes a sentence, and the space after it, belong to it.
            let closing =
                |c: &char| c.is_whitespace() || matches!(c, '"' | '\'' | ')' | '”' | '’' | ']');
            let mut end = after;
            while let Some((at, character)) = characters.next_if(|(_, c)| closing(c)) {
                end = at + character.len_utf8();
            }
            sentences.push((start, end));
            start = end;
        }
    }
    if start < text.len() {
        sentences.push((start, text.len()));
    }
    sentences
}

/// A single letter before a full stop is somebody's initial; these words end with one.
fn is_abbreviation(before: &str) -> bool {
    let word = before
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or(before)
        .trim_start_matches(['(', '"', '[']);
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
    is_initial
        || matches!(
            word,
            "Mr" | "Mrs"
                | "Ms"
                | "Dr"
                | "Prof"
                | "St"
                | "vs"
                | "Fig"
                | "e.g"
                | "i.e"
                | "z.B"
                | "ca"
                | "bzw"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<'t>(text: &'t str, ranges: &[(usize, usize)]) -> Vec<&'t str> {
        ranges.iter().map(|(start, end)| text[*start..*end].trim()).collect()
    }

    #[test]
    fn sentences_end_where_a_reader_says_so() {
        let text = "Dr. Ada met J. Smith at 3.5 p.m. today. He said \"No.\" Then left!  End";
        assert_eq!(
            texts(text, &sentence_ends(text)),
            ["Dr. Ada met J. Smith at 3.5 p.m. today.", "He said \"No.\"", "Then left!", "End"]
        );
        assert_eq!(sentence_ends("猫が座る。犬が走る。").len(), 2);
    }
}
