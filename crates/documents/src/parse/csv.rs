//! CSV, TSV and what spreadsheets export under that name: the delimiter and the header are guessed.

use super::Whole;
use crate::{
    ParseError, Row, Source,
    limits::COLUMNS_MAX,
    sink::{Sink, TableParts},
    text::number,
};

pub(super) fn parse(text: &str, sink: &mut Sink<'_>) -> Result<Whole, ParseError> {
    let delimiter = delimiter(text);
    // The reader would keep a number for each cell of such a line.
    if text
        .lines()
        .any(|line| line.bytes().filter(|byte| *byte == delimiter).count() > 100 * COLUMNS_MAX)
    {
        return Err(ParseError::too_large(
            "A line of this CSV file has more than 100,000 columns, which no table has.",
        ));
    }
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut table: Option<TableParts> = None;
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(cause) => return Err(ParseError::damaged("CSV file", cause)),
        }
        let at = record
            .position()
            .map_or(1, |position| number(usize::try_from(position.line()).unwrap_or(usize::MAX)));
        let cells: Vec<String> = record.iter().take(COLUMNS_MAX + 1).map(str::to_owned).collect();
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        match &mut table {
            Some(table) => table.row(sink, Row { cells, at })?,
            None if is_header(&cells) => {
                table = Some(TableParts::new(sink, Some(cells), Source::line(at)))
            }
            None => table
                .insert(TableParts::new(sink, None, Source::line(at)))
                .row(sink, Row { cells, at })?,
        }
    }
    if let Some(table) = table {
        table.end(sink)?;
    }
    Ok(Whole::default())
}

/// Which of the usual delimiters occurs most evenly in the first lines.
fn delimiter(text: &str) -> u8 {
    let lines: Vec<&str> = text.lines().take(20).filter(|line| !line.is_empty()).collect();
    let evenness = |delimiter: u8| {
        let counts: Vec<usize> = lines.iter().map(|line| outside_quotes(line, delimiter)).collect();
        let first = counts.first().copied().unwrap_or(0);
        let same = counts.iter().filter(|count| **count == first && first > 0).count();
        (same, first)
    };
    [b',', b';', b'\t', b'|']
        .into_iter()
        .rev()
        .max_by_key(|delimiter| evenness(*delimiter))
        .unwrap_or(b',')
}

fn outside_quotes(line: &str, delimiter: u8) -> usize {
    let mut quoted = false;
    line.bytes()
        .filter(|byte| {
            quoted ^= *byte == b'"';
            !quoted && *byte == delimiter
        })
        .count()
}

/// A first row is a header if each cell names something: not empty, not a number, not twice the same.
pub(super) fn is_header(cells: &[String]) -> bool {
    let names = cells.iter().all(|cell| {
        let cell = cell.trim();
        !cell.is_empty()
            && cell.len() <= 200
            && !cell.starts_with(|c: char| c.is_ascii_digit() || c == '-')
    });
    let mut sorted: Vec<&str> = cells.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    names && sorted.windows(2).all(|pair| pair[0] != pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_one_that_every_line_has() {
        assert_eq!(delimiter("a;b;c\n1,5;2;3\n"), b';');
        assert_eq!(delimiter("a,b\n\"x;y;z\",2\n"), b',');
        assert_eq!(delimiter("name\tage\nA\t3\n"), b'\t');
        assert_eq!(delimiter("one column\nonly"), b',');
    }
}
