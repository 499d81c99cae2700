//! Documents: files of many formats become blocks with their places in the file.
//!
//! This crate knows file formats. It does not know the store, HTTP or models.

mod block;
mod detect;
mod error;
mod format;
mod limits;
mod parse;
mod sink;
mod text;

pub use block::{Block, Content, Parsed, Progress, Row, Source, Summary};
pub use error::{ErrorKind, ParseError};
pub use format::Format;
pub use limits::Limits;
pub use parse::{parse, parse_into};
pub use sink::Event;
