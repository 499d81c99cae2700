//! The properties that every Office document may have.

use quick_xml::events::Event;

use super::archive::Archive;
use crate::{
    ParseError,
    parse::pull::{self, Pull},
};

/// The title that its author gave a document.
pub(super) fn title(archive: &mut Archive) -> Result<Option<String>, ParseError> {
    let what = archive.what();
    let Some(input) = archive.part("docProps/core.xml")? else { return Ok(None) };
    let mut pull = Pull::new(input, 16, what);
    let mut title: Option<String> = None;
    let mut inside = false;
    while let Some(event) = pull.next()? {
        match &event {
            Event::Start(element) => inside = pull::local(element) == "title",
            Event::End(_) => inside = false,
            event if inside => {
                if let Some(text) = pull::characters(event) {
                    title.get_or_insert_default().push_str(&text);
                }
            }
            _ => {}
        }
    }
    Ok(title)
}
