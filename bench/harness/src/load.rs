//! A closed-loop load generator: every connection sends its next request when the last is answered.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use clap::Args;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::answer::Expected;
use crate::canned;
use crate::cell::{Cell, Shape};
use crate::chat_api::ChatApi;
use crate::samples::Samples;

/// How long answers may take after a window's end before the server counts as stuck.
const STUCK_AFTER: Duration = Duration::from_secs(10);
const QUOTED_BODY_BYTES: usize = 300;

#[derive(Args)]
pub struct LoadOptions {
    /// Address of the server to drive
    #[arg(long)]
    target: SocketAddr,
    /// API key to send as a bearer token
    #[arg(long, default_value = canned::UPSTREAM_KEY)]
    key: String,
    #[arg(long, value_enum, default_value = "plain")]
    shape: Shape,
    #[arg(long, default_value_t = 32, value_parser = parse_connections)]
    connections: usize,
    /// Length of the window in seconds
    #[arg(long, default_value = "2", value_parser = parse_seconds)]
    seconds: Duration,
}

pub fn parse_seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=60.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("give a number of seconds from 0.1 to 60".to_owned()),
    }
}

fn parse_connections(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(count) if (1..=1024).contains(&count) => Ok(count),
        _ => Err("give a number from 1 to 1024".to_owned()),
    }
}

/// What one window showed. Latencies are of complete answers only.
#[derive(Debug, Serialize, Deserialize)]
pub struct WindowFigures {
    pub completed: usize,
    /// Connections that ended early; a connection stops at its first incomplete answer.
    pub failed: usize,
    pub first_failure: Option<String>,
    pub elapsed_s: f64,
    pub requests_per_s: f64,
    pub total_p50_us: f64,
    pub total_p99_us: f64,
    /// Until the first text of the answer; events without any do not count.
    pub first_token_p50_us: f64,
}

pub async fn run(options: LoadOptions) -> anyhow::Result<()> {
    let cell = Cell { shape: options.shape, connections: options.connections };
    let chat = ChatApi::openai(options.target, &options.key);
    let load = Load::open(&chat, cell).await?;
    let figures = load.run(options.seconds).await?;
    println!("{}", serde_json::to_string_pretty(&figures)?);
    ensure!(figures.failed == 0, "{} connections met an incomplete answer", figures.failed);
    Ok(())
}

/// Connections that are open and idle, so that a window measures answers and not handshakes.
pub struct Load {
    request: Request<Full<Bytes>>,
    shape: Shape,
    connections: Vec<SendRequest<Full<Bytes>>>,
}

impl Load {
    pub async fn open(chat: &ChatApi, cell: Cell) -> anyhow::Result<Self> {
        let mut request = Request::post(chat.path)
            .header(header::HOST, chat.address.to_string())
            .header(header::AUTHORIZATION, format!("Bearer {}", chat.key))
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in &chat.headers {
            request = request.header(*name, value);
        }
        let request = request
            .body(Full::new(canned::request(cell.shape, chat.model)))
            .context("the key cannot be sent in a header")?;
        let mut connections = Vec::with_capacity(cell.connections);
        for _ in 0..cell.connections {
            connections.push(connect(chat.address).await?);
        }
        Ok(Self { request, shape: cell.shape, connections })
    }

    pub async fn run(self, length: Duration) -> anyhow::Result<WindowFigures> {
        let begun = Instant::now();
        let mut tasks = JoinSet::new();
        for connection in self.connections {
            let request = self.request.clone();
            tasks.spawn(drive(connection, request, self.shape, begun + length));
        }
        let mut outcome = Outcome::default();
        let collect = async {
            while let Some(connection) = tasks.join_next().await {
                outcome.append(connection?);
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(length + STUCK_AFTER, collect)
            .await
            .with_context(|| format!("an answer took longer than {STUCK_AFTER:?}"))??;
        outcome.figures(begun.elapsed())
    }
}

pub async fn connect(target: SocketAddr) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(target)
        .await
        .with_context(|| format!("cannot connect to {target}; is the server running?"))?;
    stream.set_nodelay(true).context("cannot set TCP_NODELAY")?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        // How a connection ended is seen by the request that was on it.
        connection.await.ok();
    });
    Ok(sender)
}

#[derive(Default)]
struct Outcome {
    total: Samples,
    first_token: Samples,
    failed: usize,
    first_failure: Option<String>,
}

impl Outcome {
    fn append(&mut self, other: Self) {
        self.total.append(other.total);
        self.first_token.append(other.first_token);
        self.failed += other.failed;
        self.first_failure = self.first_failure.take().or(other.first_failure);
    }

    fn figures(self, elapsed: Duration) -> anyhow::Result<WindowFigures> {
        let completed = self.total.len();
        let (Some([total_p50_us, total_p99_us]), Some([first_token_p50_us])) =
            (self.total.percentiles_us([0.5, 0.99]), self.first_token.percentiles_us([0.5]))
        else {
            let reason = self.first_failure.unwrap_or_else(|| "the window was too short".into());
            bail!("not one answer was complete: {reason}");
        };
        Ok(WindowFigures {
            completed,
            failed: self.failed,
            first_failure: self.first_failure,
            elapsed_s: elapsed.as_secs_f64(),
            requests_per_s: completed as f64 / elapsed.as_secs_f64(),
            total_p50_us,
            total_p99_us,
            first_token_p50_us,
        })
    }
}

async fn drive(
    mut connection: SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
    shape: Shape,
    until: Instant,
) -> Outcome {
    let expected = Expected::new(shape);
    let mut outcome = Outcome::default();
    while Instant::now() < until {
        let begun = Instant::now();
        match exchange(&mut connection, request.clone(), &expected).await {
            Ok(first_token) => {
                outcome.total.push(begun.elapsed());
                outcome.first_token.push(first_token - begun);
            }
            Err(error) => {
                outcome.failed = 1;
                outcome.first_failure = Some(format!("{error:#}"));
                break;
            }
        }
    }
    outcome
}

/// One request and its whole answer; returns when the first text arrived.
async fn exchange(
    connection: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
    expected: &Expected,
) -> anyhow::Result<Instant> {
    connection.ready().await.context("the server closed the connection")?;
    let response = connection.send_request(request).await.context("no answer")?;
    let status = response.status();
    let mut body = response.into_body();
    if status != StatusCode::OK {
        let bytes = body.collect().await.context("the answer broke off")?.to_bytes();
        let quoted = String::from_utf8_lossy(&bytes[..bytes.len().min(QUOTED_BODY_BYTES)]);
        bail!("status {status}: {quoted}");
    }
    let mut first_token = None;
    let mut reader = expected.reader();
    while let Some(frame) = body.frame().await {
        let frame = frame.context("the answer broke off")?;
        if let Some(data) = frame.data_ref() {
            let arrived = Instant::now();
            reader.feed(data)?;
            if reader.has_text() {
                first_token.get_or_insert(arrived);
            }
        }
    }
    reader.finish()?;
    // A plain answer is read when it is whole: its first text arrives with its last.
    Ok(first_token.unwrap_or_else(Instant::now))
}
