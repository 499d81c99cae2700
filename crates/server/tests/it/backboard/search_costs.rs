//! What searches of the web cost: rows of the ledger, in the budget of who asked, part of a run's cost.

use anyhow::{Context as _, Result};
use backstay_core::Money;
use backstay_testing::TestServer;
use serde_json::{Value, json};

use super::Board;
use crate::budgets::{budget_of, new_key};

const SEARXNG: &str = "[web_search]
service = \"searxng\"
base_url = \"{sim}/searxng\"
";
/// Nobody says what it takes for a search.
const TAVILY: &str = "[web_search]
service = \"tavily\"
base_url = \"{sim}/tavily\"
api_key = \"any\"
";
const PRICE: &str = "price_per_thousand = \"5.00\"\n";
const ASKED: &str = "Use the web_search tool for House Boats";

/// A board whose client has a key with a budget, and the key's id.
async fn on_a_budget(config: &str, dollars: &str) -> Result<(Board, String)> {
    let server = TestServer::builder().config(config).start().await?;
    let budgets = json!([{"period": "total", "limit": dollars}]);
    // A budget of which servers take slices counts what they hold for calls to come.
    let settings = json!({"name": "app", "budgets": budgets, "strict_budget": true});
    let (key, client) = new_key(&server, settings).await?;
    let board = Board::of(server, json!({"name": "Helper"})).await?;
    Ok((Board { client, ..board }, key))
}

impl Board {
    async fn searched(&self) -> Result<Value> {
        let more = json!({"web_search": "Auto"});
        Ok(self.say(&self.thread().await?, ASKED, more).await?.body)
    }

    /// The ledger's row of the search, and what all rows cost together; `None` when one is unknown.
    async fn entered(&self) -> Result<(Value, Option<Money>)> {
        let rows = self.server.member().get("/backstay/v1/generations").await?.body;
        let rows = rows["data"].as_array().context("no rows")?;
        let costs: Option<Vec<Money>> =
            rows.iter().map(|row| row["cost"].as_str().and_then(Money::parse_dollars)).collect();
        let search = rows.iter().find(|row| row["requested_model"] == "web_search");
        Ok((search.context("no search")?.clone(), costs.and_then(Money::sum)))
    }
}

fn said(answer: &Value) -> &str {
    answer["content"].as_str().unwrap_or_default()
}

fn number(money: Money) -> Option<f64> {
    money.to_string().parse().ok()
}

#[tokio::test]
async fn a_search_is_a_row_of_the_ledger_and_counts_with_its_run_and_its_key() -> Result<()> {
    let (board, key) = on_a_budget(&format!("{SEARXNG}{PRICE}"), "1").await?;
    let answer = board.searched().await?;
    assert!(said(&answer).contains("Result 1 says of"), "{answer}");
    let (search, all) = board.entered().await?;
    let all = all.context("a cost is unknown")?;
    let found = [&search["status"], &search["provider"], &search["cost"], &search["key"]];
    assert_eq!(found, ["completed", "searxng", "0.005", key.as_str()], "{search}");
    assert_eq!(search["usage"]["web_searches"], 1, "{search}");
    assert_eq!(search["attempts"][0]["lines"][0]["class"], "web_search", "{search}");
    assert_eq!(answer["cost_usd"].as_f64(), number(all), "{answer}");
    assert_eq!(budget_of(&board.server, &key).await?, (all.picodollars(), 0));

    let path = "/backstay/v1/ledger/summary?group_by=provider";
    let sums = board.server.member().get(path).await?.body;
    let sums = sums["data"].as_array().context("no sums")?;
    let sum = sums.iter().find(|sum| sum["group"] == "searxng").context("no sum")?;
    assert_eq!((&sum["requests"], &sum["cost"]), (&json!(1), &json!("0.005")), "{sum}");
    let used = board.client.get("/api/billing/usage/recent").await?.body;
    let row = json!({"date": "2026-03-01", "model": "searxng/web_search", "input_tokens": 0,
        "output_tokens": 0, "vector_reads": 0, "vector_cost_usd": 0.0, "memory_write_cost_usd": 0.0,
        "credit_type": "regular", "amount_deducted_usd": 0.005});
    assert!(used["data"].as_array().is_some_and(|rows| rows.contains(&row)), "{used}");
    board.server.clock.advance_ms(24 * 3_600_000);
    let activity = board.server.member().get("/api/v1/activity").await?.body;
    let lines = activity["data"].as_array().context("no activity")?;
    let line = lines.iter().find(|line| line["endpoint_id"] == "searxng/web_search");
    let line = line.context("no search in the activity")?;
    assert_eq!((&line["requests"], &line["usage"]), (&json!(1), &json!(0.005)), "{line}");
    board.server.stop().await
}

#[tokio::test]
async fn where_nobody_says_what_a_search_costs_the_cost_of_its_run_is_unknown() -> Result<()> {
    let server = TestServer::builder().config(TAVILY).start().await?;
    let board = Board::of(server, json!({"name": "Helper"})).await?;
    let answer = board.searched().await?;
    assert!(said(&answer).contains("Result 1 says of"), "{answer}");
    let (search, all) = board.entered().await?;
    assert_eq!((&search["status"], &search["cost"]), (&json!("completed"), &Value::Null));
    assert_eq!((all, &answer["cost_usd"]), (None, &Value::Null), "{answer}");
    board.server.stop().await
}

#[tokio::test]
async fn a_key_with_a_budget_does_not_search_for_an_unknown_price() -> Result<()> {
    let (board, _) = on_a_budget(TAVILY, "1").await?;
    let answer = board.searched().await?;
    assert!(said(&answer).contains("web_search.price_per_thousand"), "{answer}");
    assert!(answer["cost_usd"].as_f64().is_some_and(|cost| cost > 0.0), "{answer}");
    board.server.stop().await
}

#[tokio::test]
async fn a_search_engine_of_ones_own_costs_nothing() -> Result<()> {
    let (board, _) = on_a_budget(SEARXNG, "1").await?;
    let answer = board.searched().await?;
    assert!(said(&answer).contains("Result 1 says of"), "{answer}");
    let (search, all) = board.entered().await?;
    assert_eq!(
        search["cost"].as_str().and_then(Money::parse_dollars),
        Some(Money::ZERO),
        "{search}"
    );
    assert_eq!(answer["cost_usd"].as_f64(), all.and_then(number), "{answer}");
    board.server.stop().await
}

#[tokio::test]
async fn an_exhausted_budget_refuses_the_search_and_the_model_is_told() -> Result<()> {
    let dear = format!("{SEARXNG}price_per_thousand = \"2000\"\n");
    let (board, key) = on_a_budget(&dear, "1").await?;
    let answer = board.searched().await?;
    assert_eq!(answer["status"], "COMPLETED", "{answer}");
    assert!(said(&answer).contains("budget"), "{answer}");
    assert!(board.entered().await.is_err(), "nothing was asked, and nothing is entered");
    let spent = Money::from_picodollars(budget_of(&board.server, &key).await?.0);
    assert_eq!(answer["cost_usd"].as_f64(), number(spent), "{answer}");
    let asked = board.server.sim.requests();
    assert!(!asked.iter().any(|seen| seen.path.contains("searxng")), "the service was asked");
    board.server.stop().await
}

#[tokio::test]
async fn a_search_that_a_service_refuses_is_entered_as_failed_and_costs_nothing() -> Result<()> {
    let tavily =
        "[web_search]\nservice = \"tavily\"\nbase_url = \"{sim}/tavily\"\napi_key = \"spent\"\n";
    let (board, key) = on_a_budget(&format!("{tavily}{PRICE}"), "1").await?;
    let answer = board.searched().await?;
    assert!(said(&answer).contains("tavily refused a web search"), "{answer}");
    let (search, all) = board.entered().await?;
    let found = [&search["status"], &search["provider"], &search["error_code"]];
    assert_eq!(found, ["failed", "tavily", "upstream_rate_limited"], "{search}");
    assert_eq!(
        (&search["cost"], &search["attempts"][0]["http_status"]),
        (&json!("0"), &json!(429))
    );
    let all = all.context("a cost is unknown")?;
    assert_eq!(answer["cost_usd"].as_f64(), number(all), "{answer}");
    assert_eq!(budget_of(&board.server, &key).await?, (all.picodollars(), 0));
    board.server.stop().await
}
