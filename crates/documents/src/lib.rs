//! Documents: files of many formats become blocks with their source positions, and blocks become
//! chunks.
//!
//! ```text
//! bytes --detect--> Format --parse--> Block, Block, …          in a child process (worker)
//!       --Parser--> Parsed                                     in the parent, within bounds
//!       --chunk---> Vec<Chunk>                                 pure
//!       --summarise--> a few of its own sentences              pure
//! ```
//!
//! A file that a stranger sent is never parsed in the server's own process. [`Parser`] starts the
//! program it is given with the argument `parse-document`; that program calls [`worker::run`], which
//! takes away from itself all that parsing does not need before it reads the first byte.
//!
//! ```no_run
//! # async fn read(file: std::fs::File, tokens: &dyn Fn(&str) -> u64) -> Result<(), Box<dyn std::error::Error>> {
//! use backstay_documents::{ChunkOptions, Limits, Parser, chunk};
//!
//! let parser = Parser::of_this_program(Limits::default())?;
//! let parsed = parser.parse("handbook.pdf", file, |progress| drop(progress)).await?;
//! for chunk in chunk(&parsed, &ChunkOptions::default(), tokens) {
//!     println!("{}: {}", chunk.source, chunk.to_index_text());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! This crate knows file formats and chunking. It does not know the store, HTTP, models or words: what
//! counts tokens is an argument of [`chunk`], and what tells words apart one of [`summarise`].

mod block;
mod chunk;
mod detect;
mod error;
mod format;
mod limits;
mod parse;
mod sentences;
mod sink;
mod summary;
mod text;
pub mod worker;

pub use block::{Block, Content, Parsed, Progress, Row, Source, Summary};
pub use chunk::{Chunk, ChunkOptions, chunk};
pub use error::{ErrorKind, ParseError};
pub use format::Format;
pub use limits::Limits;
pub use parse::{parse, parse_into};
pub use sink::Event;
pub use summary::{SUMMARY_CHARS_MAX, summarise};
pub use worker::Parser;
