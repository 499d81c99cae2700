//! What Backboard's clients write: the same fields as JSON, as a form, or as a form with files.

mod fields;
mod message;
mod outputs;
mod system_one;
mod tools;

pub use fields::Fields;
pub use message::{MemoryUse, MessageBody};
pub use outputs::{OutputsBody, SubmittedOutput};
pub use tools::{FunctionTool, echoed_tools, function_tools};
