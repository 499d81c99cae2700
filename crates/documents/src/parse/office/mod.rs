//! Office Open XML: ZIP archives of XML parts.

mod archive;
pub(super) mod docx;
pub(super) mod pptx;
mod properties;
mod relations;
pub(super) mod xlsx;
