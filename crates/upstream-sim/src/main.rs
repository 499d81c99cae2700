//! The binary: a simulator on a port of your choice.

use std::net::SocketAddr;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use upstream_sim::{Options, Sim};

/// A scripted upstream that speaks the wire formats of OpenAI, Anthropic, Gemini, Cohere and Bedrock,
/// also as Azure and Vertex AI serve them.
///
/// Point a client or a gateway at it in place of a model provider, and choose by the model's name
/// what it answers and how it fails. Any API key is taken; Bedrock wants a
/// signature with the key id `AKIDSIMULATOR` and the secret `sim/secret+access/key`, or a bearer token.
#[derive(Debug, Parser)]
#[command(name = "upstream-sim", version, after_long_help = GUIDE)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:9100", value_name = "HOST:PORT")]
    listen: SocketAddr,

    /// Do not keep requests for GET /sim/requests. For load tests.
    #[arg(long)]
    no_record: bool,
}

const GUIDE: &str = "\
Models
  sim-quote   quotes the lines of its prompt that best fit the last user message
              (so does every name that does not start with sim-)
  sim-echo    repeats the last user message
  sim-think   reasons first, then repeats the last user message
  sim-json    repeats the first JSON object of the last user message
  sim-raw     sends the byte chunks that POST /sim/script gave
  sim-embed   embeddings: equal words give near vectors
  With tools in the request they call the one whose name the message mentions;
  `both` or `parallel` in the message makes two calls, `then` one after the other.

Faults, after ! in the model's name, several in a row; N is a number
  refuse  401  404  429  429-retry-after-N (seconds)  500  503  529
  slow-headers-N (milliseconds)     the status line comes late
  stall-after-N (tokens)            then nothing until the client leaves, at most 60 s
  reset-after-N (tokens)            then TCP RST
  truncate-after-N (tokens)         then half an event and a clean end
  error-after-N (tokens)            then an error inside the stream
  no-done  empty-chunk  no-usage    what some providers leave out or add
  first-byte-N  per-token-N         latency in milliseconds
  first-N                           only the first N requests with this very name

Try it
  curl -N http://127.0.0.1:9100/v1/chat/completions \\
    -H 'Authorization: Bearer any' -H 'Content-Type: application/json' \\
    -d '{\"model\": \"sim-echo!per-token-100!reset-after-4\", \"stream\": true,
         \"messages\": [{\"role\": \"user\", \"content\": \"one two three four five six\"}]}'

Scripts, for names that cannot be chosen (`*` is every model)
  curl http://127.0.0.1:9100/sim/script \\
    -d '{\"model\": \"*\", \"first\": 3, \"fault\": {\"kind\": \"rate_limit\", \"retry_after_s\": 2}}'
  kinds: refuse, unauthorized, model_not_found, rate_limit {retry_after_s}, server_error,
         unavailable, overloaded, slow_headers {delay_ms}, stall_after {tokens},
         reset_after {tokens}, truncate_after {tokens}, error_after {tokens}, no_done,
         empty_chunk, no_usage
  latency: {\"first_byte_ms\": N, \"per_token_ms\": N};  raw: [\"text\", {\"base64\": \"...\"}]
  GET /sim/requests   what was asked, and whether it completed or the client left
  POST /sim/reset     forgets scripts and requests";

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let options = Options { listen: arguments.listen, record_requests: !arguments.no_record };
    let sim = match Sim::start(options).await {
        Ok(sim) => sim,
        Err(error) => {
            let message = format!(
                "cannot listen on {}: {error}. Choose another address with --listen.",
                arguments.listen
            );
            Arguments::command().error(ErrorKind::Io, message).exit()
        }
    };
    announce(&sim);
    tokio::signal::ctrl_c().await?;
    sim.shutdown().await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the URL is what the person who started it needs")]
fn announce(sim: &Sim) {
    println!("upstream-sim listens on {}  (Ctrl-C stops it)", sim.base_url());
}
