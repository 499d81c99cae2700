//! PDF: the text that its pages draw, put together to lines and paragraphs.

mod content;
mod layout;

use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use self::{content::Pages, layout::Layout};
use super::Whole;
use crate::{ErrorKind, ParseError, sink::Sink, text};

pub(super) fn parse(bytes: Vec<u8>, sink: &mut Sink<'_>) -> Result<Whole, ParseError> {
    let pdf = Pdf::new(bytes).map_err(|cause| match cause {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => ParseError::encrypted("PDF"),
        LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => ParseError::new(
            ErrorKind::Encrypted,
            "This PDF is encrypted in a way that is not known here. Save it without encryption and upload it again.",
        ),
        LoadPdfError::Decryption(_) => ParseError::damaged("PDF", "its encryption is broken"),
        LoadPdfError::Invalid => ParseError::damaged("PDF", "it has no readable table of contents or pages"),
    })?;
    let total = sink.check_parts(pdf.pages().len(), "pages")?;
    if total == 0 {
        return Err(ParseError::damaged("PDF", "it has no pages"));
    }
    let mut pages = Pages::new();
    let mut layout = Layout::default();
    for (index, page) in pdf.pages().iter().enumerate() {
        let number = text::number(index + 1);
        let glyphs = pages.read(page)?;
        layout.page(number, &glyphs, sink)?;
        sink.progress(number, total)?;
    }
    layout.end(sink)?;
    if pages.unknown > 20 && pages.unknown * 4 > pages.known {
        sink.note("Many characters of this PDF have no known meaning (its fonts do not say which letters they draw), so its text has gaps.")?;
    }
    let title = pdf.metadata().title.as_deref().and_then(title);
    Ok(Whole { title, parts: Some(total), ..Whole::default() })
}

fn title(bytes: &[u8]) -> Option<String> {
    text::decode(bytes, None).filter(|title| !title.trim().is_empty())
}
