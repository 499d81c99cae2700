//! Which part of an Office document an id in another part stands for.

use quick_xml::events::Event;

use super::archive::Archive;
use crate::{
    ParseError,
    parse::pull::{self, Pull},
};

pub(super) struct Relation {
    pub(super) id: String,
    /// The last word of the relation's type, such as `slide`.
    pub(super) kind: String,
    /// The name of the part in the archive.
    pub(super) target: String,
}

/// The relations of a part, which stand in a part of their own beside it.
pub(super) fn of(archive: &mut Archive, part: &str) -> Result<Vec<Relation>, ParseError> {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let what = archive.what();
    let Some(input) = archive.part(&format!("{folder}/_rels/{name}.rels"))? else {
        return Ok(Vec::new());
    };
    let mut pull = Pull::new(input, 8, what);
    let mut relations = Vec::new();
    while let Some(event) = pull.next()? {
        if let Event::Start(element) = &event
            && pull::local(element) == "Relationship"
            && let (Some(id), Some(target)) =
                (pull::attribute(element, "Id"), pull::attribute(element, "Target"))
        {
            let kind = pull::attribute(element, "Type").unwrap_or_default();
            let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
            relations.push(Relation { id, kind, target: resolve(folder, &target) });
        }
    }
    Ok(relations)
}

/// A path within the archive; what leads out of it names nothing.
fn resolve(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut path: Vec<&str> = folder.split('/').collect();
    for step in target.split('/') {
        match step {
            ".." => drop(path.pop()),
            "." | "" => {}
            name => path.push(name),
        }
    }
    path.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_names_in_the_archive() {
        assert_eq!(resolve("ppt/slides", "../notesSlides/n1.xml"), "ppt/notesSlides/n1.xml");
        assert_eq!(resolve("ppt", "/ppt/slides/s1.xml"), "ppt/slides/s1.xml");
        assert_eq!(resolve("ppt", "../../../etc/passwd"), "etc/passwd");
    }
}
