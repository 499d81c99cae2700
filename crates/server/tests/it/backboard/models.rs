//! The model library, and what there is none of.

use anyhow::Result;
use serde_json::json;

use super::Board;

#[tokio::test]
async fn models_are_listed_filtered_and_found_by_either_name() -> Result<()> {
    let board = Board::start().await?;
    let get = async |path: &str| board.client.get(path).await;
    let all = get("/api/models?limit=15000").await?.body;
    let total = all["total"].as_u64().unwrap();
    assert_eq!(all["models"].as_array().unwrap().len() as u64, total.min(500));
    for model in all["models"].as_array().unwrap() {
        let is_whole = model["name"].is_string()
            && model["provider"].is_string()
            && model["model_type"].is_string()
            && model["context_limit"].is_u64();
        assert!(is_whole, "{model}");
    }
    let of_openai = get("/api/models/provider/OpenAI").await?.body;
    let echo = of_openai["models"].as_array().unwrap().iter().find(|m| m["name"] == "sim-echo");
    let echo = echo.unwrap();
    assert_eq!((&echo["provider"], &echo["model_type"]), (&json!("openai"), &json!("llm")));
    assert_eq!(echo["input_cost_per_1m_tokens"], 1.0);
    let filtered =
        get("/api/models?provider=openai&model_type=LLM&supports_tools=True&skip=1").await?;
    assert_eq!(filtered.body["total"], of_openai["total"]);
    let shown = filtered.body["models"].as_array().unwrap().len() as u64;
    assert_eq!(shown, of_openai["total"].as_u64().unwrap() - 1);
    for name in ["openai/sim-echo", "sim-echo"] {
        assert_eq!(get(&format!("/api/models/{name}")).await?.body["name"], "sim-echo", "{name}");
    }
    let unknown = get("/api/models/no/such/model").await?;
    assert_eq!(
        (unknown.status.as_u16(), &unknown.body["detail"]),
        (404, &json!("Model not found"))
    );
    let providers = get("/api/models/providers").await?.body;
    let names = providers["providers"].as_array().unwrap();
    assert!(names.contains(&json!("openai")) && names.contains(&json!("anthropic")));
    assert_eq!(providers["total"].as_u64().unwrap(), names.len() as u64);
    let wrong = get("/api/models?min_context=much").await?;
    assert_eq!(wrong.status.as_u16(), 400);
    board.server.stop().await
}

#[tokio::test]
async fn thinking_says_which_of_its_fields_a_model_takes() -> Result<()> {
    let board = Board::start().await?;
    let path = "/api/models/thinking-metadata?provider=openai&model=sim-echo";
    let found = board.client.get(path).await?.body;
    assert_eq!((&found["provider"], &found["model"]), (&json!("openai"), &json!("sim-echo")));
    let controls = &found["thinking_controls"];
    assert_eq!(controls["supported"], found["supports_thinking"]);
    assert!(controls["allowed_fields"].is_array(), "{found}");
    let missing = board.client.get("/api/models/thinking-metadata").await?;
    assert_eq!(missing.status.as_u16(), 400);
    board.server.stop().await
}

#[tokio::test]
async fn there_are_no_models_of_pictures_and_films() -> Result<()> {
    let board = Board::start().await?;
    for path in ["image/all", "video/all"] {
        let list = board.client.get(&format!("/api/models/{path}")).await?;
        assert_eq!(list.body, json!({"models": [], "total": 0}), "{path}");
    }
    let providers = board.client.get("/api/models/image/providers").await?.body;
    assert_eq!(providers, json!({"providers": [], "total": 0}));
    for path in ["image/openai/dall-e-3", "video/any"] {
        let one = board.client.get(&format!("/api/models/{path}")).await?;
        assert_eq!(one.status.as_u16(), 404, "{path}");
    }
    board.server.stop().await
}

#[tokio::test]
async fn what_was_used_is_summed_by_day_and_model() -> Result<()> {
    let board = Board::start().await?;
    let thread = board.thread().await?;
    board.say(&thread, "one two three", json!({})).await?;
    let path = "/api/billing/usage/recent?page_size=1";
    let found = board.client.get(path).await?.body;
    let row = &found["data"][0];
    assert_eq!((&row["date"], &row["model"]), (&json!("2026-03-01"), &json!("openai/sim-echo")));
    assert!(row["output_tokens"].as_u64().unwrap() > 0, "{row}");
    assert!(row["amount_deducted_usd"].as_f64().unwrap() > 0.0, "{row}");
    let pagination = json!({"page": 1, "page_size": 1, "total": 1, "total_pages": 1});
    assert_eq!(found["pagination"], pagination);
    assert_eq!(board.client.get(&format!("{path}&page=2")).await?.body["data"], json!([]));
    board.server.stop().await
}
