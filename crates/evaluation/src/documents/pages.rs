//! How fast pages are read: a PDF is made of what a data set's conversations say, read in a process of
//! its own as an upload is, and cut.

use std::{
    io::{Seek as _, Write as _},
    time::{Duration, Instant},
};

use backstay_core::{Error, Result, tokens};
use backstay_documents::{ChunkOptions, Parser, chunk};

use crate::memory::Dataset;

const LINES_PER_PAGE: usize = 46;
const CHARACTERS_PER_LINE: usize = 88;

/// How long reading and cutting took.
pub(super) async fn measure(parser: &Parser, dataset: &Dataset, pages: u32) -> Result<Duration> {
    let pdf = pdf(&lines(dataset, pages as usize * LINES_PER_PAGE));
    let failed = |cause: &dyn std::fmt::Display| Error::internal(format!("no PDF: {cause}"));
    let mut file = tempfile::tempfile().map_err(|cause| failed(&cause))?;
    file.write_all(&pdf).and_then(|()| file.rewind()).map_err(|cause| failed(&cause))?;
    let start = Instant::now();
    let parsed = parser.parse("pages.pdf", file, |_| {}).await.map_err(|cause| failed(&cause))?;
    let chunks = chunk(&parsed, &ChunkOptions::default(), &tokens::estimate);
    let time = start.elapsed();
    if parsed.summary.parts != Some(pages) || chunks.is_empty() {
        return Err(failed(&format!("{:?} pages came back for {pages}", parsed.summary.parts)));
    }
    Ok(time)
}

/// So many lines of what was said, over and over.
fn lines(dataset: &Dataset, count: usize) -> Vec<String> {
    let turns = dataset.conversations.iter().flat_map(|conversation| conversation.turns());
    let words: Vec<&str> = turns.flat_map(|turn| turn.text.split_whitespace()).collect();
    let mut lines = Vec::with_capacity(count);
    let mut line = String::new();
    for word in words.iter().cycle().take(count.saturating_mul(CHARACTERS_PER_LINE)) {
        if lines.len() == count {
            break;
        }
        let plain: String =
            word.chars().filter(|c| c.is_ascii_graphic() && !"()\\".contains(*c)).collect();
        if line.len() + plain.len() > CHARACTERS_PER_LINE {
            lines.push(std::mem::take(&mut line));
        }
        line.push_str(&plain);
        line.push(' ');
    }
    lines
}

/// A PDF of text lines, one object after another.
fn pdf(lines: &[String]) -> Vec<u8> {
    let pages: Vec<&[String]> = lines.chunks(LINES_PER_PAGE).collect();
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    let mut object = |body: &str| {
        offsets.push(file.len());
        let number = offsets.len();
        file.extend_from_slice(format!("{number} 0 obj\n{body}\nendobj\n").as_bytes());
    };
    object("<< /Type /Catalog /Pages 2 0 R >>");
    let kids: Vec<String> = (0..pages.len()).map(|page| format!("{} 0 R", 4 + 2 * page)).collect();
    object(&format!("<< /Type /Pages /Count {} /Kids [{}] >>", pages.len(), kids.join(" ")));
    object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
    for (number, page) in pages.iter().enumerate() {
        object(&format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] \
             /Resources << /Font << /F1 3 0 R >> >> /Contents {} 0 R >>",
            5 + 2 * number
        ));
        let drawn: String = page.iter().map(|line| format!("({}) Tj T*\n", line.trim())).collect();
        let content = format!("BT /F1 11 Tf 14 TL 60 780 Td\n{drawn}ET");
        object(&format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
    let start = file.len();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", offsets.len() + 1);
    table.extend(offsets.iter().map(|offset| format!("{offset:010} 00000 n \n")));
    let size = offsets.len() + 1;
    table
        .push_str(&format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"));
    file.extend_from_slice(table.as_bytes());
    file
}
