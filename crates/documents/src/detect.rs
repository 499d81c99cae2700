//! What a file is: its content decides, and its name is believed where the content leaves it open.

use std::io::Cursor;

use zip::ZipArchive;

use crate::{ErrorKind, Format, ParseError, text};

pub(crate) struct Detected {
    pub(crate) format: Format,
    /// Said to the user where the name promised something else.
    pub(crate) note: Option<String>,
}

/// What the first bytes say.
enum Found {
    Read(Format),
    /// A known kind of file that is not read here.
    Other(&'static str),
    EncryptedOffice,
    OldOffice,
    Text,
    Unknown,
}

pub(crate) fn detect(extension: &str, bytes: &[u8]) -> Result<Detected, ParseError> {
    if bytes.is_empty() {
        return Err(ParseError::new(
            ErrorKind::NoText,
            "This file is empty: it has no bytes at all.",
        ));
    }
    let claimed = Format::from_extension(extension);
    match sniff(bytes) {
        Found::Read(format) => {
            let note = (claimed.as_ref() != Some(&format)).then(|| corrected(extension, &format));
            Ok(Detected { format, note })
        }
        Found::EncryptedOffice => Err(ParseError::encrypted("Office document")),
        Found::OldOffice => Err(ParseError::new(
            ErrorKind::Unsupported,
            "This is an Office file in the format from before 2007 (.doc, .xls, .ppt), which is not read. Save it as .docx, .xlsx or .pptx and upload that.",
        )),
        Found::Other(kind) if claimed.is_some() => {
            Err(mismatched(extension, &format!("it is {kind}")))
        }
        Found::Other(kind) => Err(ParseError::new(
            ErrorKind::Unsupported,
            format!(
                "This is {kind}, from which no text is read. Text is read from PDF, DOCX, PPTX, XLSX, CSV, HTML, Markdown, JSON, XML, plain text and source code."
            ),
        )),
        Found::Unknown if claimed.is_some() => {
            Err(mismatched(extension, "it is neither that nor text"))
        }
        Found::Unknown => Err(ParseError::new(
            ErrorKind::Unsupported,
            "This file holds no text and is of no known kind. Text is read from PDF, DOCX, PPTX, XLSX, CSV, HTML, Markdown, JSON, XML, plain text and source code.",
        )),
        Found::Text => of_text(extension, claimed, bytes),
    }
}

fn of_text(extension: &str, claimed: Option<Format>, bytes: &[u8]) -> Result<Detected, ParseError> {
    let markup = markup(bytes);
    let Some(claimed) = claimed else {
        return Ok(Detected { format: markup.unwrap_or(Format::Text), note: None });
    };
    if !claimed.is_text() {
        let is = markup.map_or("text".to_owned(), |format| format!("an {}", format.name()));
        return Err(mismatched(extension, &format!("it is {is}")));
    }
    let open_to_markup = matches!(
        claimed,
        Format::Csv | Format::Json | Format::JsonLines | Format::Xml | Format::Html
    );
    match markup.filter(|markup| open_to_markup && *markup != claimed) {
        // Every page written as XHTML is XML too, and its name says how its author sees it.
        Some(Format::Xml) if claimed == Format::Html => {
            Ok(Detected { format: claimed, note: None })
        }
        Some(markup) => Ok(Detected { note: Some(corrected(extension, &markup)), format: markup }),
        None => Ok(Detected { format: claimed, note: None }),
    }
}

fn corrected(extension: &str, format: &Format) -> String {
    match extension {
        "" => format!("Read as {}, which its content is; its name does not say so.", format.name()),
        extension => format!(
            "Its name ends in .{extension}, but its content is a {}; it was read as that.",
            format.name()
        ),
    }
}

fn mismatched(extension: &str, fact: &str) -> ParseError {
    ParseError::new(
        ErrorKind::Mismatched,
        format!(
            "The name of this file ends in .{extension}, but {fact}. Check that it is the right file, or give it the extension of what it is."
        ),
    )
}

fn sniff(bytes: &[u8]) -> Found {
    // Readers accept a PDF whose header is not at the very beginning.
    if find(&bytes[..bytes.len().min(1024)], b"%PDF-").is_some() {
        return Found::Read(Format::Pdf);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return match office(bytes) {
            Some(format) => Found::Read(format),
            None => Found::Other("a ZIP archive, or a damaged Office document"),
        };
    }
    if bytes.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
        return if find(bytes, &name).is_some() {
            Found::EncryptedOffice
        } else {
            Found::OldOffice
        };
    }
    if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Found::Other(kind);
    }
    if bytes.len() > 12 && &bytes[4..8] == b"ftyp" {
        return Found::Other("a video or sound file");
    }
    if text::decode(&bytes[..bytes.len().min(64 << 10)], None).is_some() {
        Found::Text
    } else {
        Found::Unknown
    }
}

/// Which Office format an archive is, by the parts it has.
fn office(bytes: &[u8]) -> Option<Format> {
    let zip = ZipArchive::new(Cursor::new(bytes)).ok()?;
    [
        ("word/document.xml", Format::Docx),
        ("ppt/presentation.xml", Format::Pptx),
        ("xl/workbook.xml", Format::Xlsx),
    ]
    .into_iter()
    .find(|(part, _)| zip.index_for_name(part).is_some())
    .map(|(_, format)| format)
}

const MAGIC: &[(&[u8], &str)] = &[
    (b"\x89PNG", "a PNG image"),
    (b"\xFF\xD8\xFF", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"BM\0", "a bitmap image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"RIFF", "a picture, sound or video file"),
    (b"ID3", "a sound file"),
    (b"OggS", "a sound file"),
    (b"fLaC", "a sound file"),
    (b"\x1A\x45\xDF\xA3", "a video file"),
    (b"\x7FELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"\x1F\x8B", "a compressed file (gzip)"),
    (b"BZh", "a compressed file (bzip2)"),
    (b"\xFD7zXZ", "a compressed file (xz)"),
    (b"7z\xBC\xAF", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x28\xB5\x2F\xFD", "a compressed file (zstd)"),
    (b"SQLite format 3", "a SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"{\\rtf", "a Rich Text file, which is to be saved as .docx first"),
    (b"%!PS", "a PostScript file"),
];

/// HTML or XML, where the beginning of a text says so.
fn markup(bytes: &[u8]) -> Option<Format> {
    let head = text::decode(&bytes[..bytes.len().min(2048)], None)?;
    let head = head.trim_start().to_ascii_lowercase();
    let is_html = head.starts_with("<!doctype html") || head.starts_with("<html");
    match head.strip_prefix("<?xml") {
        Some(rest) if rest.contains("<html") => Some(Format::Html),
        Some(_) => Some(Format::Xml),
        None => is_html.then_some(Format::Html),
    }
}

/// The name of an encoding that follows `key` near the beginning of a file.
pub(crate) fn declared_encoding(bytes: &[u8], key: &[u8]) -> Option<String> {
    let head = bytes[..bytes.len().min(2048)].to_ascii_lowercase();
    let value = &head[find(&head, key)? + key.len()..];
    let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
    let end =
        value.iter().position(|byte| !byte.is_ascii_alphanumeric() && !b"-_:".contains(byte))?;
    String::from_utf8(value[..end].to_vec()).ok()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
