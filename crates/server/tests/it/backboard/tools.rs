//! Tools that the client carries out: runs that wait, go on, and are cancelled.

use anyhow::Result;
use serde_json::{Value, json};

use super::{Board, text, weather};

const ASK: &str = "Use the weather tool for Lisbon";

/// A thread whose run waits, the run, and its call.
async fn waiting(board: &Board) -> Result<(String, String, String)> {
    let thread = board.thread().await?;
    let asked = board.say(&thread, ASK, json!({"tools": weather()})).await?.body;
    assert_eq!(asked["status"], "REQUIRES_ACTION", "{asked}");
    let call = &asked["tool_calls"][0];
    assert_eq!((&call["type"], &call["function"]["name"]), (&json!("function"), &json!("weather")));
    assert!(call["function"]["arguments"].is_string(), "{call}");
    Ok((thread, text(&asked, "run_id")?, text(call, "id")?))
}

fn output(call: &str) -> Value {
    json!({"tool_outputs": [{"tool_call_id": call, "output": "sunny, 21 degrees"}]})
}

#[tokio::test]
async fn outputs_go_to_the_run_by_name_or_to_the_one_that_waits() -> Result<()> {
    let board = Board::start().await?;
    for by_name in [true, false] {
        let (thread, run, call) = waiting(&board).await?;
        let messages = board.messages(&thread).await?;
        assert_eq!(messages[1]["status"], "REQUIRES_ACTION");
        assert_eq!(messages[1]["metadata_"]["tool_calls"][0]["id"], json!(call));
        assert_eq!(messages[1]["metadata_"]["run_id"], json!(run));
        let mut body = output(&call);
        let path = match by_name {
            true => format!("/api/threads/{thread}/runs/{run}/submit-tool-outputs?stream=false"),
            false => {
                body["thread_id"] = json!(thread);
                "/api/threads/tool-outputs".to_owned()
            }
        };
        let answer = board.client.post(&path, &body).await?.body;
        assert_eq!(
            (&answer["status"], &answer["run_id"]),
            (&json!("COMPLETED"), &json!(run)),
            "{answer}"
        );
        assert!(answer["content"].as_str().is_some_and(|said| said.contains("sunny")), "{answer}");
        let messages = board.messages(&thread).await?;
        let roles: Vec<&str> =
            messages.iter().filter_map(|message| message["role"].as_str()).collect();
        assert_eq!(roles, ["user", "assistant", "tool", "assistant"]);
        assert_eq!(messages[1]["status"], "COMPLETED");
        assert_eq!(messages[2]["metadata_"]["tool_call_id"], json!(call));
        assert_eq!(messages[2]["content"], "sunny, 21 degrees");
    }
    board.server.stop().await
}

#[tokio::test]
async fn a_streamed_run_ends_when_it_needs_tools_and_continues_with_their_outputs() -> Result<()> {
    let board = Board::start().await?;
    let body = json!({"assistant_id": board.assistant, "content": ASK, "stream": true,
        "tools": weather(), "llm_provider": "anthropic", "model_name": "sim-echo"});
    let asked = board.client.stream("/api/threads/messages", &body).await?.events;
    let end = &asked[asked.len() - 1];
    assert_eq!(end["type"], "tool_submit_required");
    assert!(asked.iter().any(|event| event["type"] == "tool_call_ready"), "{asked:?}");
    let call = text(&end["tool_calls"][0], "id")?;
    let (thread, run) = (text(end, "thread_id")?, text(end, "run_id")?);
    let path = format!("/api/threads/{thread}/runs/{run}/submit-tool-outputs?stream=true");
    let went_on = board.client.stream(&path, &output(&call)).await?.events;
    assert_eq!(went_on[0]["type"], "run_continuing");
    let end = &went_on[went_on.len() - 1];
    assert_eq!((&end["type"], &end["run_id"]), (&json!("run_ended"), &json!(run)));
    board.server.stop().await
}

#[tokio::test]
async fn parallel_calls_are_answered_together_and_with_nothing_else() -> Result<()> {
    let board = Board::start().await?;
    let thread = board.thread().await?;
    let said = "Call weather for both Lisbon and Porto in parallel";
    let asked = board.say(&thread, said, json!({"tools": weather()})).await?.body;
    let calls = asked["tool_calls"].as_array().cloned().unwrap_or_default();
    assert_eq!(calls.len(), 2, "{asked}");
    let path =
        format!("/api/threads/{thread}/runs/{}/submit-tool-outputs", text(&asked, "run_id")?);
    let outputs = |ids: &[&Value]| -> Value {
        let outputs = ids.iter().map(|id| json!({"tool_call_id": id, "output": {"degrees": 21}}));
        json!({"tool_outputs": outputs.collect::<Vec<_>>()})
    };
    let (first, second, unknown) = (&calls[0]["id"], &calls[1]["id"], &json!("call_none"));
    for wrong in [
        outputs(&[first]),
        outputs(&[first, unknown]),
        outputs(&[first, second, unknown]),
        json!({}),
    ] {
        let refused = board.client.post(&path, &wrong).await?;
        assert_eq!(refused.status.as_u16(), 400, "{refused:?}");
        assert!(refused.body["detail"].is_string(), "{refused:?}");
    }
    let answer = board.client.post(&path, &outputs(&[second, first])).await?.body;
    assert_eq!(answer["status"], "COMPLETED", "{answer}");
    assert_eq!(board.messages(&thread).await?.len(), 5);
    board.server.stop().await
}

#[tokio::test]
async fn a_run_takes_its_outputs_once_and_only_in_its_own_thread() -> Result<()> {
    let board = Board::start().await?;
    let (thread, run, call) = waiting(&board).await?;
    let other = board.thread().await?;
    let submit =
        |thread: &str, run: &str| format!("/api/threads/{thread}/runs/{run}/submit-tool-outputs");
    let foreign = board.client.post(&submit(&other, &run), &output(&call)).await?;
    let unknown = board.client.post(&submit(&thread, "run_none"), &output(&call)).await?;
    assert_eq!((foreign.status.as_u16(), unknown.status.as_u16()), (404, 404));
    let body = json!({"thread_id": other, "tool_outputs": output(&call)["tool_outputs"]});
    let none_waits = board.client.post("/api/threads/tool-outputs", &body).await?;
    assert_eq!(none_waits.status.as_u16(), 400);
    assert_eq!(
        board.client.post(&submit(&thread, &run), &output(&call)).await?.status.as_u16(),
        200
    );
    let second = board.client.post(&submit(&thread, &run), &output(&call)).await?;
    assert_eq!(second.status.as_u16(), 400);
    assert!(second.body["detail"].as_str().is_some_and(|detail| detail.contains("completed")));
    assert_eq!(board.messages(&thread).await?.len(), 4);
    board.server.stop().await
}

#[tokio::test]
async fn a_waiting_run_is_cancelled_by_its_client_or_by_the_next_message() -> Result<()> {
    let board = Board::start().await?;
    let (thread, run, call) = waiting(&board).await?;
    let cancel = format!("/api/threads/{thread}/runs/{run}/cancel");
    let cancelled = board.client.post_text(&cancel, "").await?.body;
    assert_eq!(cancelled, json!({"thread_id": thread, "run_id": run, "cancelled": true}));
    assert_eq!(board.client.post_text(&cancel, "").await?.body["cancelled"], json!(false));
    assert_eq!(board.messages(&thread).await?[1]["status"], "CANCELLED");
    let path = format!("/api/threads/{thread}/runs/{run}/submit-tool-outputs");
    assert_eq!(board.client.post(&path, &output(&call)).await?.status.as_u16(), 400);

    let (thread, _, _) = waiting(&board).await?;
    let answer = board.say(&thread, "Never mind.", json!({})).await?.body;
    assert_eq!(answer["status"], "COMPLETED", "{answer}");
    let roles: Vec<Value> =
        board.messages(&thread).await?.iter().map(|message| message["role"].clone()).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "user", "assistant"]);
    board.server.stop().await
}

#[tokio::test]
async fn a_run_whose_model_fails_may_be_gone_on_with() -> Result<()> {
    use backstay_testing::sim::{Fault, Script};
    let board = Board::start().await?;
    let (thread, run, call) = waiting(&board).await?;
    board.server.sim.script(Script::first("sim-echo", 9, Fault::ServerError))?;
    let path = format!("/api/threads/{thread}/runs/{run}/submit-tool-outputs");
    let failed = board.client.post(&path, &output(&call)).await?.body;
    assert_eq!(failed["status"], "FAILED", "{failed}");
    assert_eq!(board.messages(&thread).await?.len(), 2);
    let mut answer = Value::Null;
    for _ in 0..9 {
        answer = board.client.post(&path, &output(&call)).await?.body;
        if answer["status"] == "COMPLETED" {
            break;
        }
    }
    assert_eq!(answer["status"], "COMPLETED", "{answer}");
    board.server.stop().await
}
