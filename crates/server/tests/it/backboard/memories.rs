//! Memories as statements: word for word, listed whole, searched, learned from turns, and emptied.

use anyhow::{Result, bail};
use backstay_testing::TestServer;
use serde_json::{Value, json};

use super::{Board, POLLS_MAX, text};

const FACT: &str = "My daughter Zuzana started playing the bassoon in March.";

async fn learning() -> Result<Board> {
    let section = "[memory.learning]\nidle_seconds = 600\nmodel = \"openai/sim-learn\"";
    let server = TestServer::builder().config(section).start().await?;
    let assistant = json!({"name": "Helper",
        "custom_fact_extraction_prompt": "Only what is said of instruments.",
        "custom_update_memory_prompt": "Newer facts win."});
    Board::of(server, assistant).await
}

impl Board {
    fn memories(&self) -> String {
        format!("/api/assistants/{}/memories", self.assistant)
    }

    /// An operation when it is over.
    async fn operation(&self, id: &str) -> Result<Value> {
        let path = format!("/api/assistants/memories/operations/{id}");
        for _ in 0..POLLS_MAX {
            let found = self.client.get(&path).await?.body;
            if !matches!(found["status"].as_str(), Some("PENDING" | "IN_PROGRESS")) {
                return Ok(found);
            }
        }
        bail!("the operation did not end")
    }
}

#[tokio::test]
async fn what_an_application_states_is_kept_byte_for_byte_and_listed_whole() -> Result<()> {
    let board = Board::start().await?;
    let file = format!("  {{\"a\": \"{}\"}}\n", "x".repeat(200_000));
    let path = board.memories();
    for content in [file.as_str(), "I Live In Ghent.", "i live in ghent"] {
        let body = json!({"content": content, "metadata": {"n": 1}});
        let added = board.client.post(&path, &body).await?;
        assert_eq!(added.status.as_u16(), 201);
        let one = format!("{path}/{}", text(&added.body, "memory_id")?);
        let read = board.client.get(&one).await?.body;
        assert_eq!(read["content"], content);
        assert_eq!(read["metadata"], json!({"n": 1}));
    }
    let all = board.client.get(&path).await?.body;
    assert_eq!(
        (&all["total_count"], all["memories"].as_array().map(Vec::len)),
        (&json!(3), Some(3))
    );
    let page = board.client.get(&format!("{path}?page=2&page_size=2")).await?.body;
    assert_eq!(
        (&page["total_pages"], page["memories"].as_array().map(Vec::len)),
        (&json!(2), Some(1))
    );
    let stats = board.client.get(&format!("{path}/stats")).await?.body;
    assert_eq!(stats["total_memories"], 3);
    let insights = board.client.get(&format!("{path}/insights")).await?.body;
    assert_eq!(insights["snapshot"]["totalMemories"], 3);
    board.server.stop().await
}

#[tokio::test]
async fn a_memory_is_changed_found_and_deleted_and_is_nobody_elses() -> Result<()> {
    let board = Board::start().await?;
    let path = board.memories();
    let added = board.client.post(&path, &json!({"content": FACT, "metadata": {"n": 1}})).await?;
    let one = format!("{path}/{}", text(&added.body, "memory_id")?);
    let search = json!({"query": "Which instrument does Zuzana play?", "limit": 3});
    let found = board.client.post(&format!("{path}/search"), &search).await?.body;
    assert_eq!(found["memories"][0]["content"], FACT, "{found}");
    assert!(found["memories"][0]["score"].is_number(), "{found}");
    let changed = board.client.put(&one, &json!({"content": "Zuzana plays the harp."})).await?.body;
    assert_eq!(
        (&changed["content"], &changed["metadata"]),
        (&json!("Zuzana plays the harp."), &json!({"n": 1}))
    );
    let other = board.client.post("/api/assistants", &json!({"name": "Other"})).await?.body;
    let foreign = one.replace(&board.assistant, &text(&other, "assistant_id")?);
    assert_eq!(board.client.get(&foreign).await?.status.as_u16(), 404);
    assert_eq!(board.client.delete(&foreign).await?.status.as_u16(), 404);
    for body in [json!({}), json!({"content": " "}), json!({"content": {"a": 1}})] {
        assert_eq!(board.client.post(&path, &body).await?.status.as_u16(), 400, "{body}");
    }
    assert_eq!(board.client.delete(&one).await?.body["success"], json!(true));
    assert_eq!(board.client.get(&one).await?.status.as_u16(), 404);
    board.server.stop().await
}

#[tokio::test]
async fn a_turn_is_learned_from_and_its_operation_says_what_came_of_it() -> Result<()> {
    let board = learning().await?;
    let thread = board.thread().await?;
    let told = board.say(&thread, FACT, json!({"memory": "Auto"})).await?.body;
    let operation = board.operation(&text(&told, "memory_operation_id")?).await?;
    assert_eq!(operation["status"], "COMPLETED", "{operation}");
    assert_eq!(operation["memory_ids"][0]["event"], "ADD", "{operation}");
    assert_eq!(operation["memory_ids"][0]["memory"], FACT);
    assert_eq!(operation["result_count"], 1);
    let listed = board.client.get(&board.memories()).await?.body;
    assert_eq!(listed["memories"][0]["id"], operation["memory_ids"][0]["id"]);
    let asked: Vec<String> = board
        .server
        .sim
        .requests()
        .iter()
        .filter(|seen| seen.body["model"] == "sim-learn")
        .filter_map(|seen| seen.body["messages"][0]["content"].as_str().map(str::to_owned))
        .collect();
    assert!(
        asked.iter().all(|rules| rules.contains("Only what is said of instruments.")
            && rules.contains("Newer facts win.")),
        "{asked:?}"
    );
    let unknown = "/api/assistants/memories/operations/0b0c7a52-3f63-4f3e-9a55-0a4f9a8a0b11";
    assert_eq!(board.client.get(unknown).await?.status.as_u16(), 404);
    board.server.stop().await
}

#[tokio::test]
async fn a_deleted_memory_is_not_recalled_in_any_form_and_its_thread_stays() -> Result<()> {
    let board = learning().await?;
    let thread = board.thread().await?;
    let told = board.say(&thread, FACT, json!({"memory": "Auto"})).await?.body;
    let operation = board.operation(&text(&told, "memory_operation_id")?).await?;
    let learned = text(&operation["memory_ids"][0], "id")?;
    let ask = json!({"memory": "Readonly"});
    let question = "Which instrument does Zuzana play?";
    let before = board.say(&board.thread().await?, question, ask.clone()).await?.body;
    assert!(before["retrieved_memories"].to_string().contains("bassoon"), "{before}");
    let path = format!("{}/{learned}", board.memories());
    assert_eq!(board.client.delete(&path).await?.body["success"], json!(true));
    let after = board.say(&board.thread().await?, question, ask).await?.body;
    assert!(!after["retrieved_memories"].to_string().contains("bassoon"), "{after}");
    assert_eq!(board.messages(&thread).await?[0]["content"], FACT);
    board.server.stop().await
}

#[tokio::test]
async fn reading_only_leaves_nothing_and_where_nobody_learns_it_is_over_at_once() -> Result<()> {
    let board = Board::start().await?;
    let thread = board.thread().await?;
    let read = board.say(&thread, FACT, json!({"memory": "Readonly"})).await?.body;
    assert_eq!(read["memory_operation_id"], Value::Null);
    let told = board.say(&thread, "I keep bees.", json!({"memory_pro": "Auto"})).await?.body;
    let operation = board.operation(&text(&told, "memory_operation_id")?).await?;
    assert_eq!(operation["status"], "COMPLETED");
    let path = format!("/backstay/v1/memories?assistant={}", board.assistant);
    let remembered = board.client.get(&path).await?.body;
    let texts: Vec<&Value> =
        remembered["data"].as_array().into_iter().flatten().map(|turn| &turn["text"]).collect();
    assert!(!texts.contains(&&json!(FACT)) && texts.contains(&&json!("I keep bees.")), "{texts:?}");
    board.server.stop().await
}

#[tokio::test]
async fn what_backboards_client_told_one_model_anthropics_client_hears_from_another() -> Result<()>
{
    let board = Board::start().await?;
    board.say(&board.thread().await?, FACT, json!({"memory": "Auto"})).await?;
    let client = board.server.member().with_header("x-backstay-assistant", board.assistant.clone());
    let body = json!({"model": "anthropic/sim-quote", "max_tokens": 200,
        "messages": [{"role": "user", "content": "Which instrument does Zuzana play?"}]});
    let answer = client.post("/v1/messages", &body).await?;
    assert!(answer.text().contains("bassoon"), "{answer:?}");
    board.server.stop().await
}

#[tokio::test]
async fn an_emptied_memory_knows_nothing_and_threads_stay() -> Result<()> {
    let board = Board::start().await?;
    let thread = board.thread().await?;
    board.say(&thread, FACT, json!({"memory": "Auto"})).await?;
    board.client.post(&board.memories(), &json!({"content": "Zuzana plays the harp."})).await?;
    let emptied = board.client.delete(&board.memories()).await?.body;
    assert_eq!(emptied["success"], json!(true));
    let ask = json!({"memory": "Readonly", "llm_provider": "anthropic", "model_name": "sim-quote"});
    let asked =
        board.say(&board.thread().await?, "Which instrument does Zuzana play?", ask).await?.body;
    assert_eq!(asked["retrieved_memories"], json!([]), "{asked}");
    assert_eq!(board.messages(&thread).await?[0]["content"], FACT);
    board.server.stop().await
}

#[tokio::test]
async fn an_answer_marks_the_memories_that_it_rests_on() -> Result<()> {
    let board = Board::start().await?;
    board.client.post(&board.memories(), &json!({"content": "Zuzana plays the bassoon."})).await?;
    let ask = json!({"memory": "Readonly", "memory_response_citation": "true",
        "llm_provider": "anthropic", "model_name": "sim-quote"});
    let asked =
        board.say(&board.thread().await?, "Which instrument does Zuzana play?", ask).await?.body;
    let memory = &asked["retrieved_memories"][0];
    assert_eq!((&memory["citation"], &memory["cited"]), (&json!("[1]"), &json!(true)), "{asked}");
    board.server.stop().await
}
