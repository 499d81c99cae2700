//! OpenRouter's chat completions, spoken by clients to us: OpenAI's interface and more. This folder
//! holds what is more, and leaves the rest to `openai_chat`.
//!
//! Reference: <https://openrouter.ai/docs/api-reference/overview>. OpenRouter's own clients check
//! answers by schema, and refuse null where a member is optional: members without a value are left
//! out, required ones always written.

mod error;
mod reasoning_details;
mod reply;
mod request;
mod shape;
mod stream;
mod usage;

pub(crate) use error::{encode_error, status};
pub(crate) use reply::encode_reply;
pub(crate) use request::{decode_request, record_loss};
pub(crate) use stream::StreamEncoder;
