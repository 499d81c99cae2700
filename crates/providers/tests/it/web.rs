//! Searching the web: each service in its own form, against the scripted upstream.

use backstay_core::{ErrorCode, Result, Secret};
use backstay_providers::{Environment, WebResult, WebSearch, WebSearchService, WebSearchSpec};

use crate::support::Upstream;

const ALL: [WebSearchService; 4] = [
    WebSearchService::Searxng,
    WebSearchService::Brave,
    WebSearchService::Tavily,
    WebSearchService::Exa,
];

fn search(upstream: &Upstream, service: WebSearchService, key: &str) -> WebSearch {
    let spec = WebSearchSpec {
        service,
        base_url: Some(format!("{}/{}/", upstream.sim.base_url(), service.id())),
        key: service.key_variable().and_then(|_| Secret::new(key)),
        price: None,
        allowed_addresses: vec!["127.0.0.1".parse().unwrap()],
    };
    WebSearch::new(spec, &upstream.upstreams).unwrap()
}

async fn found(upstream: &Upstream, service: WebSearchService, query: &str) -> Vec<WebResult> {
    search(upstream, service, "k").search(query, 2).await.unwrap()
}

#[tokio::test]
async fn every_service_finds_the_same_in_its_own_form() {
    let upstream = Upstream::start().await;
    for service in ALL {
        let results = found(&upstream, service, "boats & trains in Ghent").await;
        assert_eq!(results.len(), 2, "{service:?}");
        let WebResult { title, url, text, published } = &results[0];
        assert_eq!(title, "Page 1 about boats & trains in Ghent", "{service:?}");
        assert!(url.ends_with("/pages/boats---trains-in-ghent-1"), "{service:?}: {url}");
        assert_eq!(text, "Result 1 says of boats & trains in Ghent that it was simulated.");
        assert_eq!(published.as_deref(), Some("2026-01-02"), "{service:?}");
        assert_eq!(found(&upstream, service, "nothing").await, [], "{service:?}");
    }
}

#[tokio::test]
async fn a_page_that_was_found_is_read() {
    let upstream = Upstream::start().await;
    let results = found(&upstream, WebSearchService::Exa, "boats").await;
    let search = search(&upstream, WebSearchService::Exa, "k");
    let page = search.fetch(&results[1].url).await.unwrap();
    assert!(page.media_type.unwrap().starts_with("text/html"));
    assert!(String::from_utf8_lossy(&page.body).contains("About boats 2"));
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    let upstream = Upstream::start().await;
    let refused = async |service, key: &str| -> Result<Vec<WebResult>> {
        search(&upstream, service, key).search("boats", 2).await
    };
    for service in [WebSearchService::Brave, WebSearchService::Tavily, WebSearchService::Exa] {
        let error = refused(service, "refused").await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::UpstreamAuthentication, "{service:?}");
        assert!(error.message().contains("check the key"), "{error}");
        let error = refused(service, "spent").await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::UpstreamRateLimited, "{service:?}");
    }
    let empty = search(&upstream, WebSearchService::Searxng, "").search("  ", 2).await;
    assert_eq!(empty.unwrap_err().code(), ErrorCode::InvalidRequest);
    let elsewhere = format!("{}/nowhere", upstream.sim.base_url());
    let spec = WebSearchSpec {
        service: WebSearchService::Searxng,
        base_url: Some(elsewhere),
        key: None,
        price: None,
        allowed_addresses: Vec::new(),
    };
    let error = WebSearch::new(spec, &upstream.upstreams).unwrap().search("boats", 2).await;
    assert_eq!(error.unwrap_err().code(), ErrorCode::UpstreamError);
}

#[tokio::test]
async fn long_queries_are_cut_to_what_every_service_takes() {
    let upstream = Upstream::start().await;
    let results = found(&upstream, WebSearchService::Brave, &"boat ".repeat(200)).await;
    assert_eq!(results.len(), 2);
}

#[tokio::test]
async fn what_a_service_lacks_is_said_before_anything_is_asked() {
    let upstream = Upstream::start().await;
    let of = |service, base_url: Option<&str>, key| {
        let base_url = base_url.map(str::to_owned);
        let allowed_addresses = Vec::new();
        let spec = WebSearchSpec { service, base_url, key, price: None, allowed_addresses };
        WebSearch::new(spec, &upstream.upstreams).map(|_| ()).unwrap_err().message().to_owned()
    };
    assert!(of(WebSearchService::Brave, None, None).contains("BRAVE_API_KEY"));
    assert!(of(WebSearchService::Searxng, None, None).contains("base_url"));
    assert!(of(WebSearchService::Searxng, Some("not an address"), None).contains("base_url"));
}

#[test]
fn a_key_in_the_environment_is_enough() {
    let none = Environment::of([("BRAVE_API_KEY", " ")]);
    assert!(WebSearchSpec::from_environment(&none).is_none());
    let found = WebSearchSpec::from_environment(&Environment::of([("EXA_API_KEY", "k")])).unwrap();
    assert_eq!(found.service, WebSearchService::Exa);
}
