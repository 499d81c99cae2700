//! What listing the models of a large catalogue takes, over HTTP, beside sending the same bytes.
//!
//! `cargo run --release -p backstay-testing --example model_list [models] [rounds]`
//! prints the median and the worst of each list in milliseconds.

use std::{io::Write as _, time::Instant};

use anyhow::{Context as _, Result};
use axum::{Router, body::Bytes, routing::get};
use backstay_testing::{TestClient, TestServer, sim::Catalogue};
use reqwest::{Client, Method};
use serde_json::{Value, json};

const OPENROUTER: &str = "[[providers]]\nid = \"openrouter\"\nformat = \"openai\"\n\
    base_url = \"{sim}/api/v1\"\napi_key = \"sk-or\"\naggregator = true\n";

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let models: usize = arguments.next().map_or(Ok(5_000), |text| text.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(50), |text| text.parse())?;
    let server = TestServer::builder().config(OPENROUTER).start().await?;
    server.sim.set_catalogue(Catalogue { models: rows(models), ..Catalogue::default() });
    let client = server.member();
    let began = Instant::now();
    client.post("/backstay/v1/models/refresh", &json!({})).await?;
    say(&format!("refresh of {models} models: {:.1} ms", milliseconds(began)))?;

    for path in [
        "/v1/models",
        "/api/v1/models?output_modalities=all",
        "/api/v1/models?supported_parameters=tools&max_price=3&sort=pricing-low-to-high",
        "/api/v1/models?q=mass%2042",
    ] {
        let began = Instant::now();
        let body = fetch(&client, path).await?;
        let first = milliseconds(began);
        let mut times = Vec::with_capacity(rounds);
        for _ in 0..rounds {
            let began = Instant::now();
            fetch(&client, path).await?;
            times.push(milliseconds(began));
        }
        let floor = floor(body.clone(), rounds).await?;
        let (median, worst) = spread(times);
        say(&format!(
            "{path}: {} bytes, first {first:.1} ms, then median {median:.2} ms, worst {worst:.2} \
             ms; sending as many bytes alone: median {floor:.2} ms",
            body.len()
        ))?;
    }
    server.stop().await
}

async fn fetch(client: &TestClient, path: &str) -> Result<Bytes> {
    Ok(client.request(Method::GET, path).send().await?.error_for_status()?.bytes().await?)
}

/// The median of fetching a body that lies ready, from a server that does nothing else.
async fn floor(body: Bytes, rounds: usize) -> Result<f64> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let router = Router::new().route("/", get(move || async move { body }));
    let serving = tokio::spawn(axum::serve(listener, router).into_future());
    let mut times = Vec::with_capacity(rounds);
    let client = Client::builder().no_proxy().tcp_nodelay(true).build()?;
    for _ in 0..rounds {
        let began = Instant::now();
        client.get(&url).send().await?.bytes().await?;
        times.push(milliseconds(began));
    }
    serving.abort();
    Ok(spread(times).0)
}

fn rows(models: usize) -> Value {
    let made_up = Catalogue::of_made_up_models().models;
    let row = |number: usize| {
        let mut row = made_up[number % 2].clone();
        row["id"] = json!(format!("acme/mass-{number}"));
        row
    };
    (0..models).map(row).collect()
}

fn spread(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times.last().copied().unwrap_or_default())
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}

fn say(line: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{line}").context("standard output is closed")
}
