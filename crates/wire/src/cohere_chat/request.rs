//! The neutral request to a body for a provider.

use backstay_core::{Result, chat::ChatRequest};
use serde_json::{Map, Value};

use super::{messages, parameters, tools};
use crate::{Loss, field_names};

/// No client speaks this format, so that every request is a translation.
///
/// # Errors
/// None at present; every format's encoder has this signature.
pub(crate) fn encode_request(request: &ChatRequest, model: &str, loss: &mut Loss) -> Result<Value> {
    let mut lost = Loss::default();
    let mut body = Map::new();
    body.insert("model".to_owned(), Value::from(model));
    body.insert("messages".to_owned(), messages::encode_all(&request.messages, &mut lost));
    let written = tools::encode(request, &mut lost);
    let has_tools = !written.is_empty();
    let parameters = parameters::encode(request, has_tools, &mut lost);
    for (name, value) in written.into_iter().chain(parameters) {
        body.insert(name.to_owned(), value);
    }
    if request.stream {
        body.insert("stream".to_owned(), Value::Bool(true));
    }
    field_names::report(request, lost, loss);
    Ok(Value::Object(body))
}
