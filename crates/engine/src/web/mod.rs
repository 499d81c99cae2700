//! The web as models reach it: tools that this server carries out, where a search service is configured.

mod ledger;
mod page;
mod search;

use backstay_core::{Error, Result, chat::Settlement};
use backstay_providers::WebSearch;

pub use page::{READ_WEB_PAGE_TOOL, read_web_page_tool};
pub use search::{WEB_SEARCH_TOOL, web_search_tool};

use crate::Engine;

/// A tool's result for the model that called it.
#[derive(Clone, Debug, PartialEq)]
pub struct WebAnswer {
    pub text: String,
    /// It was not carried out; the text says why, and what to do.
    pub is_error: bool,
    /// What the ledger says of it; `None` where it calls nobody who may charge for it.
    pub settlement: Option<Settlement>,
}

impl Engine {
    /// `None` where no service searches the web; the tools are then not to be offered.
    pub fn web(&self) -> Option<&WebSearch> {
        self.parts.web.as_ref()
    }

    fn web_or_error(&self) -> Result<&WebSearch> {
        self.web().ok_or_else(|| {
            Error::invalid(
                "no service searches the web here; an operator sets one in [web_search], or its key in \
                 the environment",
            )
        })
    }
}

impl WebAnswer {
    fn of(outcome: Result<String>) -> Self {
        match outcome {
            Ok(text) => Self { text, is_error: false, settlement: None },
            Err(error) => {
                tracing::warn!(%error, cause = error.context(), "a tool call to the web failed");
                Self { text: error.message().to_owned(), is_error: true, settlement: None }
            }
        }
    }
}
