//! The neutral request to a body for a provider.

use backstay_core::{Result, chat::ChatRequest};
use serde_json::{Map, Value};

use super::{
    messages::{self, Prompt},
    model_family::ModelFamily,
    parameters, tools,
};
use crate::{Loss, field_names};

/// No client speaks this format, so that every request is a translation. `model` is not part of the
/// body; it decides where some parameters go.
///
/// # Errors
/// None at present; every format's encoder has this signature.
pub(crate) fn encode_request(request: &ChatRequest, model: &str, loss: &mut Loss) -> Result<Value> {
    let mut lost = Loss::default();
    let family = ModelFamily::of(model);
    let Prompt { system, messages } = messages::encode_all(&request.messages, family, &mut lost);
    let mut body = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        body.extend(value.map(|value| (name.to_owned(), value)));
    };
    set("system", system);
    set("toolConfig", tools::tool_config(request, &messages, &mut lost));
    let parameters = parameters::encode(request, family, &messages, &mut lost);
    set("messages", Some(Value::Array(messages)));
    set("inferenceConfig", parameters.inference);
    set("outputConfig", parameters.output);
    set("additionalModelRequestFields", parameters.additional);
    field_names::report(request, lost, loss);
    Ok(Value::Object(body))
}
