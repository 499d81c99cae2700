//! A plain HTTP client of the simulator.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use upstream_sim::{Options, Sim};

/// Long enough for a loaded machine; nothing waits for it when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A simulator and a client for it.
pub(crate) struct Lab {
    pub(crate) sim: Sim,
    pub(crate) client: Client,
}

impl Lab {
    pub(crate) async fn start() -> Self {
        let sim = Sim::start(Options::default()).await.unwrap();
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { sim, client }
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.client
            .post(format!("{}{path}", self.sim.base_url()))
            .bearer_auth("sk-test-secret-1234")
            .json(body)
    }

    pub(crate) async fn openai(&self, body: Value) -> Response {
        self.post("/v1/chat/completions", &body).send().await.unwrap()
    }

    pub(crate) async fn anthropic(&self, body: Value) -> Response {
        self.post("/v1/messages", &body)
            .header("anthropic-version", "2023-06-01")
            .header("x-api-key", "sk-ant-secret-5678")
            .send()
            .await
            .unwrap()
    }

    pub(crate) async fn gemini(&self, model_and_method: &str, body: Value) -> Response {
        self.post(&format!("/v1beta/models/{model_and_method}"), &body)
            .header("x-goog-api-key", "AIza-secret-9012")
            .send()
            .await
            .unwrap()
    }
}

/// The JSON body of a response that must have this status.
pub(crate) async fn json(response: Response, status: u16) -> Value {
    let got = response.status().as_u16();
    let text = response.text().await.unwrap();
    assert_eq!(got, status, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The events of a whole stream: name (empty if it has none) and data.
pub(crate) async fn events(response: Response) -> Vec<(String, String)> {
    assert_eq!(response.status().as_u16(), 200);
    parse_events(&response.text().await.unwrap())
}

pub(crate) fn parse_events(text: &str) -> Vec<(String, String)> {
    let text = text.replace("\r\n", "\n");
    text.split("\n\n")
        .filter(|event| !event.is_empty())
        .map(|event| {
            let field = |name: &str| {
                event
                    .lines()
                    .find_map(|line| line.strip_prefix(name))
                    .unwrap_or_default()
                    .to_owned()
            };
            (field("event: "), field("data: "))
        })
        .collect()
}

/// The data of events as JSON, without OpenAI's `[DONE]`.
pub(crate) fn values(events: &[(String, String)]) -> Vec<Value> {
    events
        .iter()
        .filter(|(_, data)| data != "[DONE]")
        .map(|(_, data)| serde_json::from_str(data).unwrap())
        .collect()
}
