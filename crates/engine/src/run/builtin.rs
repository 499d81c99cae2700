//! Tools that this server carries out for a model: its client never hears of their calls.

use backstay_core::{
    CallContext, Name, Result, ThreadId,
    chat::{Message, Part, Role, Settlement, Tool, ToolCall},
    document::DocumentScope,
};

use super::ClientTool;
use crate::{
    Engine, READ_WEB_PAGE_TOOL, SEARCH_DOCUMENTS_TOOL, WEB_SEARCH_TOOL, WebAnswer,
    read_web_page_tool, search_documents_tool, web_search_tool,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuiltinTool {
    SearchDocuments,
    WebSearch,
    ReadWebPage,
}

/// What built-in tools work on in one run.
#[derive(Clone, Debug)]
pub(super) struct Workplace {
    pub(super) documents: DocumentScope,
    /// Passages that a search brings back.
    pub(super) passages: usize,
    pub(super) offered: Vec<BuiltinTool>,
}

/// What a tool has said.
pub(super) struct Carried {
    pub(super) result: Message,
    /// Names of the files that it found it in.
    pub(super) files: Vec<String>,
    /// What the ledger says of it; `None` where it calls nobody who may charge for it.
    pub(super) settlement: Option<Settlement>,
}

impl BuiltinTool {
    pub(super) const ALL: [Self; 3] = [Self::SearchDocuments, Self::WebSearch, Self::ReadWebPage];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SearchDocuments => SEARCH_DOCUMENTS_TOOL,
            Self::WebSearch => WEB_SEARCH_TOOL,
            Self::ReadWebPage => READ_WEB_PAGE_TOOL,
        }
    }

    pub(super) fn definition(self) -> Tool {
        match self {
            Self::SearchDocuments => search_documents_tool(),
            Self::WebSearch => web_search_tool(),
            Self::ReadWebPage => read_web_page_tool(),
        }
    }

    /// The tool that a name means, if it was offered.
    pub(crate) fn find(offered: &[Self], name: &str) -> Option<Self> {
        offered.iter().copied().find(|tool| tool.name() == name)
    }
}

impl Engine {
    /// Which tools can find something in a thread. A client's tool of the same name is the client's.
    pub(super) async fn workplace(
        &self,
        context: &CallContext,
        (assistant, thread): (&Name, &ThreadId),
        (passages, web): (usize, bool),
        own: &[ClientTool],
    ) -> Result<Workplace> {
        let documents =
            DocumentScope { assistant: Some(assistant.clone()), thread: Some(thread.clone()) };
        let store = self.store().workspace(&context.workspace);
        let mut offered = Vec::new();
        if !store.searchable_documents(&documents).await?.is_empty() {
            offered.push(BuiltinTool::SearchDocuments);
        }
        if web && self.web().is_some() {
            offered.extend([BuiltinTool::WebSearch, BuiltinTool::ReadWebPage]);
        }
        offered.retain(|tool| own.iter().all(|own| own.name != tool.name()));
        Ok(Workplace { documents, passages, offered })
    }

    /// Carries a call out. What went wrong is said to the model.
    pub(super) async fn carry_out(
        &self,
        context: &CallContext,
        workplace: &Workplace,
        (tool, call): (BuiltinTool, &ToolCall),
    ) -> Result<Carried> {
        let of_web = |said: WebAnswer| (said.text, said.is_error, Vec::new(), said.settlement);
        let (text, is_error, files, settlement) = match tool {
            BuiltinTool::SearchDocuments => {
                let scope = workplace.documents.clone();
                let limit = workplace.passages;
                let found = self.call_search_documents(context, scope, call, limit).await?;
                let files = found.passages.into_iter().map(|passage| passage.filename).collect();
                (found.text, found.is_error, files, None)
            }
            BuiltinTool::WebSearch => of_web(self.call_web_search(context, call).await),
            BuiltinTool::ReadWebPage => of_web(self.call_read_web_page(call).await),
        };
        let result = Part::ToolResult {
            call_id: call.id.clone(),
            name: Some(call.name.clone()),
            parts: vec![Part::Text { text }],
            is_error,
        };
        Ok(Carried { result: Message::new(Role::Tool, vec![result]), files, settlement })
    }
}
