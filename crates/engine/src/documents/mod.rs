//! Documents: files in which a model looks things up.
//!
//! ```text
//! bytes --upload--> a file under `incoming`, hashed as it comes --> Blobs --> a row, a job
//! job   --worker--> Blobs --> the confined reader --> chunks --> the store
//! jobs::embed_forever --> vectors                                                (memory)
//! question --search--> passages, ranked as memory is                             (memory)
//! ```
//!
//! What a client does is in [`Engine`]'s methods of these files, which know no HTTP:
//!
//! | to | call |
//! |---|---|
//! | add a file to an assistant, a thread or a message | [`Engine::add_document`] |
//! | follow its status, list | [`Engine::document`], [`Engine::list_documents`] |
//! | wait for it, for a while | [`Engine::settled_document`] |
//! | get its bytes | [`Engine::document_content`] |
//! | find passages | [`Engine::search_documents`] |
//! | delete | [`Engine::delete_document`], [`Engine::delete_documents_of`] |
//! | copy all of an assistant's to another | [`Engine::copy_documents`] |
//! | let a model search | [`search_documents_tool`], [`Engine::call_search_documents`] |

mod blobs;
mod incoming;
mod manage;
mod options;
mod search;
mod tool;
mod upload;
mod worker;

use backstay_documents::Parser;

pub use blobs::{Blobs, BucketBlobs, BytesStream, FolderBlobs};
pub use options::{DocumentLimits, DocumentOptions};
pub use search::DocumentQuestion;
pub use tool::{SEARCH_DOCUMENTS_TOOL, SearchedDocuments, search_documents_tool};
pub use upload::DocumentUpload;
pub(crate) use worker::{erase_forever, read_forever};

#[cfg(doc)]
use crate::Engine;

/// What documents need beside the store and memory.
#[derive(Clone)]
pub struct DocumentParts {
    /// Reads files, each in a process of its own.
    pub parser: Parser,
    /// Where the bytes of documents are kept.
    pub blobs: Blobs,
}
