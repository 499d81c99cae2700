//! Runs: what a user says in a thread and everything that leads to the answer. A run belongs to the server,
//! not to the connection that asked for it; where a client carries out tools it waits, and goes on in
//! another call.

mod active;
mod builtin;
mod cancel;
mod decide;
mod drive;
mod earlier;
mod events;
mod files;
mod model_name;
mod note;
mod resume;
mod rounds;
mod settings;

use std::sync::Arc;

use backstay_core::{
    CallContext, MemoryOperationId, MessageId, Result, RunId, ThreadId, Timestamp,
    chat::{ChatRequest, Message, Part, Role},
    memory::MemoryMode,
};
use backstay_routing::ConversationKey;
use backstay_store::{Assistant, Document, NewThread, StoredMessage};
use backstay_wire::{RequestExtension, ThreadChoice};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use self::drive::Driving;
use crate::{
    Engine,
    admission::authorise_memory,
    details::{MessageDetails, RecallWish, RunTicket, TurnDetails},
};

pub(crate) use active::ActiveRuns;
pub use builtin::BuiltinTool;
pub(crate) use decide::Deciding;
pub(crate) use earlier::{EarlierCalls, KeptRun, Repeated, estimated_tokens, woven};
pub use events::{ContextUse, RunEnd, RunEvent, RunStatus, Used};
pub use files::NewFile;
pub use model_name::AutoChoice;
pub use note::Noted;
pub use resume::{ToolOutput, ToolOutputs};
pub(crate) use rounds::BREAK;
pub use settings::{ClientTool, RunSettings, Thinking};

/// Events that wait for a client that reads slowly.
const EVENTS_MAX: usize = 256;
/// The member of a message's metadata that names its run.
pub const RUN_ID: &str = "run_id";
/// Passages that a search brings back unless the assistant says otherwise.
const PASSAGES: u32 = 10;
/// What stands for the output of a tool call that its client never answered.
const UNANSWERED: &str = "The user went on without the output of this tool call.";

/// Something that a user says.
#[derive(Clone, Debug)]
pub struct NewRun {
    pub assistant: Assistant,
    pub thread: RunPlace,
    pub content: Vec<Part>,
    pub files: Vec<NewFile>,
    /// What the client keeps beside the message.
    pub metadata: Option<Map<String, Value>>,
    /// When it was said, where that is not now.
    pub said_at: Option<Timestamp>,
    pub settings: RunSettings,
    pub stream: bool,
}

/// Where it is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunPlace {
    New,
    In(ThreadId),
}

/// A run that has begun.
pub struct Run {
    pub id: RunId,
    pub thread: ThreadId,
    /// What the user said; `None` for a run that goes on.
    pub asked: Option<MessageId>,
    pub answer: MessageId,
    /// What came with the message.
    pub attachments: Vec<Document>,
    /// Of what the run was begun with.
    pub memory: MemoryMode,
    pub json_output: bool,
    pub cites: bool,
    /// Whether a search of the web was asked for that nobody here can make.
    pub lacks_web_search: bool,
    pub events: mpsc::Receiver<RunEvent>,
}

/// Everything of a turn that is decided before a model is called.
struct Prepared {
    id: RunId,
    thread: ThreadId,
    assistant: Assistant,
    settings: RunSettings,
    /// The turn's messages, each with what is known of it.
    said: Vec<(Message, MessageDetails)>,
    said_at: Option<Timestamp>,
    stream: bool,
    /// Whether what is said stays in the thread where nobody answers it. Outputs of tools do not: they may
    /// be handed in again.
    keeps_silence: bool,
    /// What was asked of built-in tools before it waited.
    earlier: Vec<EarlierCalls>,
}

impl Engine {
    /// Begins a run. What is wrong with it before a model is called is an error here; what goes wrong
    /// later is in its end.
    pub async fn start_run(&self, context: &CallContext, new: NewRun) -> Result<Run> {
        authorise_memory(context)?;
        let NewRun { assistant, thread, content, files, metadata, said_at, settings, stream } = new;
        // A mistake leaves no empty thread behind.
        self.check_settings(context, &settings, &content)?;
        let id = RunId::new(self.clock(), self.random())?;
        let (thread, unanswered) = self.open_place(context, &assistant, thread).await?;
        let asked = MessageId::new(self.clock(), self.random())?;
        let attachments = self.attach(context, &thread, &asked, files).await?;
        let details = MessageDetails { id: Some(asked.clone()), metadata };
        let mut said: Vec<(Message, MessageDetails)> =
            unanswered.into_iter().map(|message| (message, MessageDetails::default())).collect();
        said.push((Message::new(Role::User, content), details));
        let prepared = Prepared {
            id,
            thread,
            assistant,
            settings,
            said,
            said_at,
            stream,
            keeps_silence: true,
            earlier: Vec::new(),
        };
        let run = self.drive(context, prepared).await?;
        Ok(Run { asked: Some(asked), attachments, ..run })
    }

    fn check_settings(
        &self,
        context: &CallContext,
        settings: &RunSettings,
        content: &[Part],
    ) -> Result<()> {
        let said = vec![Message::new(Role::User, content.to_vec())];
        self.planned(context, settings, said, false).map(drop)
    }

    /// The request, once it is known that something may serve it.
    fn planned(
        &self,
        context: &CallContext,
        settings: &RunSettings,
        said: Vec<Message>,
        stream: bool,
    ) -> Result<ChatRequest> {
        let mut request = settings.request(said, stream)?;
        self.choose_automatically(&mut request, &settings.auto_choice());
        let mut tried = request.clone();
        self.router().apply_policies(context, &mut tried);
        let conversation = ConversationKey::of(&context.workspace, &tried);
        let planned = self.plan(context, &tried, conversation);
        planned.map_err(|error| self.catalogue().advise(&request.model, error))?;
        Ok(request)
    }

    /// The thread, and what has to be said in it for tool calls that nobody answered.
    async fn open_place(
        &self,
        context: &CallContext,
        assistant: &Assistant,
        place: RunPlace,
    ) -> Result<(ThreadId, Vec<Message>)> {
        match place {
            RunPlace::New => {
                let thread = self.open_thread(context, assistant).await?;
                Ok((thread, Vec::new()))
            }
            RunPlace::In(thread) => {
                let pending = self.pending_calls(context, &thread).await?;
                let unanswered = pending
                    .into_iter()
                    .map(|(id, name)| tool_message(id, name, UNANSWERED.to_owned(), true));
                Ok((thread, unanswered.collect()))
            }
        }
    }

    /// Opens a thread of an assistant in which nothing was said yet.
    pub async fn open_thread(
        &self,
        context: &CallContext,
        assistant: &Assistant,
    ) -> Result<ThreadId> {
        let id = ThreadId::new(self.clock(), self.random())?;
        let new = NewThread {
            id: id.clone(),
            scope: assistant.memory_scope(),
            title: None,
            created_at: self.clock().now(),
            incognito: false,
        };
        self.store().workspace(&context.workspace).open_thread(new).await?;
        Ok(id)
    }

    /// Tool calls at the end of a thread, by id and name.
    async fn pending_calls(
        &self,
        context: &CallContext,
        thread: &ThreadId,
    ) -> Result<Vec<(String, String)>> {
        let store = self.store().workspace(&context.workspace);
        let last = store.thread_messages(thread, 1).await?;
        Ok(last.last().map(calls_of).unwrap_or_default())
    }

    async fn drive(&self, context: &CallContext, prepared: Prepared) -> Result<Run> {
        let Prepared {
            id,
            thread,
            assistant,
            settings,
            said,
            said_at,
            stream,
            keeps_silence,
            earlier,
        } = prepared;
        let (messages, details): (Vec<Message>, Vec<MessageDetails>) = said.into_iter().unzip();
        let deciding = settings.deciding(&messages);
        let request = self.planned(context, &settings, messages, stream)?;
        let answer = MessageId::new(self.clock(), self.random())?;
        let operation = match settings.memory {
            MemoryMode::Auto => Some(MemoryOperationId::new(self.clock(), self.random())?),
            MemoryMode::ReadOnly | MemoryMode::Off => None,
        };
        let kept = KeptRun { settings: settings.clone(), earlier: earlier.clone() };
        let ticket = RunTicket { id: id.clone(), kept, rounds: Vec::new() };
        let details = TurnDetails {
            messages: details,
            answer: of_run(&id, Some(answer.clone())),
            said_at,
            author: Some(assistant.name.clone()),
            operation,
            run: Some(ticket),
            keeps_silence,
            recall: RecallWish { more: settings.more_memory, numbered: settings.cites },
            deciding: deciding.map(Arc::new),
            ..TurnDetails::default()
        };
        let passages = assistant.settings.passages.unwrap_or(PASSAGES);
        let passages = usize::try_from(passages).unwrap_or(usize::MAX);
        let workplace = self.workplace(
            context,
            (&assistant.scope, &thread),
            (passages, settings.web_search),
            &settings.tools,
        );
        let mut workplace = workplace.await?;
        if settings.decision.is_some() {
            workplace.offered.clear();
        }
        let extension = RequestExtension {
            assistant: Some(assistant.scope.clone()),
            thread: Some(ThreadChoice::Existing(thread.clone())),
            memory: Some(settings.memory),
            ..RequestExtension::default()
        };
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let driving = Driving {
            engine: self.clone(),
            context: context.clone(),
            request,
            extension,
            details,
            hides_thinking: settings.hides_thinking(),
            workplace,
            earlier,
            active: self.active_runs().enter(&context.workspace, &thread, &id),
            events: sender,
        };
        self.jobs().spawn(driving.run());
        Ok(Run {
            id,
            thread,
            asked: None,
            answer,
            attachments: Vec::new(),
            memory: settings.memory,
            json_output: settings.json_output,
            cites: settings.cites,
            lacks_web_search: settings.web_search && self.web().is_none(),
            events,
        })
    }
}

fn calls_of(stored: &StoredMessage) -> Vec<(String, String)> {
    stored.message.tool_calls().map(|call| (call.id.clone(), call.name.clone())).collect()
}

fn tool_message(call_id: String, name: String, output: String, is_error: bool) -> Message {
    let parts = vec![Part::Text { text: output }];
    let result = Part::ToolResult { call_id, name: Some(name), parts, is_error };
    Message::new(Role::Tool, vec![result])
}

/// A message that says which run it belongs to.
fn of_run(run: &RunId, id: Option<MessageId>) -> MessageDetails {
    let metadata = Map::from_iter([(RUN_ID.to_owned(), Value::from(run.as_str()))]);
    MessageDetails { id, metadata: Some(metadata) }
}
