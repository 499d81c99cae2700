//! Services that search the web, each in its own form.

use std::{net::IpAddr, time::Duration};

use backstay_core::{Error, ErrorCode, Money, Result, Secret, UpstreamError, limits};
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use serde_json::json;

use super::{WebPage, fetch::Fetcher, results::results};
use crate::{
    Environment, Upstreams,
    error::send_failed,
    http::{ERROR_BYTES_MAX, read_body},
};

const TIMEOUT: Duration = Duration::from_secs(10);
/// Brave refuses more.
const QUERY_CHARS_MAX: usize = 400;
/// Of a result's text; services that send whole pages are asked for no more.
const TEXT_CHARS_MAX: usize = 1_000;

/// Who searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WebSearchService {
    /// One's own instance: <https://docs.searxng.org/dev/search_api.html>
    Searxng,
    /// <https://api-dashboard.search.brave.com/app/documentation/web-search/get-started>
    Brave,
    /// <https://docs.tavily.com/documentation/api-reference/endpoint/search>
    Tavily,
    /// <https://docs.exa.ai/reference/search>
    Exa,
}

/// What a [`WebSearch`] is made of.
pub struct WebSearchSpec {
    pub service: WebSearchService,
    /// In place of the service's own; SearXNG has none.
    pub base_url: Option<String>,
    pub key: Option<Secret>,
    /// See [`WebSearch::price`].
    pub price: Option<Money>,
    /// Addresses that pages may be read from although they are not public.
    pub allowed_addresses: Vec<IpAddr>,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebResult {
    pub title: String,
    pub url: String,
    /// What the page says that bears on the query, as the service gives it.
    pub text: String,
    /// When it was published, as the service writes it.
    pub published: Option<String>,
}

/// Searches the web and reads its pages.
#[derive(Clone)]
pub struct WebSearch {
    service: WebSearchService,
    base_url: Url,
    key: Option<Secret>,
    price: Option<Money>,
    upstreams: Upstreams,
    fetcher: Fetcher,
}

impl WebSearchService {
    const WITH_KEY: [Self; 3] = [Self::Tavily, Self::Brave, Self::Exa];

    pub fn id(self) -> &'static str {
        match self {
            Self::Searxng => "searxng",
            Self::Brave => "brave",
            Self::Tavily => "tavily",
            Self::Exa => "exa",
        }
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Searxng => "SearXNG",
            Self::Brave => "Brave Search",
            Self::Tavily => "Tavily",
            Self::Exa => "Exa",
        }
    }

    /// Where its key is when no configuration says so.
    pub fn key_variable(self) -> Option<&'static str> {
        match self {
            Self::Searxng => None,
            Self::Brave => Some("BRAVE_API_KEY"),
            Self::Tavily => Some("TAVILY_API_KEY"),
            Self::Exa => Some("EXA_API_KEY"),
        }
    }

    /// What a search costs when no configuration says so; `None` where nobody here knows.
    pub fn own_price(self) -> Option<Money> {
        match self {
            Self::Searxng => Some(Money::ZERO),
            Self::Brave | Self::Tavily | Self::Exa => None,
        }
    }

    fn base_url(self) -> Option<&'static str> {
        match self {
            Self::Searxng => None,
            Self::Brave => Some("https://api.search.brave.com"),
            Self::Tavily => Some("https://api.tavily.com"),
            Self::Exa => Some("https://api.exa.ai"),
        }
    }
}

impl WebSearchSpec {
    /// The first service whose key is in the environment.
    pub fn from_environment(environment: &Environment) -> Option<Self> {
        WebSearchService::WITH_KEY.into_iter().find_map(|service| {
            let key = environment.get(service.key_variable()?).and_then(Secret::new)?;
            let allowed_addresses = Vec::new();
            Some(Self { service, base_url: None, key: Some(key), price: None, allowed_addresses })
        })
    }
}

impl WebSearch {
    /// Fails with `invalid_request` when there is no address or no key.
    pub fn new(spec: WebSearchSpec, upstreams: &Upstreams) -> Result<Self> {
        let WebSearchSpec { service, base_url, key, price, allowed_addresses } = spec;
        let base_url = base_url.as_deref().or(service.base_url()).ok_or_else(|| {
            Error::invalid("web_search.base_url is missing: it says where your SearXNG is")
        })?;
        let base_url = Url::parse(base_url).ok().filter(|url| !url.cannot_be_a_base());
        let base_url = base_url
            .ok_or_else(|| Error::invalid("web_search.base_url is not an http or https address"))?;
        if let (Some(variable), None) = (service.key_variable(), &key) {
            return Err(Error::invalid(format!(
                "web search with {} needs a key: set {variable}, web_search.api_key_env or \
                 web_search.api_key",
                service.id()
            )));
        }
        let fetcher = Fetcher::new(&allowed_addresses)?;
        Ok(Self { service, base_url, key, price, upstreams: upstreams.clone(), fetcher })
    }

    pub fn service(&self) -> WebSearchService {
        self.service
    }

    /// Of one search; `None` when nobody said it.
    pub fn price(&self) -> Option<Money> {
        self.price
    }

    /// The best results for a query, at most `count`.
    pub async fn search(&self, query: &str, count: usize) -> Result<Vec<WebResult>> {
        let query: String = query.trim().chars().take(QUERY_CHARS_MAX).collect();
        if query.is_empty() {
            return Err(Error::invalid("the query of a web search is empty; say what to look for"));
        }
        let searching = tokio::time::timeout(TIMEOUT, self.ask(&query, count));
        let mut found = searching.await.unwrap_or_else(|_| {
            let what =
                format!("{} did not answer within {} s", self.service.id(), TIMEOUT.as_secs());
            Err(Error::new(ErrorCode::TotalTimeout, what))
        })?;
        found.retain(|result| !result.url.is_empty());
        found.truncate(count);
        for result in &mut found {
            if let Some((end, _)) = result.text.char_indices().nth(TEXT_CHARS_MAX) {
                result.text.truncate(end);
            }
        }
        Ok(found)
    }

    /// One page of the web, wherever it is said to be, but for addresses that are not public.
    pub async fn fetch(&self, url: &str) -> Result<WebPage> {
        self.fetcher.fetch(url).await
    }

    async fn ask(&self, query: &str, count: usize) -> Result<Vec<WebResult>> {
        let id = self.service.id();
        let request = self.request(query, count)?;
        let sent = request.send().await;
        let connect_ms = self.upstreams.timeouts.connect;
        let response = sent.map_err(|cause| send_failed(id, &cause, connect_ms))?;
        let deadline = self.upstreams.deadlines().total();
        if !response.status().is_success() {
            let status = response.status();
            let body = read_body(id, response, deadline, ERROR_BYTES_MAX).await.unwrap_or_default();
            return Err(self.rejection(status, &String::from_utf8_lossy(&body)));
        }
        let body = read_body(id, response, deadline, limits::REPLY_BYTES_MAX).await?;
        results(self.service, &body).map_err(|cause| {
            let what = format!("{id} answered something that is not a list of results");
            Error::new(ErrorCode::UpstreamInvalidResponse, what).with_context(cause.to_string())
        })
    }

    fn request(&self, query: &str, count: usize) -> Result<RequestBuilder> {
        let key = self.key.as_ref().map_or("", Secret::expose);
        Ok(match self.service {
            WebSearchService::Searxng => self.get("search", &[("q", query), ("format", "json")])?,
            WebSearchService::Brave => {
                let count = count.to_string();
                let asked = [("q", query), ("count", &count), ("text_decorations", "false")];
                self.get("res/v1/web/search", &asked)?.header("x-subscription-token", key)
            }
            WebSearchService::Tavily => {
                let body = json!({"query": query, "max_results": count});
                self.post("search", &body)?.bearer_auth(key)
            }
            WebSearchService::Exa => {
                let text = json!({"maxCharacters": TEXT_CHARS_MAX});
                let body = json!({"query": query, "numResults": count, "contents": {"text": text}});
                self.post("search", &body)?.header("x-api-key", key)
            }
        })
    }

    fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<RequestBuilder> {
        let mut url = self.url(path)?;
        url.query_pairs_mut().extend_pairs(query);
        Ok(self.upstreams.client.request(Method::GET, url))
    }

    fn post(&self, path: &str, body: &serde_json::Value) -> Result<RequestBuilder> {
        Ok(self.upstreams.client.request(Method::POST, self.url(path)?).json(body))
    }

    /// Below the base, whether or not that ends with a slash.
    fn url(&self, path: &str) -> Result<Url> {
        let base = self.base_url.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}/{path}"))
            .map_err(|cause| Error::internal(format!("an address of a web search: {cause}")))
    }

    fn rejection(&self, status: StatusCode, said: &str) -> Error {
        let id = self.service.id();
        let (code, advice) = match status {
            StatusCode::FORBIDDEN if self.service == WebSearchService::Searxng => {
                let advice =
                    "it may not answer in JSON; add json to search.formats in its settings";
                (ErrorCode::UpstreamAuthentication, advice)
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                (ErrorCode::UpstreamAuthentication, "check the key of web_search")
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::PAYMENT_REQUIRED => {
                (ErrorCode::UpstreamRateLimited, "it allows no more for now; try again later")
            }
            _ => (ErrorCode::UpstreamError, "try again later"),
        };
        let upstream = UpstreamError {
            provider: id.to_owned(),
            status: Some(status.as_u16()),
            code: None,
            raw: None,
        };
        let error = Error::new(code, format!("{id} refused a web search ({status}); {advice}"));
        error.with_upstream(upstream).with_context(said.chars().take(500).collect::<String>())
    }
}
