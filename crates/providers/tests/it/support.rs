//! A scripted upstream, providers at it, and what they answer.

use std::sync::Arc;

use backstay_core::{
    Clock, ErrorCode, ManualClock, Result, Timestamp, WireFormat,
    chat::{
        ChatReply, ChatRequest, Collector, FinishReason, Message, Part, ResponseFormat, Role, Tool,
    },
};
use backstay_providers::{Credential, Provider, ProviderSpec, TimeoutsMs, Upstreams};
use futures::StreamExt as _;
use serde_json::json;
use upstream_sim::{Options, RequestRecord, Sim};

pub(crate) struct Upstream {
    pub(crate) sim: Sim,
    pub(crate) clock: ManualClock,
    pub(crate) upstreams: Upstreams,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let sim = Sim::start(Options::default()).await.unwrap();
        let clock = ManualClock::at(Timestamp::parse("2026-03-01T12:00:00Z").unwrap());
        let timeouts = TimeoutsMs { idle: 500, first_token: 5_000, ..TimeoutsMs::default() };
        let upstreams = Upstreams::new(timeouts).unwrap().with_clock(Clock::Manual(clock.clone()));
        Self { sim, clock, upstreams }
    }

    pub(crate) fn spec(
        &self,
        format: WireFormat,
        path: &str,
        credential: Credential,
    ) -> ProviderSpec {
        ProviderSpec::new("p", format, &format!("{}{path}", self.sim.base_url()), credential)
    }

    /// One whole call, or the error that ended it.
    pub(crate) async fn ask(
        &self,
        provider: &Arc<Provider>,
        model: &str,
        request: &ChatRequest,
    ) -> Result<ChatReply> {
        let deadlines = self.upstreams.deadlines();
        let mut call = self.upstreams.chat(provider, model, request, deadlines).await?;
        let mut collector = Collector::default();
        while let Some(frame) = call.frames.next().await {
            frame?.events.iter().for_each(|event| collector.push(event));
        }
        Ok(collector.finish())
    }

    pub(crate) fn requests(&self, path: &str) -> Vec<RequestRecord> {
        let mut requests = self.sim.requests();
        requests.retain(|request| request.path.contains(path));
        requests
    }
}

pub(crate) fn provider(spec: ProviderSpec) -> Arc<Provider> {
    Arc::new(Provider::new(spec).unwrap())
}

pub(crate) fn user(text: &str) -> ChatRequest {
    ChatRequest {
        messages: vec![
            Message::text_of(Role::System, "Be brief."),
            Message::text_of(Role::User, text),
        ],
        ..ChatRequest::default()
    }
}

fn weather() -> Tool {
    let city = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    Tool::Function {
        name: "get_weather".to_owned(),
        description: Some("The weather in a city.".to_owned()),
        parameters: Some(city),
        strict: None,
    }
}

/// What every chat provider has to do, streamed and whole: text, usage, reasoning, tools and their
/// results, images, structured answers, and errors before and within an answer.
pub(crate) async fn check_chat(upstream: &Upstream, provider: &Arc<Provider>) {
    for stream in [false, true] {
        text_and_usage(upstream, provider, stream).await;
        tools_there_and_back(upstream, provider, stream).await;
        images_and_structure(upstream, provider, stream).await;
    }
    failures(upstream, provider).await;
}

async fn text_and_usage(upstream: &Upstream, provider: &Arc<Provider>, stream: bool) {
    let request = ChatRequest { stream, ..user("one two three") };
    let reply = upstream.ask(provider, "sim-echo", &request).await.unwrap();
    let choice = &reply.choices[0];
    assert_eq!(choice.message.text(), "one two three");
    assert_eq!(choice.finish_reason, Some(FinishReason::Stop));
    let usage = reply.usage.unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (5, 3), "stream: {stream}");
}

async fn tools_there_and_back(upstream: &Upstream, provider: &Arc<Provider>, stream: bool) {
    let mut request = user("How is the weather in both Oslo and Rome?");
    request.tools = vec![weather()];
    request.stream = stream;
    let reply = upstream.ask(provider, "sim-echo", &request).await.unwrap();
    let asked = reply.choices[0].message.clone();
    assert_eq!(reply.choices[0].finish_reason, Some(FinishReason::ToolCalls));
    let calls: Vec<_> = asked
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::ToolCall(call) => Some(call.clone()),
            _ => None,
        })
        .collect();
    let arguments: Vec<_> = calls.iter().map(|call| call.arguments.as_str()).collect();
    assert_eq!(arguments, [r#"{"city":"Oslo"}"#, r#"{"city":"Rome"}"#]);
    request.messages.push(asked);
    for (call, text) in calls.iter().zip(["7 degrees", "20 degrees"]) {
        let result = Part::ToolResult {
            call_id: call.id.clone(),
            name: Some(call.name.clone()),
            parts: vec![Part::Text { text: text.to_owned() }],
            is_error: false,
        };
        request.messages.push(Message::new(Role::Tool, vec![result]));
    }
    let reply = upstream.ask(provider, "sim-echo", &request).await.unwrap();
    let text = reply.choices[0].message.text();
    assert_eq!(text, "The tools answered: 7 degrees; 20 degrees");
}

async fn images_and_structure(upstream: &Upstream, provider: &Arc<Provider>, stream: bool) {
    use backstay_core::chat::{Media, MediaSource};
    let source =
        MediaSource::Base64 { media_type: "image/png".to_owned(), data: "iVBORw0KGgo=".to_owned() };
    let mut request = user("look");
    request.messages[1].parts.push(Part::Image(Media { source, filename: None, detail: None }));
    request.stream = stream;
    let reply = upstream.ask(provider, "sim-echo", &request).await.unwrap();
    assert_eq!(reply.choices[0].message.text(), "look I see 1 image.");

    let mut request = user("I met Ada");
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}},
        "required": ["name"], "additionalProperties": false});
    request.response_format = Some(ResponseFormat::JsonSchema {
        name: "person".to_owned(),
        description: None,
        schema,
        strict: Some(true),
    });
    request.stream = stream;
    let reply = upstream.ask(provider, "sim-echo", &request).await.unwrap();
    assert_eq!(reply.choices[0].message.text(), r#"{"name":"Ada"}"#);
}

async fn failures(upstream: &Upstream, provider: &Arc<Provider>) {
    for (fault, code) in [
        ("401", ErrorCode::UpstreamAuthentication),
        ("404", ErrorCode::UpstreamModelNotFound),
        ("429-retry-after-7", ErrorCode::UpstreamRateLimited),
        ("500", ErrorCode::UpstreamError),
        ("503", ErrorCode::UpstreamOverloaded),
        ("refuse", ErrorCode::UpstreamUnreachable),
    ] {
        let model = format!("sim-echo!{fault}");
        let error = upstream.ask(provider, &model, &user("hi")).await.unwrap_err();
        assert_eq!(error.code(), code, "{fault}: {error}");
        if code == ErrorCode::UpstreamRateLimited {
            assert_eq!(error.retry_after_ms(), Some(7_000));
        }
    }
    let long = ChatRequest { stream: true, ..user("one two three four five six") };
    for (fault, codes) in [
        ("reset-after-2", &[ErrorCode::UpstreamStreamBroken][..]),
        (
            "truncate-after-2",
            &[ErrorCode::UpstreamStreamBroken, ErrorCode::UpstreamInvalidResponse],
        ),
        ("error-after-2", &[ErrorCode::UpstreamError, ErrorCode::UpstreamOverloaded]),
        ("stall-after-2", &[ErrorCode::IdleTimeout]),
    ] {
        let model = format!("sim-echo!{fault}");
        let error = upstream.ask(provider, &model, &long).await.unwrap_err();
        assert!(codes.contains(&error.code()), "{fault}: {error} ({:?})", error.code());
    }
    let odd = upstream.ask(provider, "sim-echo!empty-chunk", &long).await.unwrap();
    assert_eq!(odd.choices[0].message.text(), "one two three four five six");
    let silent = upstream.ask(provider, "sim-echo!no-usage", &long).await.unwrap();
    assert_eq!(silent.usage, None);
}
