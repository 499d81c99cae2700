//! Threads: the server keeps the history, in order, whole, and for one assistant and user.

use anyhow::Result;
use backstay_testing::TestServer;
use serde_json::json;

#[tokio::test]
async fn a_thread_goes_on_with_another_model_in_another_dialect() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    let opened = json!({"thread": "new", "memory": "off"});
    let thread = client.chat("openai/sim-echo", "The code word is heron.", opened).await?.thread();
    let go_on = json!({"thread": thread, "memory": "off"});
    let answer = client.message("anthropic/sim-quote", "What is the code word?", go_on).await?;
    assert!(answer.text().contains("heron"), "{}", answer.text());
    let path = format!("/backstay/v1/threads/{thread}/messages");
    let messages = client.get(&path).await?.body;
    let roles: Vec<&str> =
        messages["data"].as_array().unwrap().iter().filter_map(|m| m["role"].as_str()).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
    server.stop().await
}

#[tokio::test]
async fn a_thread_survives_a_restart() -> Result<()> {
    let server = TestServer::start().await?;
    let options = json!({"thread": "new", "assistant": "a"});
    let thread =
        server.member().chat("builtin/echo", "remember the heron", options).await?.thread();
    let server = server.restart().await?;
    let path = format!("/backstay/v1/threads/{thread}/messages");
    let messages = server.member().get(&path).await?.body;
    assert_eq!(messages["data"][0]["text"], "remember the heron");
    let found = server.member().chat("builtin/recall", "heron", json!({"assistant": "a"})).await?;
    assert!(!found.recalled().is_empty());
    server.stop().await
}

#[tokio::test]
async fn a_tool_call_and_its_result_are_kept_in_the_thread() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    let tools = json!([{"type": "function", "function": {"name": "weather", "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]);
    let body = json!({"model": "openai/sim-echo", "tools": tools, "backstay": {"thread": "new"},
        "messages": [{"role": "user", "content": "Use the weather tool for Lisbon"}]});
    let answer = client.post("/v1/chat/completions", &body).await?;
    let call = &answer.body["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(call["function"]["name"], "weather", "{answer:?}");
    let thread = answer.thread();
    let body = json!({"model": "anthropic/sim-echo", "tools": tools, "backstay": {"thread": thread},
        "messages": [{"role": "tool", "tool_call_id": call["id"], "content": "sunny, 21 degrees"}]});
    let answer = client.post("/v1/chat/completions", &body).await?;
    assert!(answer.text().contains("sunny"), "{answer:?}");
    let messages = client.get(&format!("/backstay/v1/threads/{thread}/messages")).await?.body;
    assert_eq!(messages["data"][1]["parts"][0]["type"], "tool_call", "{messages}");
    assert_eq!(messages["data"][2]["parts"][0]["type"], "tool_result", "{messages}");
    server.stop().await
}

#[tokio::test]
async fn a_thread_cannot_be_used_for_another_user() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    let opened = json!({"thread": "new", "user": "anna"});
    let thread = client.chat("builtin/echo", "hello", opened).await?.thread();
    let stolen = json!({"thread": thread, "user": "eve"});
    let answer = client.chat("builtin/echo", "hello", stolen).await?;
    assert_eq!(answer.status.as_u16(), 400, "{answer:?}");
    assert_eq!(answer.body["error"]["param"], "backstay.user");
    server.stop().await
}

#[tokio::test]
async fn a_call_that_fails_leaves_the_thread_as_it_was() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    let thread = client.chat("builtin/echo", "hello", json!({"thread": "new"})).await?.thread();
    let failed = client.chat("openai/sim-echo!429", "lost", json!({"thread": thread})).await?;
    assert_eq!(failed.status.as_u16(), 429);
    let messages = client.get(&format!("/backstay/v1/threads/{thread}/messages")).await?.body;
    assert_eq!(messages["data"].as_array().map(Vec::len), Some(2), "{messages}");
    server.stop().await
}
