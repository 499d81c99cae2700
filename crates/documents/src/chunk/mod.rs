//! Blocks to chunks: pieces of a document that are found and cited by themselves.
//!
//! A chunk never crosses a heading, a slide or a sheet; it carries the headings that it stands under.
//! Tables are cut between rows, and each part begins with the header. Code is kept whole as long as it
//! fits. Only a paragraph that is longer than a chunk is cut inside, at the ends of sentences, and its
//! parts overlap.

mod outline;
mod split;
mod table;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use self::outline::Outline;
use crate::{Block, Content, Parsed, Source, text::LinesOf};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkOptions {
    /// What a chunk is filled up to, in tokens as `count_tokens` counts them.
    pub target_tokens: u64,
    /// Up to how much a table row or a piece of code may be longer than that before it is cut.
    pub whole_tokens: u64,
    /// How much of a paragraph's part is said again at the beginning of the next.
    pub overlap_tokens: u64,
}

impl Default for ChunkOptions {
    /// What an embedding model with a window of 512 tokens reads, headings included.
    fn default() -> Self {
        Self { target_tokens: 320, whole_tokens: 450, overlap_tokens: 48 }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Its number in the document, from 0.
    pub ordinal: u32,
    /// The headings above it, the outermost first.
    pub headings: Vec<String>,
    /// Tables and code in Markdown, as models read them.
    pub text: String,
    pub source: Source,
    /// Of `text`, without the headings.
    pub tokens: u64,
    /// SHA-256 of headings and text, in hexadecimal: equal in two documents that say the same.
    pub content_hash: String,
}

impl Chunk {
    /// What is to be indexed: the headings say what the text is about where the text does not.
    pub fn to_index_text(&self) -> String {
        if self.headings.is_empty() {
            return self.text.clone();
        }
        format!("{}\n\n{}", self.headings.join(" › "), self.text)
    }
}

/// Cuts a document into chunks. `count_tokens` is called for pieces of text and their sum is taken for
/// the whole; an estimate will do.
pub fn chunk(
    parsed: &Parsed,
    options: &ChunkOptions,
    count_tokens: &dyn Fn(&str) -> u64,
) -> Vec<Chunk> {
    let mut chunker = Chunker {
        options,
        count: count_tokens,
        outline: Outline::default(),
        open: None,
        chunks: Vec::new(),
    };
    for block in &parsed.blocks {
        chunker.block(block);
    }
    chunker.close();
    for (headings, text, source) in chunker.outline.enter_nothing() {
        chunker.lone_heading(headings, text, source);
    }
    chunker.chunks
}

/// A piece that is not cut further, and what stands between it and the piece before.
struct Piece {
    text: String,
    tokens: u64,
    source: Source,
    separator: &'static str,
}

struct Open {
    text: String,
    tokens: u64,
    source: Source,
}

struct Chunker<'o> {
    options: &'o ChunkOptions,
    count: &'o dyn Fn(&str) -> u64,
    outline: Outline,
    open: Option<Open>,
    chunks: Vec<Chunk>,
}

impl Chunker<'_> {
    fn block(&mut self, block: &Block) {
        let belongs = self.outline.place().is_none_or(|place| place.same_part(&block.source));
        if !belongs {
            self.close();
            for (headings, text, source) in self.outline.enter_nothing() {
                self.lone_heading(headings, text, source);
            }
        }
        self.outline.stand_at(&block.source);
        match &block.content {
            Content::Heading { level, text } => {
                self.close();
                for (headings, text, source) in self.outline.enter(*level, text, &block.source) {
                    self.lone_heading(headings, text, source);
                }
            }
            Content::Paragraph(text) => self.prose(text, "", &block.source, "\n\n"),
            Content::ListItem { depth, text } => {
                let indent = format!("{}- ", "  ".repeat(usize::from(*depth)));
                self.prose(text, &indent, &block.source, "\n");
            }
            Content::Code { language, text } => self.code(language.as_deref(), text, &block.source),
            Content::Table { header, rows } => self.table(header.as_deref(), rows, &block.source),
        }
    }

    fn prose(&mut self, text: &str, indent: &str, source: &Source, separator: &'static str) {
        let tokens = (self.count)(text);
        if tokens <= self.options.target_tokens {
            self.add(Piece {
                text: format!("{indent}{text}"),
                tokens,
                source: source.clone(),
                separator,
            });
            return;
        }
        // The parts of a long paragraph are chunks of their own: each overlaps the next.
        self.close();
        let mut lines = LinesOf::new(text, source);
        for (start, end) in split::sentences(text, self.options, self.count) {
            let part = text[start..end].trim();
            let tokens = (self.count)(part);
            self.add(Piece {
                text: part.to_owned(),
                tokens,
                source: lines.of(start, end),
                separator,
            });
            self.close();
        }
    }

    fn code(&mut self, language: Option<&str>, text: &str, source: &Source) {
        let fence = if text.contains("```") { "~~~~" } else { "```" };
        let fenced = |code: &str| format!("{fence}{}\n{code}\n{fence}", language.unwrap_or(""));
        let tokens = (self.count)(text);
        if tokens <= self.options.whole_tokens {
            self.add(Piece {
                text: fenced(text),
                tokens,
                source: source.clone(),
                separator: "\n\n",
            });
            return;
        }
        self.close();
        let mut lines = LinesOf::new(text, source);
        for (start, end) in split::lines(text, self.options, self.count) {
            let part = text[start..end].trim_end_matches('\n');
            let tokens = (self.count)(part);
            self.add(Piece {
                text: fenced(part),
                tokens,
                source: lines.of(start, end),
                separator: "\n\n",
            });
            self.close();
        }
    }

    fn table(&mut self, header: Option<&[String]>, rows: &[crate::Row], source: &Source) {
        let parts = table::parts(header, rows, self.options, self.count);
        let is_cut = parts.len() > 1;
        if is_cut {
            self.close();
        }
        for part in parts {
            let source = match part.rows {
                Some((first, last)) => source.narrow(first, last),
                None => source.clone(),
            };
            self.add(Piece { text: part.text, tokens: part.tokens, source, separator: "\n\n" });
            if is_cut {
                self.close();
            }
        }
    }

    fn add(&mut self, piece: Piece) {
        self.outline.mark_used();
        if let Some(open) = &mut self.open {
            let fits = open.tokens + piece.tokens <= self.options.target_tokens;
            if let Some(source) = open.source.join(&piece.source).filter(|_| fits) {
                open.text.push_str(piece.separator);
                open.text.push_str(&piece.text);
                open.tokens += piece.tokens;
                open.source = source;
                return;
            }
            self.close();
        }
        self.open = Some(Open { text: piece.text, tokens: piece.tokens, source: piece.source });
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            let headings = self.outline.path();
            self.push(headings, open.text, open.source, open.tokens);
        }
    }

    /// A heading with nothing below it is still something that the document says.
    fn lone_heading(&mut self, headings: Vec<String>, text: String, source: Source) {
        let tokens = (self.count)(&text);
        self.push(headings, text, source, tokens);
    }

    fn push(&mut self, headings: Vec<String>, text: String, source: Source, tokens: u64) {
        let mut hash = Sha256::new();
        for part in headings.iter().chain([&text]) {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let content_hash = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let ordinal = crate::text::number(self.chunks.len());
        self.chunks.push(Chunk { ordinal, headings, text, source, tokens, content_hash });
    }
}
