//! `POST /v1/messages/count_tokens`.

use axum::response::Response;
use serde_json::json;

use super::{Anthropic, read};
use crate::exchange::{Received, meet_script};

pub(crate) async fn answer(received: Received) -> Response {
    let read = received.json::<Anthropic>().and_then(|body| read::read_for_count(&body));
    let prompt = match read {
        Ok(prompt) => prompt,
        Err(failure) => return received.refuse::<Anthropic>(&failure),
    };
    match meet_script::<Anthropic>(received, &prompt.model).await {
        Ok((received, _, _)) => {
            received.answer(200, &json!({"input_tokens": prompt.tokens().total}))
        }
        Err(response) => response,
    }
}
