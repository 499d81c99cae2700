//! Text to the token numbers that a BERT model reads.
//!
//! Put together from the parts of `rten-text`, because its ready-made tokenizer cannot be shared
//! between threads.

use std::collections::{HashMap, HashSet};

use rten_text::{
    models::{Model as _, WordPiece},
    normalizers::{Bert as BertNormalizer, BertOptions, Normalizer as _},
    pre_tokenizers::{Bert as BertSplitter, PreTokenizer as _},
};
use serde::Deserialize;

use crate::analyse;

/// What is left of a contraction once it is cut at its apostrophe.
const CONTRACTION_ENDINGS: [&str; 7] = ["s", "t", "m", "re", "ve", "ll", "d"];

/// A WordPiece vocabulary without regard to case, as all-MiniLM-L6-v2 has it.
pub(super) struct WordPieces {
    pieces: WordPiece,
    normalizer: BertNormalizer,
    splitter: BertSplitter,
    start: i32,
    end: i32,
    /// Those that say nothing by themselves: stop words, parts of contractions, punctuation, marks.
    empty: HashSet<i32>,
}

/// What is read of a Hugging Face `tokenizer.json`.
#[derive(Deserialize)]
struct File {
    model: FileModel,
}

#[derive(Deserialize)]
struct FileModel {
    vocab: HashMap<String, u32>,
}

impl WordPieces {
    pub(super) fn from_json(json: &[u8]) -> Result<Self, String> {
        let file: File = serde_json::from_slice(json).map_err(|cause| cause.to_string())?;
        let is_empty = |piece: &str| {
            let is_mark = piece.starts_with('[') && piece.ends_with(']');
            is_mark
                || analyse::is_stop_word(piece)
                || CONTRACTION_ENDINGS.contains(&piece)
                || !piece.chars().any(char::is_alphanumeric)
        };
        let empty = file.model.vocab.iter().filter(|(piece, _)| is_empty(piece));
        let empty = empty.filter_map(|(_, id)| i32::try_from(*id).ok()).collect();
        let pieces = WordPiece::from_vocab(file.model.vocab, Default::default());
        let number = |token: &str| {
            let found = pieces.get_token_id(token).and_then(|id| i32::try_from(id).ok());
            found.ok_or_else(|| format!("its vocabulary lacks {token}"))
        };
        let options = BertOptions { lowercase: true, strip_accents: true };
        Ok(Self {
            start: number("[CLS]")?,
            end: number("[SEP]")?,
            empty,
            pieces,
            normalizer: BertNormalizer::new(options),
            splitter: BertSplitter::new(),
        })
    }

    /// Whether a token says something by itself.
    pub(super) fn is_content(&self, id: i32) -> bool {
        !self.empty.contains(&id)
    }

    /// Whether a token is the mark of a text's start or end.
    pub(super) fn is_mark(&self, id: i32) -> bool {
        id == self.start || id == self.end
    }

    /// At most `tokens_max`, with the marks of start and end; the rest of a longer text is left out.
    pub(super) fn tokens(&self, text: &str, tokens_max: usize) -> Result<Vec<i32>, String> {
        let (normal, _) = self.normalizer.normalize(text).map_err(|cause| cause.to_string())?;
        // Control characters separate words, whatever they are.
        let normal = normal.replace(|character: char| character.is_control(), " ");
        let words = self.splitter.pre_tokenize(&normal).map_err(|cause| cause.to_string())?;
        let mut tokens = vec![self.start];
        for word in words {
            if tokens.len() + 1 >= tokens_max {
                break;
            }
            let push = &mut |_, id| tokens.push(i32::try_from(id).unwrap_or(0));
            self.pieces.encode_with_offsets(word, push).map_err(|cause| cause.to_string())?;
        }
        tokens.truncate(tokens_max.saturating_sub(1));
        tokens.push(self.end);
        Ok(tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> WordPieces {
        let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "cafe", "mov", "##ing", "?"];
        let vocabulary: HashMap<&str, usize> =
            words.iter().enumerate().map(|(number, word)| (*word, number)).collect();
        let file = serde_json::json!({"model": {"vocab": vocabulary}});
        WordPieces::from_json(file.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn words_become_pieces_between_the_marks() {
        let tokens = small().tokens("Café moving?", 256).unwrap();
        assert_eq!(tokens, [2, 4, 5, 6, 7, 3]);
        assert_eq!(small().tokens("", 256).unwrap(), [2, 3]);
    }

    #[test]
    fn long_and_hostile_text_is_cut_to_size() {
        assert_eq!(small().tokens(&"cafe ".repeat(1_000), 256).unwrap().len(), 256);
        let hostile = format!("\u{0}\u{202e}{}\u{301}\u{1F600}", "x".repeat(10_000));
        assert!(small().tokens(&hostile, 16).unwrap().len() <= 16);
    }

    #[test]
    fn a_file_that_is_no_vocabulary_says_so() {
        assert!(WordPieces::from_json(b"{}").is_err());
        let lacking = WordPieces::from_json(br#"{"model": {"vocab": {"a": 1}}}"#);
        assert!(lacking.is_err_and(|error| error.contains("[CLS]")));
    }
}
