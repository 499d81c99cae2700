//! A run as it goes on: server-sent events in the order that clients know, or one JSON object with blanks
//! before it while its client waits.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{body::Body, http::Response};
use backstay_core::{Clock, Error};
use backstay_engine::{Run, RunEnd, RunEvent, RunStatus};
use bytes::Bytes;
use futures::{Stream, stream};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::{
    ids::shown,
    reply::{self, RunNames},
};
use crate::api::answer::form_headers;

/// Clients give up when they hear nothing for half a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
const COMMENT: &[u8] = b": ping\n\n";

/// The run's answer in one object.
pub(super) fn whole(run: Run, names: RunNames, clock: &Clock) -> Response<Body> {
    let mut response =
        Response::new(Body::from_stream(blanks_then_object(run, names, clock.clone())));
    *response.headers_mut() = form_headers(false);
    response
}

fn blanks_then_object(
    run: Run,
    names: RunNames,
    clock: Clock,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    stream::unfold(Some(run.events), move |events| {
        let (names, clock) = (names.clone(), clock.clone());
        async move {
            let mut events = events?;
            match tokio::time::timeout(KEEP_ALIVE, end(&mut events)).await {
                Err(_) => Some((Ok(Bytes::from_static(b" ")), Some(events))),
                Ok(end) => {
                    let end = end.unwrap_or_else(|| stopped(&clock));
                    let body = reply::of_end(&names, &end, &clock).to_string();
                    Some((Ok(Bytes::from(body)), None))
                }
            }
        }
    })
}

/// How the run ended; `None` when the server stopped before.
pub(super) async fn end(events: &mut mpsc::Receiver<RunEvent>) -> Option<RunEnd> {
    while let Some(event) = events.recv().await {
        if let RunEvent::Ended(end) = event {
            return Some(*end);
        }
    }
    None
}

pub(super) fn stopped(clock: &Clock) -> RunEnd {
    let message = "the server stopped before the answer was complete; ask again";
    let error = Error::new(backstay_core::ErrorCode::ShuttingDown, message);
    RunEnd::failed(error, clock.now())
}

/// The run's events as they come.
pub(super) fn events(run: Run, names: RunNames, clock: &Clock) -> Response<Body> {
    let writing = Writing {
        events: run.events,
        waiting: VecDeque::from(opening(&names)),
        content: String::new(),
        reasoning: String::new(),
        is_over: false,
        names,
        clock: clock.clone(),
    };
    let pieces = stream::unfold(writing, |mut writing| async move {
        let bytes = writing.next().await?;
        Some((Ok::<_, Infallible>(bytes), writing))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    *response.headers_mut() = form_headers(true);
    response
}

/// The one event of a message that nobody was asked to answer.
pub(super) fn saved(noted: Value) -> Response<Body> {
    let mut body = noted;
    body["type"] = json!("message_saved");
    let mut response = Response::new(Body::from(line(&body)));
    *response.headers_mut() = form_headers(true);
    response
}

fn line(event: &Value) -> Bytes {
    Bytes::from(format!("data: {event}\n\n"))
}

fn opening(names: &RunNames) -> Vec<Value> {
    match &names.asked {
        Some((id, text)) => vec![
            event(names, "message_received", json!({"phase": "received"})),
            event(
                names,
                "user_message",
                json!({"message_id": shown!(id), "role": "user", "content": text}),
            ),
        ],
        None => vec![event(
            names,
            "run_continuing",
            json!({"run_id": names.run, "phase": "tool_outputs_submitted"}),
        )],
    }
}

/// Every event says where it belongs.
fn event(names: &RunNames, kind: &str, members: Value) -> Value {
    let mut event = Map::from_iter([("type".to_owned(), json!(kind))]);
    if let Value::Object(members) = members {
        event.extend(members);
    }
    event.insert("thread_id".to_owned(), json!(shown!(names.thread)));
    event.insert("assistant_id".to_owned(), json!(shown!(names.assistant)));
    Value::Object(event)
}

struct Writing {
    events: mpsc::Receiver<RunEvent>,
    waiting: VecDeque<Value>,
    content: String,
    reasoning: String,
    is_over: bool,
    names: RunNames,
    clock: Clock,
}

impl Writing {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(line(&event));
            }
            if self.is_over {
                return None;
            }
            match tokio::time::timeout(KEEP_ALIVE, self.events.recv()).await {
                Err(_) => return Some(Bytes::from_static(COMMENT)),
                Ok(Some(event)) => self.tell(event),
                Ok(None) => self.close(&stopped(&self.clock)),
            }
        }
    }

    fn push(&mut self, kind: &str, members: Value) {
        self.waiting.push_back(event(&self.names, kind, members));
    }

    fn tell(&mut self, told: RunEvent) {
        match told {
            RunEvent::Started { provider, model, recalled } => {
                if self.names.recalls {
                    let memories = reply::memories(&recalled, None);
                    self.push("memory_retrieved", json!({"memories": memories}));
                }
                let (run, answer) = (self.names.run.clone(), shown!(self.names.answer));
                self.push(
                    "run_started",
                    json!({
                        "run_id": run, "message_id": answer, "provider": provider,
                        "model_name": model,
                    }),
                );
                self.push("message_start", json!({"message_id": answer, "run_id": run}));
            }
            RunEvent::Reasoning(text) => {
                self.reasoning.push_str(&text);
                let members = json!({"content": text, "accumulated_reasoning": self.reasoning});
                self.push("reasoning_streaming", members);
            }
            RunEvent::ReasoningEnded => self.push("reasoning_ended", json!({})),
            RunEvent::Text(text) => {
                self.content.push_str(&text);
                let members = json!({"content": text, "accumulated_content": self.content});
                self.push("content_streaming", members);
            }
            RunEvent::ToolCallStarted { id, name } => {
                self.push("tool_call_start", json!({"tool_call_id": id, "name": name}));
            }
            RunEvent::ToolCallReady(call) => {
                let members =
                    json!({"run_id": self.names.run, "tool_call": reply::tool_call(&call)});
                self.push("tool_call_ready", members);
            }
            RunEvent::Ended(end) => self.close(&end),
        }
    }

    /// The one event after which nothing comes.
    fn close(&mut self, end: &RunEnd) {
        self.is_over = true;
        let run = json!({"run_id": self.names.run, "message_id": shown!(self.names.answer)});
        let mut members = run.as_object().cloned().unwrap_or_default();
        let kind = match &end.status {
            RunStatus::Failed(error) => {
                let text = reply::failure(error);
                members.insert("error".to_owned(), json!(text));
                members.insert("message".to_owned(), json!(text));
                members.insert("code".to_owned(), json!(error.code().as_str()));
                "error"
            }
            RunStatus::Cancelled => "run_cancelled",
            RunStatus::RequiresAction => {
                members.extend(reply::of_tools(end));
                members.insert("message".to_owned(), json!("Tool outputs are required"));
                "tool_submit_required"
            }
            RunStatus::Completed => {
                let content = reply::content(&self.names, end);
                members.insert("status".to_owned(), json!("completed"));
                members.insert("content".to_owned(), json!(content));
                members.insert("final_content".to_owned(), json!(content));
                members.insert("reasoning".to_owned(), json!(reply::reasoning(end)));
                "run_ended"
            }
        };
        if matches!(end.status, RunStatus::Completed | RunStatus::RequiresAction) {
            members.extend(reply::of_use(end.used.as_ref()));
            members.extend(reply::of_memory(&self.names, end));
            let context = reply::context_usage(end.context.as_ref());
            members.insert("context_usage".to_owned(), context);
        }
        self.push(kind, Value::Object(members));
    }
}
