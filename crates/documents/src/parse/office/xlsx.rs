//! Excel workbooks: sheet by sheet, the cells that hold something, whatever size a sheet says it has.

use std::io::Cursor;

use calamine::{DataRef, Reader, Xlsx, XlsxError};

use super::{archive::Archive, properties};
use crate::{
    ParseError, Row, Source,
    limits::COLUMNS_MAX,
    parse::{Whole, looks_like_header},
    sink::{Sink, TableParts},
    text::{floor_boundary, number},
};

const WHAT: &str = "Excel workbook";

pub(in crate::parse) fn parse(bytes: Vec<u8>, sink: &mut Sink<'_>) -> Result<Whole, ParseError> {
    let mut archive = Archive::open(bytes, sink.limits(), WHAT)?;
    let title = properties::title(&mut archive)?;
    // The reader below does not count what it unpacks.
    let parts: Vec<String> =
        archive.names().filter(|name| name.ends_with(".xml") || name.ends_with(".rels")).collect();
    for part in parts {
        archive.check(&part)?;
    }
    let mut book = Xlsx::new(Cursor::new(archive.into_bytes())).map_err(broken)?;
    let sheets = book.sheet_names();
    let total = sink.check_parts(sheets.len(), "sheets")?;
    for (index, name) in sheets.iter().enumerate() {
        let shown = &name[..floor_boundary(name, 128)];
        let mut sheet = Sheet { name: shown, table: None, row: 0, cells: Vec::new() };
        match book.worksheet_cells_reader(name) {
            Ok(mut cells) => {
                while let Some(cell) = cells.next_cell().map_err(broken)? {
                    let (row, column) = cell.get_position();
                    sheet.cell(row, column as usize, text(cell.get_value()), sink)?;
                }
            }
            // A sheet that is one big chart has no cells.
            Err(XlsxError::WorksheetNotFound(_) | XlsxError::NotAWorksheet(_)) => {}
            Err(cause) => return Err(broken(cause)),
        }
        sheet.end(sink)?;
        sink.progress(number(index + 1), total)?;
    }
    Ok(Whole { title, parts: Some(total), ..Whole::default() })
}

fn broken(cause: XlsxError) -> ParseError {
    match cause {
        XlsxError::Password => ParseError::encrypted(WHAT),
        cause => ParseError::damaged(WHAT, cause),
    }
}

struct Sheet<'n> {
    name: &'n str,
    table: Option<TableParts>,
    /// The row that is being read, from 0.
    row: u32,
    cells: Vec<String>,
}

impl Sheet<'_> {
    fn cell(
        &mut self,
        row: u32,
        column: usize,
        text: String,
        sink: &mut Sink<'_>,
    ) -> Result<(), ParseError> {
        if text.trim().is_empty() {
            return Ok(());
        }
        // What is further right is cut, and said to be, where the row ends.
        let column = column.min(COLUMNS_MAX);
        if row != self.row {
            self.end_row(sink)?;
            self.row = row;
        }
        if self.cells.len() <= column {
            self.cells.resize(column + 1, String::new());
        }
        self.cells[column] = text;
        Ok(())
    }

    fn end_row(&mut self, sink: &mut Sink<'_>) -> Result<(), ParseError> {
        let cells = std::mem::take(&mut self.cells);
        if cells.is_empty() {
            return Ok(());
        }
        let at = self.row + 1;
        let source = Source::Rows { sheet: self.name.to_owned(), first: at, last: at };
        match &mut self.table {
            Some(table) => table.row(sink, Row { cells, at }),
            None => {
                sink.heading(1, self.name, source.clone())?;
                if looks_like_header(&cells) {
                    self.table = Some(TableParts::new(sink, Some(cells), source));
                    return Ok(());
                }
                self.table.insert(TableParts::new(sink, None, source)).row(sink, Row { cells, at })
            }
        }
    }

    fn end(mut self, sink: &mut Sink<'_>) -> Result<(), ParseError> {
        self.end_row(sink)?;
        match self.table {
            Some(table) => table.end(sink),
            None => Ok(()),
        }
    }
}

/// A cell as a person reads it; of a formula its last result.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        DataRef::DateTime(moment) => date_time(moment),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(error) => error.to_string(),
    }
}

fn date_time(moment: &calamine::ExcelDateTime) -> String {
    if moment.is_duration() {
        return moment.as_f64().to_string();
    }
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second) == (0, 0, 0) {
        date
    } else {
        format!("{date} {hour:02}:{minute:02}:{second:02}")
    }
}
