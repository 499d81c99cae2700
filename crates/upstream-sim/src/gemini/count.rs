//! `:countTokens`.

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::{Gemini, field, read};
use crate::exchange::{Received, meet_script};
use crate::failure::Failure;
use crate::prompt::Prompt;

pub(crate) async fn answer(received: Received, model: &str) -> Response {
    let prompt = match received.json::<Gemini>().and_then(|body| read(model, &body)) {
        Ok(prompt) => prompt,
        Err(failure) => return received.refuse::<Gemini>(&failure),
    };
    match meet_script::<Gemini>(received, model).await {
        Ok((received, _, _)) => {
            let total = prompt.tokens().total;
            let details = json!([{"modality": "TEXT", "tokenCount": total}]);
            received.answer(200, &json!({"totalTokens": total, "promptTokensDetails": details}))
        }
        Err(response) => response,
    }
}

/// Either bare contents or a whole request.
fn read(model: &str, body: &Map<String, Value>) -> Result<Prompt, Failure> {
    field::check("", body, &["contents", "generateContentRequest"])?;
    match field::get(body, "generateContentRequest") {
        Some(request) => {
            let request = request.as_object().ok_or_else(|| {
                Failure::bad_request("Invalid value at 'generate_content_request'.")
            })?;
            read::read_prompt(model, request)
        }
        None => read::read_prompt(model, body),
    }
}
