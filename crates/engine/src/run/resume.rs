//! A run that waits goes on with what its client's tools have said.

use backstay_core::{
    CallContext, Error, ErrorCode, Result, RunId, ThreadId, Timestamp, chat::Message,
};
use backstay_store::{Assistant, RunState};

use super::{ClientTool, KeptRun, Prepared, Run, Thinking, of_run, tool_message};
use crate::{Engine, admission::authorise_memory, details::MessageDetails};

/// A run that is gone on with is left to others only when its process must be gone.
const CLAIM_MICROS: i64 = 30 * 60 * 1_000_000;

/// What a client's tools have said.
#[derive(Clone, Debug, Default)]
pub struct ToolOutputs {
    pub outputs: Vec<ToolOutput>,
    /// In the place of those that the run was begun with.
    pub tools: Option<Vec<ClientTool>>,
    pub thinking: Option<Thinking>,
    pub stream: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolOutput {
    pub call_id: String,
    pub output: String,
}

impl Engine {
    /// Goes on with a run, or with the newest one of the thread that waits.
    ///
    /// # Errors
    /// `not_found` for a run that is not of this thread, `conflict` for one that does not wait,
    /// `invalid_request` where outputs and calls are not the same. Then the run still waits.
    pub async fn resume_run(
        &self,
        context: &CallContext,
        assistant: Assistant,
        thread: &ThreadId,
        run: Option<RunId>,
        given: ToolOutputs,
    ) -> Result<Run> {
        authorise_memory(context)?;
        let store = self.store().workspace(&context.workspace);
        let id = match run {
            Some(id) => id,
            None => {
                let waiting = store.waiting_run(thread).await?;
                waiting.map(|run| run.id).ok_or_else(|| {
                    let message = "no run of this thread waits for tool outputs";
                    Error::new(ErrorCode::Conflict, message)
                })?
            }
        };
        let known = store.run(&id).await?.filter(|known| known.thread == *thread);
        let known = known.ok_or_else(|| missing(&id))?;
        let ToolOutputs { outputs, tools, thinking, stream } = given;
        let said = match known.state {
            RunState::Waiting => answers(self.pending_calls(context, thread).await?, outputs)?,
            // Claiming it says what has become of it.
            RunState::Completed | RunState::Cancelling | RunState::Cancelled => Vec::new(),
        };
        let now = self.clock().now();
        let until = Timestamp::from_micros(now.micros().saturating_add(CLAIM_MICROS));
        let claimed = store.claim_run(&id, until, now).await?;
        let asked = claimed.asked.ok_or_else(|| Error::internal("a run waits with nothing"))?;
        let KeptRun { mut settings, earlier } = serde_json::from_value(asked).map_err(|cause| {
            Error::internal(format!("a run's settings are unreadable: {cause}"))
        })?;
        if let Some(tools) = tools {
            settings.tools = tools;
        }
        settings.thinking = thinking.or(settings.thinking);
        let said: Vec<(Message, MessageDetails)> =
            said.into_iter().map(|message| (message, of_run(&id, None))).collect();
        let prepared = Prepared {
            id: id.clone(),
            thread: thread.clone(),
            assistant,
            settings,
            said,
            said_at: None,
            stream,
            keeps_silence: false,
            earlier,
        };
        match self.drive(context, prepared).await {
            Ok(run) => Ok(run),
            Err(error) => {
                store.release_run(&id).await?;
                Err(error)
            }
        }
    }
}

pub(super) fn missing(run: &RunId) -> Error {
    Error::new(ErrorCode::NotFound, format!("there is no run {run} in this thread"))
}

/// Each call's output, in the order of the calls.
fn answers(calls: Vec<(String, String)>, outputs: Vec<ToolOutput>) -> Result<Vec<Message>> {
    let invalid = |message: String| Error::invalid(message).with_parameter("tool_outputs");
    let mut outputs = outputs;
    let mut said = Vec::with_capacity(calls.len());
    for (call_id, name) in calls {
        let given = outputs.iter().position(|output| output.call_id == call_id);
        let Some(given) = given else {
            return Err(invalid(format!("the output of tool call {call_id} is missing")));
        };
        let output = outputs.swap_remove(given).output;
        said.push(tool_message(call_id, name, output, false));
    }
    match outputs.first() {
        None => Ok(said),
        Some(unknown) => {
            Err(invalid(format!("the run did not call a tool as {}", unknown.call_id)))
        }
    }
}
