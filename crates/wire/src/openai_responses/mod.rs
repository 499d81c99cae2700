//! OpenAI's Responses, spoken by clients to us and translated to what providers speak.
//!
//! Reference: <https://platform.openai.com/docs/api-reference/responses> and, for the order of events,
//! <https://platform.openai.com/docs/api-reference/responses-streaming>.

mod input;
mod items;
mod kept;
mod reply;
mod request;
mod response;
mod stream;
mod tools;

pub use items::{generation_of_response, response_id};
pub use kept::{input_items, restored_response, without_output};
pub(crate) use reply::encode_reply;
pub(crate) use request::decode_request;
pub(crate) use stream::StreamEncoder;
