//! The web as models see it: results of a search service, and pages.

mod address;
mod fetch;
mod results;
mod search;

pub use fetch::WebPage;
pub use search::{WebResult, WebSearch, WebSearchService, WebSearchSpec};
