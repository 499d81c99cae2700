//! What services answer.

use serde::Deserialize;

use super::{WebResult, WebSearchService};

/// Of SearXNG, Tavily and Exa.
#[derive(Deserialize)]
struct Results {
    results: Vec<Found>,
}

#[derive(Deserialize)]
struct BraveReply {
    /// Not there where nothing was found.
    #[serde(default)]
    web: Option<BraveWeb>,
}

#[derive(Deserialize)]
struct BraveWeb {
    #[serde(default)]
    results: Vec<Found>,
}

/// One result under the names that the services have for its parts.
#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default, alias = "description", alias = "text")]
    content: Option<String>,
    #[serde(default, rename = "publishedDate", alias = "published_date", alias = "page_age")]
    published: Option<String>,
}

pub(super) fn results(
    service: WebSearchService,
    body: &[u8],
) -> Result<Vec<WebResult>, serde_json::Error> {
    let found = match service {
        WebSearchService::Brave => {
            let reply: BraveReply = serde_json::from_slice(body)?;
            reply.web.map(|web| web.results).unwrap_or_default()
        }
        WebSearchService::Searxng | WebSearchService::Tavily | WebSearchService::Exa => {
            serde_json::from_slice::<Results>(body)?.results
        }
    };
    Ok(found.into_iter().map(WebResult::from).collect())
}

impl From<Found> for WebResult {
    fn from(found: Found) -> Self {
        Self {
            title: found.title.unwrap_or_default(),
            url: found.url.unwrap_or_default(),
            text: found.content.unwrap_or_default(),
            published: found.published.filter(|date| !date.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(service: WebSearchService, body: &str) -> Vec<WebResult> {
        results(service, body.as_bytes()).unwrap()
    }

    fn result(published: Option<&str>) -> WebResult {
        WebResult {
            title: "Ghent".to_owned(),
            url: "https://example.org/ghent".to_owned(),
            text: "A city.".to_owned(),
            published: published.map(str::to_owned),
        }
    }

    #[test]
    fn each_service_names_the_parts_of_a_result_in_its_own_way() {
        let searxng = r#"{"query": "ghent", "number_of_results": 0, "answers": [], "results": [
            {"url": "https://example.org/ghent", "title": "Ghent", "content": "A city.",
             "engine": "bing", "score": 1.0, "publishedDate": null}]}"#;
        assert_eq!(found(WebSearchService::Searxng, searxng), [result(None)]);
        let brave = r#"{"type": "search", "query": {"original": "ghent"}, "web": {"type": "search",
            "results": [{"title": "Ghent", "url": "https://example.org/ghent", "is_source_local": false,
             "description": "A city.", "page_age": "2026-01-02T00:00:00"}]}}"#;
        assert_eq!(found(WebSearchService::Brave, brave), [result(Some("2026-01-02T00:00:00"))]);
        let tavily = r#"{"query": "ghent", "answer": null, "images": [], "response_time": 0.9, "results": [
            {"title": "Ghent", "url": "https://example.org/ghent", "content": "A city.", "score": 0.9,
             "raw_content": null}]}"#;
        assert_eq!(found(WebSearchService::Tavily, tavily), [result(None)]);
        let exa = r#"{"requestId": "r", "resolvedSearchType": "neural", "results": [
            {"id": "x", "title": "Ghent", "url": "https://example.org/ghent", "author": "",
             "publishedDate": "2025-05-01T00:00:00.000Z", "text": "A city."}]}"#;
        assert_eq!(found(WebSearchService::Exa, exa), [result(Some("2025-05-01T00:00:00.000Z"))]);
    }

    #[test]
    fn nothing_found_is_no_error_and_something_else_is() {
        assert_eq!(found(WebSearchService::Brave, r#"{"type": "search"}"#), []);
        assert_eq!(found(WebSearchService::Searxng, r#"{"results": []}"#), []);
        assert!(results(WebSearchService::Tavily, br#"{"detail": "no"}"#).is_err());
        assert!(results(WebSearchService::Exa, b"<html>").is_err());
    }
}
