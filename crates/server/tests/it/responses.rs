//! OpenAI's Responses over every wire format, with a memory by thread, and the older completions.

use anyhow::Result;
use backstay_testing::TestServer;
use serde_json::{Value, json};

const PATH: &str = "/v1/responses";
const PROVIDERS: [&str; 3] = ["openai", "anthropic", "gemini"];

fn text(response: &Value) -> String {
    let items = response["output"].as_array().map(Vec::as_slice).unwrap_or_default();
    let parts = items.iter().filter_map(|item| item["content"].as_array()).flatten();
    parts.filter_map(|part| part["text"].as_str()).collect()
}

#[tokio::test]
async fn a_stream_tells_what_the_whole_response_says_in_openais_order_of_events() -> Result<()> {
    let server = TestServer::start().await?;
    for provider in PROVIDERS {
        let body = json!({"model": format!("{provider}/sim-echo"), "input": "one two",
            "instructions": "Repeat.", "metadata": {"k": "v"}, "max_output_tokens": 50});
        let whole = server.member().post(PATH, &body).await?;
        assert_eq!(whole.status.as_u16(), 200, "{whole:?}");
        assert_eq!(
            (text(&whole.body), &whole.body["status"]),
            ("one two".into(), &json!("completed"))
        );
        assert_eq!(whole.body["metadata"], json!({"k": "v"}));
        assert!(whole.body["usage"]["input_tokens"].as_u64() > Some(0), "{whole:?}");
        let mut streamed = body.clone();
        streamed["stream"] = json!(true);
        let stream = server.member().stream(PATH, &streamed).await?;
        let kinds: Vec<&str> =
            stream.events.iter().filter_map(|event| event["type"].as_str()).collect();
        let deltas = kinds.iter().filter(|kind| **kind == "response.output_text.delta").count();
        assert!(deltas > 0);
        let mut expected = vec![
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
        ];
        expected.extend(vec!["response.output_text.delta"; deltas]);
        expected.extend([
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]);
        assert_eq!(kinds, expected);
        let last = &stream.events[stream.events.len() - 1]["response"];
        assert_eq!((text(last), &last["usage"]), (text(&whole.body), &whole.body["usage"]));
    }
    server.stop().await
}

async fn ask(server: &TestServer, input: &str, previous: Option<&Value>) -> Result<Value> {
    let body =
        json!({"model": "openai/sim-quote", "input": input, "previous_response_id": previous});
    let answer = server.member().post(PATH, &body).await?;
    assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
    Ok(answer.body)
}

fn last_messages(server: &TestServer) -> Vec<String> {
    let sent = server.sim.requests().pop().map(|request| request.body).unwrap_or_default();
    let messages = sent["messages"].as_array().cloned().unwrap_or_default();
    messages.iter().filter_map(|one| Some(one["content"].as_str()?.to_owned())).collect()
}

#[tokio::test]
async fn a_call_goes_on_from_any_earlier_answer_and_sees_only_what_led_to_it() -> Result<()> {
    let server = TestServer::start().await?;
    let first = ask(&server, "The key hangs behind the barometer.", None).await?;
    let left = ask(&server, "The left branch.", Some(&first["id"])).await?;
    assert_eq!(left["previous_response_id"], first["id"]);
    let right = ask(&server, "The right branch.", Some(&first["id"])).await?;
    let seen = last_messages(&server);
    assert!(
        seen[0].contains("barometer") && seen.last().is_some_and(|text| text.contains("right"))
    );
    assert!(!seen.iter().any(|text| text.contains("left")), "{seen:?}");
    ask(&server, "Deeper.", Some(&left["id"])).await?;
    let seen = last_messages(&server);
    assert_eq!(seen.len(), 5, "{seen:?}");
    assert!(!seen.iter().any(|text| text.contains("right")), "{seen:?}");
    let server = server.restart().await?;
    ask(&server, "And here?", Some(&right["id"])).await?;
    assert!(last_messages(&server).iter().any(|text| text.contains("right branch")));
    server.stop().await
}

#[tokio::test]
async fn a_kept_response_is_read_listed_and_deleted() -> Result<()> {
    let server = TestServer::start().await?;
    let member = server.member();
    let body = json!({"model": "openai/sim-echo", "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "one two"}]}]});
    let told = member.post(PATH, &body).await?.body;
    let id = told["id"].as_str().unwrap_or_default().to_owned();
    let path = format!("{PATH}/{id}");
    let mut kept = member.get(&path).await?.body;
    kept["output"][0]["content"][0]["logprobs"] = json!([]);
    assert_eq!(kept, told);
    let items = member.get(&format!("{path}/input_items")).await?.body;
    assert_eq!(items["data"][0]["content"][0]["text"], "one two", "{items}");
    let deleted = member.delete(&path).await?;
    assert_eq!(deleted.body["deleted"], true, "{deleted:?}");
    for path in [path.clone(), format!("{path}/input_items"), format!("{PATH}/resp_none")] {
        let gone = member.get(&path).await?;
        assert_eq!((gone.status.as_u16(), &gone.body["error"]["code"]), (404, &json!("not_found")));
    }
    let on = json!({"model": "openai/sim-echo", "input": "x", "previous_response_id": id});
    let refused = member.post(PATH, &on).await?;
    assert_eq!(refused.status.as_u16(), 404);
    assert_eq!(refused.body["error"]["param"], "previous_response_id");
    assert_eq!(member.get("/backstay/v1/threads").await?.body["data"], json!([]));
    server.stop().await
}

#[tokio::test]
async fn what_is_not_stored_leaves_nothing_and_can_still_go_on_from_what_is() -> Result<()> {
    let server = TestServer::start().await?;
    let first = ask(&server, "The key hangs behind the barometer.", None).await?;
    let body = json!({"model": "openai/sim-echo", "input": "x", "store": false, "stream": true,
        "previous_response_id": first["id"]});
    let stream = server.member().stream(PATH, &body).await?;
    assert!(last_messages(&server)[0].contains("barometer"));
    let response = &stream.events[stream.events.len() - 1]["response"];
    let gone = format!("{PATH}/{}", response["id"].as_str().unwrap_or_default());
    assert_eq!(server.member().get(&gone).await?.status.as_u16(), 404);
    let threads = server.member().get("/backstay/v1/threads").await?.body;
    assert_eq!(threads["data"][0]["messages"], 2, "{threads}");
    server.stop().await
}

#[tokio::test]
async fn tools_go_round_and_a_failure_ends_in_a_failed_response() -> Result<()> {
    let server = TestServer::start().await?;
    let tool = json!({"type": "function", "name": "get_weather", "parameters":
        {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}});
    for provider in PROVIDERS {
        let model = format!("{provider}/sim-echo");
        let body = json!({"model": model, "input": "What is the weather in Oslo?",
            "tools": [tool, {"type": "web_search"}], "backstay": {"memory": "off"}});
        let asked = server.member().post(PATH, &body).await?.body;
        let call = &asked["output"][0];
        assert_eq!(
            (&call["type"], &call["name"]),
            (&json!("function_call"), &json!("get_weather"))
        );
        assert_eq!(asked["backstay"]["dropped_parameters"], json!(["tools[1]"]), "{asked}");
        let body = json!({"model": model, "previous_response_id": asked["id"], "tools": [tool],
            "input": [{"type": "function_call_output", "call_id": call["call_id"],
                "output": "4 degrees"}]});
        let answer = server.member().post(PATH, &body).await?.body;
        assert!(text(&answer).contains("4 degrees"), "{answer}");
        let body = json!({"model": format!("{model}!reset-after-1"), "input": "one two three",
            "stream": true});
        let stream = server.member().stream(PATH, &body).await?;
        let last = &stream.events[stream.events.len() - 1];
        assert_eq!(last["type"], "response.failed", "{last}");
        assert_eq!(last["response"]["error"]["code"], "server_error");
    }
    let wrong = json!({"model": "openai/sim-echo", "input": [{"role": "nobody", "content": "x"}]});
    let refused = server.member().post(PATH, &wrong).await?;
    assert_eq!(refused.body["error"]["param"], "input[0].role", "{refused:?}");
    server.stop().await
}

#[tokio::test]
async fn older_completions_are_answered_as_text() -> Result<()> {
    let server = TestServer::start().await?;
    for path in ["/v1/completions", "/api/v1/completions"] {
        for provider in PROVIDERS {
            let mut body = json!({"model": format!("{provider}/sim-echo"), "prompt": ["one two"],
                "echo": true, "max_tokens": 20});
            let whole = server.member().post(path, &body).await?.body;
            assert_eq!(whole["object"], "text_completion", "{whole}");
            assert_eq!(whole["choices"][0]["text"], "one twoone two", "{whole}");
            assert_eq!(whole["usage"].get("cost").is_some(), path.starts_with("/api"), "{whole}");
            body["stream"] = json!(true);
            let stream = server.member().stream(path, &body).await?;
            let texts = stream.events.iter().map(|event| &event["choices"][0]["text"]);
            let said: String = texts.filter_map(Value::as_str).collect();
            assert_eq!(said, "one twoone two");
        }
    }
    let body = json!({"model": "openai/sim-echo", "prompt": "one two", "logprobs": 1});
    let logprobs =
        &server.member().post("/v1/completions", &body).await?.body["choices"][0]["logprobs"];
    assert_eq!(logprobs["text_offset"], json!([0, 4]), "{logprobs}");
    assert_eq!(logprobs["tokens"].as_array().map(Vec::len), Some(2));
    server.stop().await
}
