//! Language models of a running server, through its OpenAI API like any other client.

use std::{future::Future, pin::Pin};

use backstay_core::{Error, ErrorCode, Result};
use backstay_evaluation::memory::Chat;
use serde_json::{Value, json};

use crate::client::{Client, Connection};

pub(super) struct ServerChat {
    client: Client,
}

impl ServerChat {
    pub(super) fn new(connection: &Connection) -> anyhow::Result<Self> {
        Ok(Self { client: Client::new(connection)? })
    }

    async fn call(&self, model: &str, prompt: String) -> Result<String> {
        // As repeatable as a model can be.
        let body = json!({
            "model": model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
        });
        let reply: Value =
            self.client.post("/v1/chat/completions", &body).await.map_err(|cause| {
                Error::new(ErrorCode::UpstreamError, format!("{model} did not answer: {cause:#}"))
            })?;
        match reply["choices"][0]["message"]["content"].as_str() {
            Some(text) => Ok(text.trim().to_owned()),
            None => {
                Err(Error::new(ErrorCode::UpstreamError, format!("{model} replied without text")))
            }
        }
    }
}

impl Chat for ServerChat {
    fn reply<'a>(
        &'a self,
        model: &'a str,
        prompt: String,
    ) -> Pin<Box<dyn Future<Output = Result<String>> + Send + 'a>> {
        Box::pin(self.call(model, prompt))
    }
}
