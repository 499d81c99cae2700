//! Search as a tool that a model calls and this server carries out.

use backstay_core::{
    CallContext, ErrorCode, Result,
    chat::{Tool, ToolCall},
    document::{DocumentScope, Passage, to_prompt_text},
};
use serde::Deserialize;
use serde_json::json;

use super::DocumentQuestion;
use crate::Engine;

/// The name under which a model calls it.
pub const SEARCH_DOCUMENTS_TOOL: &str = "search_documents";

const NOTHING_FOUND: &str =
    "Nothing in the documents has to do with this. Say so, or search again in other words.";

/// What a search brought back, for the model and for who asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchedDocuments {
    /// The tool's result: passages, each fenced and with its file and place, or why there are none.
    pub text: String,
    pub passages: Vec<Passage>,
    /// The call was not one that can be carried out; the text tells the model how to mend it.
    pub is_error: bool,
}

#[derive(Deserialize)]
struct Arguments {
    query: String,
}

/// The tool as a model is told of it. Offer it where [`Engine::search_documents`] can find something.
pub fn search_documents_tool() -> Tool {
    Tool::Function {
        name: SEARCH_DOCUMENTS_TOOL.to_owned(),
        description: Some(
            "Searches the files that belong to this conversation and brings back the passages that \
             bear on a question, each with its file and place (page, line, sheet). Use it before \
             you answer anything that the files may say; search again in other words if the first \
             passages do not answer."
                .to_owned(),
        ),
        parameters: Some(json!({
            "type": "object",
            "properties": {
                "query": {
                    "type": "string",
                    "description": "What to look for: a question or a few words that the files may use."
                }
            },
            "required": ["query"],
            "additionalProperties": false
        })),
        strict: None,
    }
}

impl Engine {
    /// Carries out a model's call of [`search_documents_tool`] in a scope, for at most `limit` passages
    /// (an assistant's `tok_k`). What the model got wrong is said to the model, not an error here.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn call_search_documents(
        &self,
        context: &CallContext,
        scope: DocumentScope,
        call: &ToolCall,
        limit: usize,
    ) -> Result<SearchedDocuments> {
        let refused =
            |text: String| SearchedDocuments { text, is_error: true, ..Default::default() };
        let question = match serde_json::from_str::<Arguments>(&call.arguments) {
            Ok(Arguments { query }) => query,
            Err(cause) => {
                let text = format!(
                    "The arguments are not an object with a text `query`: {cause}. Call it again."
                );
                return Ok(refused(text));
            }
        };
        let question =
            DocumentQuestion { question, scope, documents: Vec::new(), limit: Some(limit) };
        match self.search_documents(context, question).await {
            Ok(passages) if passages.is_empty() => {
                Ok(SearchedDocuments { text: NOTHING_FOUND.to_owned(), ..Default::default() })
            }
            Ok(passages) => {
                let text = to_prompt_text(&passages);
                Ok(SearchedDocuments { text, passages, is_error: false })
            }
            Err(error) if error.code() == ErrorCode::InvalidRequest => {
                Ok(refused(error.message().to_owned()))
            }
            Err(error) => Err(error),
        }
    }
}
