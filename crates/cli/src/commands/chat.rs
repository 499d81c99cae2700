//! `backstay chat`: a conversation in the terminal, kept and remembered by the server.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use futures::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::{
    client::{Client, Connection},
    output::{Output, print_text},
};

/// Talk to a model in the terminal; the conversation is kept and remembered.
///
/// Without a message it reads one per line until end of input; /quit ends it, /new opens a new
/// thread, /model NAME changes the model and keeps the thread.
#[derive(Args)]
pub(crate) struct Chat {
    /// Say one thing, print the answer and end.
    message: Option<String>,
    /// The model to talk to; `backstay models` lists them.
    #[arg(long, short, default_value = "builtin/recall")]
    model: String,
    #[arg(long, default_value = "default")]
    assistant: String,
    #[arg(long)]
    user: Option<String>,
    /// A thread to go on with; a new one otherwise.
    #[arg(long, default_value = "new")]
    thread: String,
    /// auto, readonly or off.
    #[arg(long, default_value = "auto")]
    memory: String,
}

impl Chat {
    pub(crate) async fn run(mut self, connection: &Connection, output: Output) -> Result<ExitCode> {
        let client = Client::new(connection)?;
        if let Some(message) = self.message.take() {
            self.say(&client, &message, output).await?;
            return Ok(ExitCode::SUCCESS);
        }
        if output.is_json() {
            bail!("--json needs a message: backstay chat --json \"…\"");
        }
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        loop {
            print_text(&format!("{}> ", self.model));
            let Some(line) = lines.next_line().await.context("cannot read your input")? else {
                print_text("\n");
                return Ok(ExitCode::SUCCESS);
            };
            match line.trim() {
                "" => {}
                "/quit" | "/exit" => return Ok(ExitCode::SUCCESS),
                "/new" => "new".clone_into(&mut self.thread),
                command if command.starts_with("/model ") => {
                    command["/model ".len()..].trim().clone_into(&mut self.model);
                }
                message => {
                    if let Err(error) = self.say(&client, message, output).await {
                        output.error(&error);
                    }
                }
            }
        }
    }

    /// One turn. The thread that the server names is gone on with.
    async fn say(&mut self, client: &Client, message: &str, output: Output) -> Result<()> {
        let body = json!({
            "model": self.model,
            "stream": !output.is_json(),
            "messages": [{"role": "user", "content": message}],
            "backstay": {
                "assistant": self.assistant,
                "user": self.user,
                "thread": self.thread,
                "memory": self.memory,
            },
        });
        if output.is_json() {
            let reply: Value = client.post("/v1/chat/completions", &body).await?;
            output.show(&reply, Value::to_string);
            return Ok(());
        }
        let extension = print_stream(client, &body).await?;
        if let Some(thread) = extension["thread"].as_str() {
            thread.clone_into(&mut self.thread);
        }
        output.note(&summary(&extension));
        Ok(())
    }
}

/// Prints the answer as it comes and returns the `backstay` member of the last chunk.
async fn print_stream(client: &Client, body: &Value) -> Result<Value> {
    let response = client.send(Method::POST, "/v1/chat/completions", Some(body)).await?;
    let mut chunks = response.bytes_stream();
    let mut parser = backstay_wire::SseParser::default();
    let mut extension = Value::Null;
    while let Some(chunk) = chunks.next().await {
        for event in parser.push(&chunk.context("the answer broke off")?)? {
            let Ok(data) = serde_json::from_str::<Value>(&event.data) else {
                continue;
            };
            if let Some(message) = data["error"]["message"].as_str() {
                print_text("\n");
                bail!("{message}");
            }
            if let Some(text) = data["choices"][0]["delta"]["content"].as_str() {
                print_text(text);
            }
            if data["backstay"].is_object() {
                extension = data["backstay"].clone();
            }
        }
    }
    print_text("\n");
    Ok(extension)
}

fn summary(extension: &Value) -> String {
    let recalled = extension["recalled"].as_array().map_or(0, Vec::len);
    let cost =
        extension["cost"].as_str().map_or("cost unknown".to_owned(), |cost| format!("${cost}"));
    let thread = extension["thread"].as_str().unwrap_or("none");
    format!("  [{recalled} memories recalled, {cost}, thread {thread}]")
}
