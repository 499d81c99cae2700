//! A table in parts that can be read by themselves.

use super::{ChunkOptions, split};
use crate::Row;

pub(super) struct Part {
    pub(super) text: String,
    pub(super) tokens: u64,
    /// Where its first and last rows stand; absent if it is only a header.
    pub(super) rows: Option<(u32, u32)>,
}

/// As many rows as fit, below the header, again and again. A row that does not fit by itself is told
/// as `name: value`, cut where a paragraph would be.
pub(super) fn parts(
    header: Option<&[String]>,
    rows: &[Row],
    options: &ChunkOptions,
    count: &dyn Fn(&str) -> u64,
) -> Vec<Part> {
    let columns = rows
        .iter()
        .map(|row| row.cells.len())
        .chain(header.map(<[String]>::len))
        .max()
        .unwrap_or(0);
    let head = head(header, columns);
    let head_tokens = count(&head);
    let mut parts = Vec::new();
    let mut open: Option<Part> = None;
    for row in rows {
        let line = line(&row.cells, row.cells.len());
        let tokens = count(&line);
        if head_tokens + tokens > options.whole_tokens {
            parts.extend(open.take());
            parts.extend(long_row(header, row, options, count));
            continue;
        }
        if open.as_ref().is_some_and(|part| part.tokens + tokens > options.target_tokens) {
            parts.extend(open.take());
        }
        let part = open.get_or_insert_with(|| Part {
            text: head.clone(),
            tokens: head_tokens,
            rows: Some((row.at, row.at)),
        });
        part.text.push('\n');
        part.text.push_str(&line);
        part.tokens += tokens;
        part.rows = part.rows.map(|(first, _)| (first, row.at));
    }
    parts.extend(open);
    if parts.is_empty() && header.is_some() {
        parts.push(Part { text: head, tokens: head_tokens, rows: None });
    }
    parts
}

/// Markdown wants a header; a table that has none gets one without names.
fn head(header: Option<&[String]>, columns: usize) -> String {
    let names = header.unwrap_or(&[]);
    format!("{}\n|{}", line(names, columns), " --- |".repeat(columns))
}

fn line(cells: &[String], columns: usize) -> String {
    let mut line = String::from("|");
    for column in 0..columns {
        let cell = cells.get(column).map_or("", String::as_str);
        line.push(' ');
        line.push_str(&cell.replace('|', "\\|"));
        line.push_str(" |");
    }
    line
}

fn long_row(
    header: Option<&[String]>,
    row: &Row,
    options: &ChunkOptions,
    count: &dyn Fn(&str) -> u64,
) -> Vec<Part> {
    let name =
        |column: usize| header.and_then(|names| names.get(column)).filter(|name| !name.is_empty());
    let values: Vec<String> = row
        .cells
        .iter()
        .enumerate()
        .filter(|(_, cell)| !cell.is_empty())
        .map(|(column, cell)| match name(column) {
            Some(name) => format!("{name}: {cell}"),
            None => cell.clone(),
        })
        .collect();
    let text = values.join("\n");
    split::sentences(&text, options, count)
        .into_iter()
        .map(|(start, end)| {
            let text = text[start..end].trim().to_owned();
            Part { tokens: count(&text), text, rows: Some((row.at, row.at)) }
        })
        .collect()
}
