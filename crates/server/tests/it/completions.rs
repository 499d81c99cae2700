//! `/v1/completions` with several prompts.

use anyhow::Result;
use backstay_testing::TestServer;
use serde_json::{Value, json};

#[tokio::test]
async fn several_prompts_are_one_answer_and_a_generation_each() -> Result<()> {
    let server = TestServer::start().await?;
    let prompts = ["one", "two three", "four five six", "seven", "eight nine"];
    let body = json!({"model": "openai/sim-echo", "prompt": prompts, "echo": true});
    for path in ["/v1/completions", "/api/v1/completions"] {
        let before = rows(&server).await?.len();
        let answer = server.member().post(path, &body).await?;
        assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
        assert_eq!(answer.body["object"], "text_completion");
        let choices = answer.body["choices"].as_array().cloned().unwrap_or_default();
        let texts: Vec<&str> =
            choices.iter().filter_map(|choice| choice["text"].as_str()).collect();
        let expected: Vec<String> = prompts.iter().map(|text| format!("{text}{text}")).collect();
        assert_eq!(texts, expected, "each with its own prompt before it");
        assert!(choices.iter().enumerate().all(|(at, choice)| choice["index"] == json!(at)));
        let usage = &answer.body["usage"];
        assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(9), &json!(9)));
        let cost = usage["cost"].as_f64();
        assert_eq!(cost, path.starts_with("/api").then_some(27e-6), "{usage}");
        let made = rows(&server).await?;
        assert_eq!(made.len() - before, prompts.len());
        assert!(made.iter().all(|row| row["status"] == "completed"), "{made:?}");
        assert!(answer.headers.contains_key("x-generation-id"));
    }
    server.stop().await
}

async fn rows(server: &TestServer) -> Result<Vec<Value>> {
    let page = server.member().get("/backstay/v1/generations?limit=100").await?.body;
    Ok(page["data"].as_array().cloned().unwrap_or_default())
}

#[tokio::test]
async fn what_several_prompts_cannot_be_is_said() -> Result<()> {
    let server = TestServer::start().await?;
    let many = vec!["x"; 21];
    for (body, place) in [
        (json!({"prompt": ["a", "b"], "stream": true}), "stream"),
        (json!({"prompt": many}), "prompt"),
        (json!({"prompt": []}), "prompt"),
        (json!({"prompt": ["a", 1]}), "prompt"),
        (json!({"prompt": ["a", "b"], "backstay": {"thread": "new"}}), "backstay"),
    ] {
        let mut body = body;
        body["model"] = json!("openai/sim-echo");
        let refused = server.member().post("/v1/completions", &body).await?;
        assert_eq!(refused.status.as_u16(), 400, "{refused:?}");
        assert_eq!(refused.body["error"]["param"], place, "{refused:?}");
    }
    let one = json!({"model": "openai/sim-echo", "prompt": ["alone"], "stream": true});
    let stream = server.member().stream("/v1/completions", &one).await?;
    assert_eq!(stream.status.as_u16(), 200);
    let failing = json!({"model": "openai/sim-echo!429", "prompt": ["a", "b"]});
    let refused = server.member().post("/v1/completions", &failing).await?;
    assert_eq!(refused.status.as_u16(), 429, "one failure is the call's: {refused:?}");
    server.stop().await
}
