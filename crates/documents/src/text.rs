//! Bytes to text, and text to lines.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::Source;

/// Text of unknown encoding: a byte order mark decides, then whether it is UTF-8, then what the file
/// says of itself (`declared`), and else Windows-1252, which holds all of Latin-1. `None` if it is not
/// text at all.
pub(crate) fn decode(bytes: &[u8], declared: Option<&str>) -> Option<String> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return Some(encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned());
    }
    if let Some(encoding) = utf16_without_mark(bytes) {
        return Some(encoding.decode_without_bom_handling(bytes).0.into_owned());
    }
    if looks_binary(bytes) {
        return None;
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Some(text.to_owned());
    }
    let encoding = declared
        .and_then(|label| Encoding::for_label(label.as_bytes()))
        .filter(|encoding| *encoding != UTF_8 && *encoding != UTF_16LE && *encoding != UTF_16BE)
        .unwrap_or(WINDOWS_1252);
    Some(encoding.decode_without_bom_handling(bytes).0.into_owned())
}

/// Whether bytes hold characters that no text holds: NUL, or many other control characters.
pub(crate) fn looks_binary(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(64 << 10)];
    let control = head
        .iter()
        .filter(|byte| matches!(byte, 0x01..=0x08 | 0x0E..=0x1A | 0x1C..=0x1F | 0x7F))
        .count();
    bytes.contains(&0) || control * 50 > head.len()
}

/// UTF-16 of mostly Western text has a zero in every other byte and nowhere else.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(4096) & !1];
    if head.len() < 8 {
        return None;
    }
    let pairs = head.len() / 2;
    let zeros =
        |offset: usize| head.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if even == 0 && odd * 10 > pairs * 7 {
        Some(UTF_16LE)
    } else if odd == 0 && even * 10 > pairs * 7 {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Whitespace of any kind and length as one space, none at the ends.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// The last position up to `limit` at which a text can be cut.
pub(crate) fn floor_boundary(text: &str, limit: usize) -> usize {
    let mut at = limit.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A position as a number of this crate's; files that have more are refused long before.
pub(crate) fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Finds the line of a byte of a text, if asked for ascending positions.
pub(crate) struct LineCounter<'t> {
    text: &'t str,
    at: usize,
    line: u32,
}

impl<'t> LineCounter<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, at: 0, line: 1 }
    }

    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    pub(crate) fn line(&mut self, offset: usize) -> u32 {
        let offset = offset.min(self.text.len());
        if offset < self.at {
            let back =
                self.text.as_bytes()[offset..self.at].iter().filter(|byte| **byte == b'\n').count();
            self.line -= number(back);
        } else {
            let on =
                self.text.as_bytes()[self.at..offset].iter().filter(|byte| **byte == b'\n').count();
            self.line += number(on);
        }
        self.at = offset;
        self.line
    }

    /// The lines of a non-empty piece of the text.
    pub(crate) fn source(&mut self, start: usize, end: usize) -> Source {
        let first = self.line(start);
        Source::Lines { first, last: self.line(end.max(start + 1) - 1) }
    }
}

/// The lines of parts of a block's text, if the text still has the line ends of its source.
pub(crate) struct LinesOf<'t> {
    source: Source,
    /// Counts the lines of the text, and the line of the source at which it begins.
    counted: Option<(LineCounter<'t>, u32)>,
}

impl<'t> LinesOf<'t> {
    pub(crate) fn new(text: &'t str, source: &Source) -> Self {
        let counted = match source {
            Source::Lines { first, last } => {
                let ends = text.trim_end_matches('\n').matches('\n').count();
                (number(ends) == last - first).then(|| (LineCounter::new(text), *first))
            }
            _ => None,
        };
        Self { source: source.clone(), counted }
    }

    pub(crate) fn of(&mut self, start: usize, end: usize) -> Source {
        let Some((counter, first_line)) = &mut self.counted else {
            return self.source.clone();
        };
        let written = counter.text()[start..end].trim_end_matches('\n').len();
        let first = counter.line(start) + *first_line - 1;
        Source::Lines { first, last: counter.line(start + written) + *first_line - 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_whatever_encoding_it_was_saved() {
        let utf16: Vec<u8> = [0xFF, 0xFE]
            .into_iter()
            .chain("Größe €".encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        assert_eq!(decode(&utf16, None).unwrap(), "Größe €");
        let big_endian: Vec<u8> = "plain words".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&big_endian, None).unwrap(), "plain words");
        assert_eq!(decode(b"\xEF\xBB\xBFmark", None).unwrap(), "mark");
        assert_eq!(decode(b"caf\xE9", None).unwrap(), "café");
        assert_eq!(decode(b"\xCF\xF0\xE8", Some("windows-1251")).unwrap(), "При");
        assert_eq!(decode(b"\x7FELF\x00\x01", None), None);
    }

    #[test]
    fn a_part_of_a_text_knows_its_lines_only_if_the_text_kept_them() {
        let mut kept = LinesOf::new("one\ntwo\nthree", &Source::Lines { first: 10, last: 12 });
        assert_eq!(kept.of(4, 8), Source::line(11));
        let mut folded = LinesOf::new("one two three", &Source::Lines { first: 10, last: 12 });
        assert_eq!(folded.of(4, 8), Source::Lines { first: 10, last: 12 });
    }
}
