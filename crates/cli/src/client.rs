//! A client of a running server, like any other.

use anyhow::{Context as _, Result, anyhow};
use backstay_core::Random;
use clap::Args;
use futures::{StreamExt as _, stream};
use reqwest::{Body, Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::{fs::File, io::AsyncReadExt as _};

const PIECE_BYTES: usize = 64 * 1024;

/// Which server to talk to.
#[derive(Args, Clone)]
pub(crate) struct Connection {
    /// Address of a running server.
    #[arg(long, global = true, env = "BACKSTAY_URL", default_value = "http://127.0.0.1:7460")]
    pub(crate) url: String,
    /// API key; `backstay serve` prints one at its first start.
    #[arg(long, global = true, env = "BACKSTAY_API_KEY", hide_env_values = true)]
    pub(crate) key: Option<String>,
}

#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    key: Option<String>,
}

impl Client {
    pub(crate) fn new(connection: &Connection) -> Result<Self> {
        let http = reqwest::Client::builder()
            .tcp_nodelay(true)
            .connect_timeout(std::time::Duration::from_secs(5))
            .no_proxy()
            .build()
            .context("cannot build an HTTP client")?;
        let url = connection.url.trim_end_matches('/').to_owned();
        Ok(Self { http, url, key: connection.key.clone() })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        read(self.send(Method::GET, path, None).await?).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        read(self.send(Method::POST, path, Some(body)).await?).await
    }

    pub(crate) async fn patch<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        read(self.send(Method::PATCH, path, Some(body)).await?).await
    }

    pub(crate) async fn put<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        read(self.send(Method::PUT, path, Some(body)).await?).await
    }

    pub(crate) async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        read(self.send(Method::DELETE, path, None).await?).await
    }

    /// Sends a text as it is.
    pub(crate) async fn post_text<T: DeserializeOwned>(
        &self,
        path: &str,
        text: String,
    ) -> Result<T> {
        let request = self.http.post(format!("{}{path}", self.url));
        read(self.checked(request.header("content-type", "text/plain").body(text)).await?).await
    }

    /// Sends a form of text fields and a file, which goes in pieces; `sent` is told how many bytes went.
    pub(crate) async fn upload<T: DeserializeOwned>(
        &self,
        path: &str,
        fields: &[(&str, Option<&str>)],
        (name, file): (&str, File),
        sent: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<T> {
        let mut random = [0_u8; 16];
        Random::System.fill(&mut random)?;
        let boundary: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let given = fields.iter().filter_map(|(name, value)| value.map(|value| (name, value)));
        let mut head: String = given
            .map(|(name, value)| {
                format!(
                    "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
                )
            })
            .collect();
        head.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\r\n",
            name.replace('"', "%22")
        ));
        let pieces = stream::try_unfold((file, sent), |(mut file, sent)| async move {
            let mut piece = vec![0; PIECE_BYTES];
            let count = file.read(&mut piece).await?;
            piece.truncate(count);
            sent(count as u64);
            Ok::<_, std::io::Error>((count > 0).then_some((piece, (file, sent))))
        });
        let whole = |text: String| stream::iter([Ok(text.into_bytes())]);
        let body = whole(head).chain(pieces).chain(whole(format!("\r\n--{boundary}--\r\n")));
        let kind = format!("multipart/form-data; boundary={boundary}");
        let request = self.http.post(format!("{}{path}", self.url));
        let request = request.header("content-type", kind).body(Body::wrap_stream(body));
        read(self.checked(request).await?).await
    }

    /// Sends and checks the status; the body is still to be read.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(body);
        }
        self.checked(request).await
    }

    async fn checked(&self, mut request: RequestBuilder) -> Result<Response> {
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        let response = request.send().await.map_err(|cause| {
            if cause.is_connect() {
                anyhow!("no server answers at {}; start one with `backstay serve`, or name it with --url", self.url)
            } else {
                anyhow!(cause).context(format!("the call to {} failed", self.url))
            }
        })?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(failure(response).await)
    }
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T> {
    let bytes = response.bytes().await.context("the answer broke off")?;
    serde_json::from_slice(&bytes).context("the server's answer is not what this version expects")
}

async fn failure(response: Response) -> anyhow::Error {
    let status = response.status();
    let body: Value = match response.bytes().await {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
        Err(cause) => return anyhow!(cause).context(format!("the server answered {status}")),
    };
    let message = body["error"]["message"].as_str().unwrap_or("no reason given");
    let hint = if status == StatusCode::UNAUTHORIZED {
        "; set BACKSTAY_API_KEY or --key to the key that `backstay serve` printed at its first start"
    } else {
        ""
    };
    anyhow!("{message}{hint}")
}

/// A query string of the parts that are given.
pub(crate) fn query(parts: &[(&str, Option<&str>)]) -> String {
    let given: Vec<String> = parts
        .iter()
        .filter_map(|(name, value)| value.map(|value| format!("{name}={}", percent_encoded(value))))
        .collect();
    if given.is_empty() { String::new() } else { format!("?{}", given.join("&")) }
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}
