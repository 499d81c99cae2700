//! Backboard's dialect: assistants, threads and messages as its clients use them.

mod assistants;
mod bad_input;
mod builtin_tools;
mod cancel;
mod device_login;
mod documents;
mod history;
mod many_memories;
mod memories;
mod messages;
mod models;
mod search_costs;
mod stream;
mod system_one;
mod tools;
mod two_servers;

use anyhow::{Context as _, Result};
use backstay_testing::{Answer, TestClient, TestServer};
use serde_json::{Value, json};

/// Each is a request of its own, so that the server has time between them.
const POLLS_MAX: usize = 20_000;

/// A server, its client, and an assistant.
struct Board {
    server: TestServer,
    client: TestClient,
    assistant: String,
}

impl Board {
    async fn start() -> Result<Self> {
        Self::of(TestServer::start().await?, json!({"name": "Helper"})).await
    }

    async fn of(server: TestServer, assistant: Value) -> Result<Self> {
        let client = server.member();
        let created = client.post("/api/assistants", &assistant).await?;
        let assistant = text(&created.body, "assistant_id")?;
        Ok(Self { server, client, assistant })
    }

    async fn thread(&self) -> Result<String> {
        let path = format!("/api/assistants/{}/threads", self.assistant);
        text(&self.client.post(&path, &json!({})).await?.body, "thread_id")
    }

    /// Says something to `sim-echo`, with further fields.
    async fn say(&self, thread: &str, content: &str, more: Value) -> Result<Answer> {
        let mut body = json!({"thread_id": thread, "content": content,
            "llm_provider": "openai", "model_name": "sim-echo"});
        merge(&mut body, more);
        self.client.post("/api/threads/messages", &body).await
    }

    /// Chats that a model was asked for.
    fn asked(&self) -> Vec<Value> {
        let seen = self.server.sim.requests();
        seen.into_iter().map(|seen| seen.body).filter(|body| !body["messages"].is_null()).collect()
    }

    async fn messages(&self, thread: &str) -> Result<Vec<Value>> {
        let found = self.client.get(&format!("/api/threads/{thread}")).await?.body;
        Ok(found["messages"].as_array().cloned().unwrap_or_default())
    }
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}

fn text(value: &Value, member: &str) -> Result<String> {
    let found = value[member].as_str().map(str::to_owned);
    found.with_context(|| format!("no `{member}` in {value}"))
}

/// A tool that `sim-echo` calls when it is spoken of.
fn weather() -> Value {
    json!([{"type": "function", "function": {"name": "weather", "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}},
        "required": ["city"]}}}])
}
