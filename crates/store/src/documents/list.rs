//! Looking at documents.

use backstay_core::{
    DocumentId, Result, ThreadId, Timestamp,
    document::{DocumentOwner, DocumentScope},
};

use super::{Document, OwnerColumns, columns, document, one};
use crate::{
    Page, PageRequest, Workspace,
    db::{Failure, Row, statements, values},
};

/// Sorts after every id.
const LAST: &str = "\u{7f}";

macro_rules! searchable {
    ($which:literal) => {
        concat!(
            "SELECT id, filename, title, version, created_at FROM documents WHERE workspace = $1 AND ",
            $which,
            " AND version > 0 ORDER BY id"
        )
    };
}

statements! {
    LIST = concat!("SELECT ", columns!(), " FROM documents
        WHERE workspace = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    LIST_OF_OWNER = concat!("SELECT ", columns!(), " FROM documents
        WHERE workspace = $1 AND assistant = $2 AND thread = $3 AND message = $4 AND id < $5
        ORDER BY id DESC LIMIT $6");
    OF_MESSAGES = concat!("SELECT ", columns!(), " FROM documents
        WHERE workspace = $1 AND assistant = '' AND thread = $2 AND message > '' ORDER BY id");
    SEARCHABLE = searchable!("id > ''");
    SEARCHABLE_OF_ASSISTANT = searchable!("assistant = $2 AND thread = ''");
    SEARCHABLE_OF_THREAD = searchable!("assistant = '' AND thread = $2");
}

/// A document that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchableDocument {
    pub id: DocumentId,
    pub filename: String,
    pub title: Option<String>,
    /// Grows with every change to what is found of it.
    pub version: u64,
    pub created_at: Timestamp,
}

impl Workspace {
    pub async fn document(&self, id: &DocumentId) -> Result<Option<Document>> {
        let id = id.clone();
        self.read(move |session, workspace| one(session, workspace, &id)).await
    }

    /// Newest first; those of one owner only, if one is given.
    pub async fn list_documents(
        &self,
        owner: Option<&DocumentOwner>,
        page: PageRequest,
    ) -> Result<Page<Document>> {
        let owner = owner.cloned();
        self.read(move |session, workspace| {
            let (_, before) = page.after((0, LAST))?;
            let rows = match &owner {
                Some(owner) => {
                    let OwnerColumns { assistant, thread, message } = OwnerColumns::of(owner);
                    let values =
                        values![workspace, assistant, thread, message, &before, page.rows()];
                    session.all(LIST_OF_OWNER, values, document)?
                }
                None => session.all(LIST, values![workspace, &before, page.rows()], document)?,
            };
            Ok(Page::of(rows, &page, |last| (0, last.id.as_str())))
        })
        .await
    }

    /// Those that came with messages of a thread, the oldest first.
    pub async fn documents_of_messages(&self, thread: &ThreadId) -> Result<Vec<Document>> {
        let thread = thread.clone();
        self.read(move |session, workspace| {
            session.all(OF_MESSAGES, values![workspace, &thread], document)
        })
        .await
    }

    /// What can be searched now, by id.
    pub async fn searchable_documents(
        &self,
        scope: &DocumentScope,
    ) -> Result<Vec<SearchableDocument>> {
        let DocumentScope { assistant, thread } = scope.clone();
        self.read(move |session, workspace| {
            let mut found = Vec::new();
            if let Some(assistant) = &assistant {
                let values = values![workspace, assistant];
                found.extend(session.all(SEARCHABLE_OF_ASSISTANT, values, searchable)?);
            }
            if let Some(thread) = &thread {
                let values = values![workspace, thread];
                found.extend(session.all(SEARCHABLE_OF_THREAD, values, searchable)?);
            }
            if assistant.is_none() && thread.is_none() {
                found = session.all(SEARCHABLE, values![workspace], searchable)?;
            }
            found.sort_by(|left, right| left.id.cmp(&right.id));
            Ok(found)
        })
        .await
    }
}

fn searchable(row: &Row<'_>) -> Result<SearchableDocument, Failure> {
    Ok(SearchableDocument {
        id: row.get(0)?,
        filename: row.get(1)?,
        title: row.get(2)?,
        version: row.get(3)?,
        created_at: row.get(4)?,
    })
}
