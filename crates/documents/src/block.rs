//! What a file holds, whatever its format: blocks in reading order, each with its place in the file.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Format;

/// A file that was read to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub summary: Summary,
    pub blocks: Vec<Block>,
    /// What a person should know of how the file was read: a wrong extension, cells that were cut.
    pub notes: Vec<String>,
}

/// What is known of the file as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// What the content is, which need not be what the name says.
    pub format: Format,
    /// The title in the file's own metadata.
    pub title: Option<String>,
    /// Pages of a PDF, slides of a presentation, sheets of a workbook; absent where the format has
    /// no such parts.
    pub parts: Option<u32>,
}

/// How far a file was read, in pages, slides or sheets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub done: u32,
    pub total: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    pub content: Content,
    pub source: Source,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// `level` is 1 for the outermost.
    Heading {
        level: u8,
        text: String,
    },
    Paragraph(String),
    /// `depth` is 0 for an item of a list that is in no other list.
    ListItem {
        depth: u8,
        text: String,
    },
    Table {
        header: Option<Vec<String>>,
        rows: Vec<Row>,
    },
    /// Kept character for character. `language` is a name such as `rust` or `json`.
    Code {
        language: Option<String>,
        text: String,
    },
}

impl Content {
    /// What it counts against [`crate::Limits::text_bytes`]: its text, and something for each cell,
    /// because a million empty ones take memory too.
    pub(crate) fn weight(&self) -> u64 {
        let cells = |cells: &[String]| cells.iter().map(|cell| cell.len() + 8).sum::<usize>() + 16;
        let bytes = match self {
            Self::Heading { text, .. } | Self::ListItem { text, .. } | Self::Code { text, .. } => {
                text.len()
            }
            Self::Paragraph(text) => text.len(),
            Self::Table { header, rows } => {
                header.as_deref().map_or(0, cells)
                    + rows.iter().map(|row| cells(&row.cells)).sum::<usize>()
            }
        };
        bytes as u64
    }

    pub(crate) fn is_blank(&self) -> bool {
        match self {
            Self::Heading { text, .. } | Self::ListItem { text, .. } | Self::Code { text, .. } => {
                text.trim().is_empty()
            }
            Self::Paragraph(text) => text.trim().is_empty(),
            Self::Table { header, rows } => header.is_none() && rows.is_empty(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub cells: Vec<String>,
    /// Where the row begins, in the unit of its block's [`Source`]: a sheet's row, a line,
    /// a paragraph.
    pub at: u32,
}

/// A place in a file. All numbers begin with 1, and both ends are included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "unit")]
pub enum Source {
    Pages {
        first: u32,
        last: u32,
    },
    Slide {
        number: u32,
    },
    Rows {
        sheet: String,
        first: u32,
        last: u32,
    },
    Lines {
        first: u32,
        last: u32,
    },
    /// Of a word processor's file, which has no pages of its own: `page` is the one on which the
    /// program that saved it last showed the first of these paragraphs, if it said so.
    Paragraphs {
        first: u32,
        last: u32,
        page: Option<u32>,
    },
}

impl Source {
    pub fn line(number: u32) -> Self {
        Self::Lines { first: number, last: number }
    }

    pub fn page(number: u32) -> Self {
        Self::Pages { first: number, last: number }
    }

    /// Both places as one, if they belong together: what is on different slides or sheets does not.
    pub fn join(&self, other: &Self) -> Option<Self> {
        Some(match (self, other) {
            (Self::Pages { first: a, last: b }, Self::Pages { first: c, last: d }) => {
                Self::Pages { first: *a.min(c), last: *b.max(d) }
            }
            (Self::Lines { first: a, last: b }, Self::Lines { first: c, last: d }) => {
                Self::Lines { first: *a.min(c), last: *b.max(d) }
            }
            (Self::Slide { number: a }, Self::Slide { number: b }) if a == b => self.clone(),
            (
                Self::Rows { sheet, first: a, last: b },
                Self::Rows { sheet: other_sheet, first: c, last: d },
            ) if sheet == other_sheet => {
                Self::Rows { sheet: sheet.clone(), first: *a.min(c), last: *b.max(d) }
            }
            (
                Self::Paragraphs { first: a, last: b, page },
                Self::Paragraphs { first: c, last: d, page: other_page },
            ) => Self::Paragraphs {
                first: *a.min(c),
                last: *b.max(d),
                page: (*page).or(*other_page),
            },
            _ => return None,
        })
    }

    /// The part of this place from `first` to `last`, where such numbers are counted; else all of it.
    pub fn narrow(&self, first: u32, last: u32) -> Self {
        match self {
            Self::Lines { .. } => Self::Lines { first, last },
            Self::Rows { sheet, .. } => Self::Rows { sheet: sheet.clone(), first, last },
            Self::Paragraphs { page, .. } => Self::Paragraphs { first, last, page: *page },
            Self::Pages { .. } | Self::Slide { .. } => self.clone(),
        }
    }

    /// Whether one heading can stand above both: not if they are on different slides or sheets.
    pub fn same_part(&self, other: &Self) -> bool {
        self.join(other).is_some()
    }
}

/// As a citation says it: `page 3`, `sheet Costs, rows 2–40`.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = |f: &mut fmt::Formatter<'_>, unit: &str, first: &u32, last: &u32| {
            if first == last {
                write!(f, "{unit} {first}")
            } else {
                write!(f, "{unit}s {first}–{last}")
            }
        };
        match self {
            Self::Pages { first, last } => range(f, "page", first, last),
            Self::Slide { number } => write!(f, "slide {number}"),
            Self::Rows { sheet, first, last } => {
                write!(f, "sheet {sheet}, ")?;
                range(f, "row", first, last)
            }
            Self::Lines { first, last } => range(f, "line", first, last),
            Self::Paragraphs { first, last, page } => {
                if let Some(page) = page {
                    write!(f, "page {page}, ")?;
                }
                range(f, "paragraph", first, last)
            }
        }
    }
}
