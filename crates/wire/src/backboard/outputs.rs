//! The outputs of tools that a client has carried out.

use backstay_core::Result;
use serde_json::{Map, Value};

use super::{Fields, FunctionTool, fields::wrong, tools::function_tools};

/// What a client's tools have said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OutputsBody {
    pub thread: Option<String>,
    pub outputs: Vec<SubmittedOutput>,
    pub tools: Option<Vec<FunctionTool>>,
    pub thinking: Option<Map<String, Value>>,
    pub stream: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmittedOutput {
    pub call_id: String,
    pub output: String,
}

impl OutputsBody {
    /// # Errors
    /// `invalid_request` with the field's name.
    pub fn read(fields: &Fields) -> Result<Self> {
        let outputs = fields.array("tool_outputs")?.unwrap_or_default();
        if outputs.is_empty() {
            return Err(wrong("tool_outputs", "a list of {tool_call_id, output}, not empty"));
        }
        let outputs = outputs.iter().enumerate().map(|(index, output)| submitted(index, output));
        let tools = fields.array("tools")?;
        Ok(Self {
            thread: fields.word("thread_id")?,
            outputs: outputs.collect::<Result<_>>()?,
            tools: tools.map(|tools| function_tools(&tools)).transpose()?,
            thinking: fields.object("thinking")?,
            stream: fields.flag("stream")?.unwrap_or(false),
        })
    }
}

/// An output is text; what is not, is given to the model as JSON.
fn submitted(index: usize, output: &Value) -> Result<SubmittedOutput> {
    let call_id = output.get("tool_call_id").and_then(Value::as_str);
    let call_id = call_id.ok_or_else(|| {
        wrong(&format!("tool_outputs[{index}]"), "an object with `tool_call_id` and `output`")
    })?;
    let output = match output.get("output") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    Ok(SubmittedOutput { call_id: call_id.to_owned(), output })
}
