//! Messages: three encodings, two routes, one stored message; memory across threads; failures.

use anyhow::Result;
use backstay_testing::{
    TestServer,
    sim::{RequestRecord, Script},
};
use serde_json::{Value, json};

use super::{Board, POLLS_MAX, text};

const FACT: &str = "My daughter Zuzana started playing the bassoon in March.";
const QUESTION: &str = "Which instrument does Zuzana play?";
/// A call waits for its turn on a busy machine.
const ASKED_WITHIN: std::time::Duration = std::time::Duration::from_secs(20);
const BOUNDARY: &str = "----9d3f1b";

fn multipart(fields: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        body.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    body + &format!("--{BOUNDARY}--\r\n")
}

fn urlencoded(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
    pairs.join("&")
}

#[tokio::test]
async fn each_encoding_and_route_leaves_the_same_message_behind() -> Result<()> {
    let board = Board::start().await?;
    let metadata = r#"{"token": "t-1", "nested": {"list": [1, null, "ü"]}}"#;
    let fields = [
        ("content", "Grüße & mehr"),
        ("llm_provider", "openai"),
        ("model_name", "sim-echo"),
        ("stream", "false"),
        ("metadata", metadata),
        ("role", "ignored"),
    ];
    let json = json!({"content": "Grüße & mehr", "llm_provider": "openai",
        "model_name": "sim-echo", "stream": false, "metadata": serde_json::from_str::<Value>(metadata)?,
        "role": {"ignored": 1}});
    let multipart_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let encodings = [
        ("application/json", json.to_string()),
        ("application/x-www-form-urlencoded", urlencoded(&fields)),
        (multipart_type.as_str(), multipart(&fields)),
    ];
    for (content_type, body) in encodings {
        let thread = board.thread().await?;
        let path = format!("/api/threads/{thread}/messages");
        let request = board.client.request(http::Method::POST, &path);
        let request = request.header("content-type", content_type).body(body);
        let answer: Value = request.send().await?.error_for_status()?.json().await?;
        assert_eq!(answer["content"], "Grüße & mehr", "{content_type}");
        assert_eq!(answer["thread_id"], json!(thread));
        let messages = board.messages(&thread).await?;
        assert_eq!(messages[0]["content"], "Grüße & mehr", "{content_type}");
        assert_eq!(messages[0]["metadata_"], serde_json::from_str::<Value>(metadata)?);
        assert_eq!(messages[1]["metadata_"]["run_id"], answer["run_id"]);
        assert_eq!(messages[1]["message_id"], answer["message_id"]);
    }
    board.server.stop().await
}

#[tokio::test]
async fn a_reply_is_one_flat_object_with_what_every_client_reads() -> Result<()> {
    let board = Board::start().await?;
    let answer = board
        .client
        .post(
            "/api/threads/messages",
            &json!({
                "content": "hello there", "assistant_id": board.assistant,
                "llm_provider": "openai", "model_name": "sim-echo", "memory_profile": "code",
            }),
        )
        .await?
        .body;
    assert_eq!(answer["status"], "COMPLETED");
    assert_eq!((&answer["role"], &answer["content"]), (&json!("assistant"), &json!("hello there")));
    assert_eq!(
        (&answer["model_provider"], &answer["model_name"]),
        (&json!("openai"), &json!("sim-echo"))
    );
    assert!(answer.get("messages").is_none(), "{answer}");
    assert_eq!(answer["assistant_id"], json!(board.assistant));
    assert_eq!(answer["latest_message"]["message_id"], answer["message_id"]);
    let total = answer["input_tokens"].as_u64().unwrap_or(0)
        + answer["output_tokens"].as_u64().unwrap_or(0);
    assert_eq!(answer["total_tokens"], json!(total));
    assert!(answer["cost_usd"].as_f64().is_some_and(|cost| cost > 0.0), "{answer}");
    let thread = text(&answer, "thread_id")?;
    let messages = board.messages(&thread).await?;
    assert_eq!(messages[1]["total_tokens"], answer["total_tokens"]);
    assert_eq!(messages[1]["status"], "COMPLETED");
    board.server.stop().await
}

#[tokio::test]
async fn what_is_told_in_one_thread_is_known_in_another_and_nowhere_else() -> Result<()> {
    let board = Board::start().await?;
    let thread = board.thread().await?;
    let told = board.say(&thread, FACT, json!({"memory": "Auto"})).await?.body;
    assert!(told["memory_operation_id"].is_string(), "{told}");
    let ask = json!({"memory": "readonly", "llm_provider": "anthropic", "model_name": "sim-quote"});
    let asked = board.say(&board.thread().await?, QUESTION, ask.clone()).await?.body;
    assert!(asked["content"].as_str().is_some_and(|said| said.contains("bassoon")), "{asked}");
    let memories = asked["retrieved_memories"].as_array().cloned().unwrap_or_default();
    assert!(memories.iter().any(|memory| memory["memory"] == FACT), "{asked}");
    assert_eq!(asked["memory_operation_id"], Value::Null);
    let off =
        board.say(&board.thread().await?, QUESTION, json!({"model_name": "sim-quote"})).await?;
    assert!(!off.body["content"].as_str().is_some_and(|said| said.contains("bassoon")));
    assert_eq!(off.body["retrieved_memories"], Value::Null);
    let stranger = board.client.post("/api/assistants", &json!({"name": "Stranger"})).await?.body;
    let body = json!({"assistant_id": stranger["assistant_id"], "content": QUESTION,
        "memory": "Auto", "llm_provider": "openai", "model_name": "sim-quote"});
    let answer = board.client.post("/api/threads/messages", &body).await?.body;
    assert!(!answer["content"].as_str().is_some_and(|said| said.contains("bassoon")), "{answer}");
    board.server.stop().await
}

#[tokio::test]
async fn a_message_that_nobody_is_asked_about_is_kept_and_dated() -> Result<()> {
    let board = Board::start().await?;
    let thread = board.thread().await?;
    let note = json!({"send_to_llm": "false", "memory": "Auto",
        "metadata": {"custom_timestamp": "2023-05-08T13:56:00"}});
    let noted = board.say(&thread, FACT, note).await?.body;
    assert_eq!((&noted["status"], &noted["content"]), (&json!("COMPLETED"), &json!(FACT)));
    assert!(noted["memory_operation_id"].is_string(), "{noted}");
    let messages = board.messages(&thread).await?;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["metadata_"]["custom_timestamp"], "2023-05-08T13:56:00");
    let path = format!("/backstay/v1/memories?assistant={}", board.assistant);
    let remembered = board.client.get(&path).await?.body;
    assert_eq!(remembered["data"][0]["said_at"], "2023-05-08T13:56:00Z");
    assert!(board.asked().is_empty(), "a model was called");
    board.server.stop().await
}

#[tokio::test]
async fn instructions_of_a_turn_come_before_the_assistants_own() -> Result<()> {
    let server = TestServer::start().await?;
    let board =
        Board::of(server, json!({"name": "Helper", "description": "You are terse."})).await?;
    let thread = board.thread().await?;
    board.say(&thread, "one", json!({})).await?;
    board.say(&thread, "two", json!({"system_prompt": "You are a poet."})).await?;
    board.say(&thread, "three", json!({"system_prompt": ""})).await?;
    let seen: Vec<Value> = board.asked().iter().map(|body| body["messages"][0].clone()).collect();
    let said: Vec<&str> = seen.iter().filter_map(|message| message["content"].as_str()).collect();
    assert_eq!(said, ["You are terse.", "You are a poet.", "You are terse."]);
    board.server.stop().await
}

#[tokio::test]
async fn a_provider_that_fails_is_told_in_the_reply_and_kept_in_the_thread() -> Result<()> {
    let board = Board::start().await?;
    let thread = board.thread().await?;
    let failing = json!({"model_name": "sim-echo!429", "memory": "Auto"});
    let failed = board.say(&thread, FACT, failing).await?;
    assert_eq!(failed.status.as_u16(), 200);
    assert_eq!(failed.body["status"], "FAILED");
    assert!(failed.body["content"].as_str().is_some_and(|said| said.starts_with("LLM Error")));
    assert_eq!(failed.body["error"]["code"], "upstream_rate_limited");
    assert_eq!(failed.body["memory_operation_id"], Value::Null, "nobody learns from it");
    let messages = board.messages(&thread).await?;
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(
        (&messages[0]["content"], &messages[0]["status"]),
        (&json!(FACT), &json!("COMPLETED"))
    );
    assert_eq!((&messages[1]["content"], &messages[1]["status"]), (&json!(""), &json!("FAILED")));
    assert_eq!(messages[1]["message_id"], failed.body["message_id"]);
    assert_eq!(messages[1]["metadata_"]["error"]["code"], "upstream_rate_limited");
    assert_eq!(messages[1]["metadata_"]["run_id"], failed.body["run_id"]);
    let client = board.server.member().with_header("x-backstay-errors", "http");
    let body = json!({"thread_id": thread, "content": "lost", "llm_provider": "openai",
        "model_name": "sim-echo!429"});
    let failed = client.post("/api/threads/messages", &body).await?;
    assert_eq!(failed.status.as_u16(), 429);
    assert!(failed.body["detail"].is_string(), "{failed:?}");
    board.server.stop().await
}

#[tokio::test]
async fn what_nobody_answered_is_in_the_next_prompt_and_not_in_memory() -> Result<()> {
    let board = Board::start().await?;
    let thread = board.thread().await?;
    board.say(&thread, FACT, json!({"model_name": "sim-echo!500", "memory": "Auto"})).await?;
    for (provider, model) in
        [("openai", "sim-echo"), ("anthropic", "sim-echo"), ("gemini", "sim-echo")]
    {
        let more = json!({"llm_provider": provider, "model_name": model, "memory": "Auto"});
        let answer = board.say(&thread, "Are you there?", more).await?.body;
        assert_eq!(answer["status"], "COMPLETED", "{answer}");
    }
    let prompt = board.asked().pop().unwrap_or_default()["messages"].clone();
    let said = prompt.to_string();
    assert_eq!(said.matches(FACT).count(), 1, "{prompt}");
    let elsewhere =
        board.say(&board.thread().await?, QUESTION, json!({"memory": "Readonly"})).await?;
    let recalled = elsewhere.body["retrieved_memories"].to_string();
    assert!(!recalled.contains("bassoon"), "{recalled}");
    board.server.stop().await
}

#[tokio::test]
async fn an_answer_that_says_nothing_is_kept_as_one() -> Result<()> {
    let board = Board::start().await?;
    let thread = board.thread().await?;
    let silence = json!({"choices": [{"message": {"role": "assistant", "content": ""},
        "finish_reason": "stop"}]});
    board.server.sim.script(Script::raw("sim-raw", vec![silence.to_string().into()]))?;
    let answer = board.say(&thread, "hello", json!({"model_name": "sim-raw"})).await?.body;
    assert_eq!((&answer["status"], &answer["content"]), (&json!("COMPLETED"), &json!("")));
    let messages = board.messages(&thread).await?;
    assert_eq!((messages.len(), &messages[1]["status"]), (2, &json!("COMPLETED")), "{messages:?}");
    board.server.stop().await
}

#[tokio::test]
async fn a_run_goes_on_when_its_client_leaves() -> Result<()> {
    let board = Board::start().await?;
    let thread = board.thread().await?;
    let body = json!({"thread_id": thread, "content": "hello", "llm_provider": "openai",
        "model_name": "sim-echo!first-byte-500"});
    let request = board.client.request(http::Method::POST, "/api/threads/messages").json(&body);
    let asked = |seen: &[RequestRecord]| seen.iter().any(|seen| !seen.body["messages"].is_null());
    tokio::select! {
        // The client leaves as soon as the model is asked.
        asked = board.server.sim.wait_for(ASKED_WITHIN, asked) => drop(asked?),
        answer = async { request.send().await?.bytes().await } => {
            anyhow::bail!("the answer came before the client left: {answer:?}");
        }
    }
    for _ in 0..POLLS_MAX {
        if board.messages(&thread).await?.len() == 2 {
            return board.server.stop().await;
        }
    }
    anyhow::bail!("the run did not go on");
}
