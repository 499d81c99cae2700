//! Wire formats: JSON and server-sent events to and from the neutral chat types, in both
//! directions. Pure: no network, no async, no clock.
//!
//! Each format is one folder that knows its own field names and the neutral types, never another
//! format. The functions here choose the folder by [`backstay_core::WireFormat`].

mod extension;
mod loss;
mod models;
mod options;
mod sse;
mod step;
mod upstream_error;

pub use extension::{ExtensionHeaders, ReplyExtension, RequestExtension, ThreadChoice};
pub use loss::Loss;
pub use models::ListedModel;
pub use options::EncodeOptions;
pub use sse::{SseEvent, SseParser};
pub use step::Step;
pub use upstream_error::ProviderError;
