//! A plain HTTP client that tests read well with.

use anyhow::{Context as _, Result};
use backstay_wire::SseParser;
use futures::StreamExt as _;
use reqwest::{
    Method, RequestBuilder, Response, StatusCode,
    header::{HeaderMap, HeaderName},
};
use serde_json::{Value, json};

#[derive(Clone)]
pub struct TestClient {
    http: reqwest::Client,
    url: String,
    key: Option<String>,
    headers: Vec<(&'static str, String)>,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

/// A streamed answer, read to its end.
#[derive(Debug)]
pub struct Stream {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The data of each event as JSON; `[DONE]` is a string.
    pub events: Vec<Value>,
}

impl TestClient {
    pub(crate) fn new(url: String, key: Option<&str>) -> Self {
        let http = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build();
        Self {
            http: http.unwrap_or_default(),
            url,
            key: key.map(str::to_owned),
            headers: Vec::new(),
        }
    }

    pub fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A request that is still to be sent, for tests of what happens half-way.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        for (name, value) in &self.headers {
            request = request.header(HeaderName::from_static(name), value);
        }
        request
    }

    pub async fn get(&self, path: &str) -> Result<Answer> {
        answer(self.request(Method::GET, path).send().await?).await
    }

    /// A file, not JSON.
    pub async fn get_text(&self, path: &str) -> Result<String> {
        let response = self.request(Method::GET, path).send().await?.error_for_status()?;
        Ok(response.text().await?)
    }

    pub async fn delete(&self, path: &str) -> Result<Answer> {
        answer(self.request(Method::DELETE, path).send().await?).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Result<Answer> {
        answer(self.request(Method::PATCH, path).json(body).send().await?).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Result<Answer> {
        answer(self.request(Method::PUT, path).json(body).send().await?).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        answer(self.request(Method::POST, path).json(body).send().await?).await
    }

    pub async fn post_text(&self, path: &str, body: impl Into<reqwest::Body>) -> Result<Answer> {
        let request = self.request(Method::POST, path).body(body);
        answer(request.header("content-type", "application/json").send().await?).await
    }

    /// A form of text fields and a file.
    pub async fn upload(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        (name, bytes): (&str, &[u8]),
    ) -> Result<Answer> {
        self.form(path, fields, &[("file", name, bytes)]).await
    }

    /// A form of text fields and files, each in the field that it names first.
    pub async fn form(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        files: &[(&str, &str, &[u8])],
    ) -> Result<Answer> {
        const BOUNDARY: &str = "a-boundary-that-no-test-writes";
        let mut body = Vec::new();
        for (field, text) in fields {
            let head = format!("Content-Disposition: form-data; name=\"{field}\"");
            body.extend(format!("--{BOUNDARY}\r\n{head}\r\n\r\n{text}\r\n").into_bytes());
        }
        for (field, name, bytes) in files {
            let head =
                format!("Content-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"");
            let head = format!("--{BOUNDARY}\r\n{head}\r\nContent-Type: text/x-test\r\n\r\n");
            body.extend(head.into_bytes());
            body.extend(*bytes);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = self.request(Method::POST, path).header("content-type", kind).body(body);
        answer(request.send().await?).await
    }

    pub async fn stream(&self, path: &str, body: &Value) -> Result<Stream> {
        let response = self.request(Method::POST, path).json(body).send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut parser = SseParser::default();
        let mut events = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            events.extend(parser.push(&chunk?)?.into_iter().map(|event| data(&event.data)));
        }
        events.extend(parser.finish().map(|event| data(&event.data)));
        Ok(Stream { status, headers, events })
    }

    /// One user message to a model through OpenAI's dialect, with a `backstay` member.
    pub async fn chat(&self, model: &str, text: &str, backstay: Value) -> Result<Answer> {
        let body = json!({
            "model": model,
            "messages": [{"role": "user", "content": text}],
            "backstay": backstay,
        });
        self.post("/v1/chat/completions", &body).await
    }

    /// The same through Anthropic's dialect.
    pub async fn message(&self, model: &str, text: &str, backstay: Value) -> Result<Answer> {
        let body = json!({
            "model": model,
            "max_tokens": 200,
            "messages": [{"role": "user", "content": text}],
            "backstay": backstay,
        });
        self.post("/v1/messages", &body).await
    }
}

fn data(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

async fn answer(response: Response) -> Result<Answer> {
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.bytes().await?;
    let body = if bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&bytes)
            .with_context(|| format!("{status}: not JSON: {}", String::from_utf8_lossy(&bytes)))?
    };
    Ok(Answer { status, headers, body })
}

impl Answer {
    /// The text of the first choice or of Anthropic's text blocks.
    pub fn text(&self) -> String {
        if let Some(text) = self.body["choices"][0]["message"]["content"].as_str() {
            return text.to_owned();
        }
        let blocks = self.body["content"].as_array().map(Vec::as_slice).unwrap_or_default();
        blocks.iter().filter_map(|block| block["text"].as_str()).collect()
    }

    /// The texts of `backstay.recalled`.
    pub fn recalled(&self) -> Vec<String> {
        let items = self.body["backstay"]["recalled"].as_array().map(Vec::as_slice);
        let texts = items.unwrap_or_default().iter().filter_map(|item| item["text"].as_str());
        texts.map(str::to_owned).collect()
    }

    pub fn thread(&self) -> String {
        self.body["backstay"]["thread"].as_str().unwrap_or_default().to_owned()
    }
}

impl Stream {
    /// The concatenated text deltas of an OpenAI or Anthropic stream.
    pub fn text(&self) -> String {
        let delta = |event: &'_ Value| {
            let openai = event["choices"][0]["delta"]["content"].as_str();
            openai.or_else(|| event["delta"]["text"].as_str()).map(str::to_owned)
        };
        self.events.iter().filter_map(delta).collect()
    }
}
