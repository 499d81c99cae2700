//! OpenAI's legacy text completions, spoken by clients to us and mapped onto chat: a prompt is one
//! message of a user.
//!
//! Reference: <https://platform.openai.com/docs/api-reference/completions>. What is not said here is
//! as in `openai_chat`, on whose folder this one builds.

mod reply;
mod request;
mod stream;

pub use reply::encode_completions;
pub(crate) use reply::encode_reply;
pub(crate) use request::decode_request;
pub(crate) use stream::StreamEncoder;
