//! Office Open XML: ZIP archives of XML parts.

mod archive;
pub(super) mod docx;
pub(super) mod pptx;
mod relations;
pub(super) mod xlsx;

pub(crate) use archive::kind;
pub(super) use archive::unpacked;
