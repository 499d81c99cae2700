//! Chat without a dialect: what every wire format is translated to and from.

mod collect;
mod estimate;
mod event;
mod message;
mod recalled;
mod request;

pub use collect::{ChatReply, Choice, Collector};
pub use event::{ChatEvent, FinishReason, Frame, RawFrame, Settlement, SettlementStatus};
pub use message::{CacheMark, Media, MediaSource, Message, Part, RawMessage, Role, ToolCall};
pub use recalled::RecalledBlock;
pub use request::{ChatRequest, Origin, Parameters, Reasoning, ResponseFormat, Tool, ToolChoice};
