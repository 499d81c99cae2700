//! A thread that outgrows its model's window, and one that changes models.

use anyhow::Result;
use backstay_testing::TestServer;
use serde_json::{Value, json};

use super::{Board, weather};

/// A model that reads little.
fn small(sim: &str) -> String {
    format!(
        "[[providers]]\nid = \"small\"\nformat = \"openai\"\nbase_url = \"{sim}/v1\"\n\
         api_key = \"sk-upstream-secret\"\n[[providers.models]]\nid = \"sim-echo\"\n\
         context_length = 8000\n"
    )
}

#[tokio::test]
async fn what_does_not_fit_into_the_window_is_summarised_once_and_carried_on() -> Result<()> {
    let server = TestServer::builder().config_for_sim(small).start().await?;
    let board = Board::of(server, json!({"name": "Helper"})).await?;
    let thread = board.thread().await?;
    let small = |more: &str| json!({"llm_provider": "small", "max_tokens": 200, "x": more});
    let long = "the harbour was quiet and the ferries ran late ".repeat(60);
    let mut last = Value::Null;
    for turn in 0..8 {
        let said = format!("Turn {turn}: {long}");
        last = board.say(&thread, &said, small("")).await?.body;
        assert_eq!(last["status"], "COMPLETED", "{last}");
    }
    assert_eq!(last["context_usage"]["context_limit"], 8000);
    let summary_tokens = last["context_usage"]["summary_tokens"].as_u64().unwrap_or(0);
    assert!(summary_tokens > 0, "{}", last["context_usage"]);
    let used = last["context_usage"]["used_tokens"].as_u64().unwrap_or(0);
    assert_eq!(last["total_tokens"], json!(used));
    let seen = board.asked();
    let prompt =
        seen.last().and_then(|body| body["messages"].as_array()).cloned().unwrap_or_default();
    let texts: Vec<String> = prompt.iter().map(|message| message["content"].to_string()).collect();
    assert!(texts.iter().any(|text| text.contains("<earlier_conversation>")), "{texts:?}");
    let begins = |words: &str| texts.iter().any(|text| text.starts_with(&format!("\"{words}")));
    assert!(!begins("Turn 0: ") && begins("Turn 7: "), "{texts:?}");
    assert_eq!(board.messages(&thread).await?.len(), 16);
    board.say(&thread, "short", small("")).await?;
    assert_eq!(board.asked().len(), seen.len() + 1, "a summary that fits is not written anew");
    board.server.stop().await
}

#[tokio::test]
async fn a_thread_changes_models_between_a_thought_a_call_and_its_output() -> Result<()> {
    let board = Board::start().await?;
    let thread = board.thread().await?;
    let think = json!({"llm_provider": "anthropic", "model_name": "sim-think",
        "thinking": {"budget_tokens": 2048}});
    let thought = board.say(&thread, "Think of harbours", think.clone()).await?.body;
    assert!(thought["reasoning"].is_string(), "{thought}");
    for (provider, model) in [
        ("openai", "sim-echo"),
        ("gemini", "sim-think"),
        ("bedrock", "sim-think"),
        ("anthropic", "sim-think"),
        ("cohere", "sim-echo"),
    ] {
        let more = json!({"llm_provider": provider, "model_name": model, "thinking": {}});
        let answer = board.say(&thread, "And now?", more).await?.body;
        assert_eq!(answer["status"], "COMPLETED", "{provider}: {answer}");
    }
    for (begins, ends) in [("anthropic", "openai"), ("gemini", "anthropic"), ("openai", "gemini")] {
        let ask = json!({"llm_provider": begins, "model_name": "sim-think", "tools": weather(),
            "thinking": {"budget_tokens": 2048}});
        let asked = board.say(&thread, "Use the weather tool for Lisbon", ask).await?.body;
        assert_eq!(asked["status"], "REQUIRES_ACTION", "{begins}: {asked}");
        let outputs = json!({"thread_id": thread, "tool_outputs":
            [{"tool_call_id": asked["tool_calls"][0]["id"], "output": "sunny"}]});
        let answer = board.client.post("/api/threads/tool-outputs", &outputs).await?.body;
        assert_eq!(answer["status"], "COMPLETED", "{begins}: {answer}");
        let more = json!({"llm_provider": ends, "model_name": "sim-echo"});
        let answer = board.say(&thread, "Thank you", more).await?.body;
        assert_eq!(answer["status"], "COMPLETED", "{ends}: {answer}");
    }
    board.server.stop().await
}
