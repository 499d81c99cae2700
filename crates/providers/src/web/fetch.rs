//! Pages of the web, fetched so that whoever chooses the address reaches nothing but the web.
//!
//! A model that read something hostile may name any address. So the address of every hop is checked,
//! and the connection is made to the very address that was: names are looked up by [`Lookup`] alone,
//! once for each connection, and there is no proxy that would look them up again.

use std::{
    error::Error as _,
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use backstay_core::{Error, ErrorCode, Result};
use bytes::Bytes;
use futures::StreamExt as _;
use reqwest::{
    Response, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{ACCEPT, CONTENT_TYPE, LOCATION},
    redirect,
};

use super::address::is_public;

/// One page with all its redirects.
const TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REDIRECTS_MAX: usize = 5;
/// Of a longer page the rest is not read.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Ports below it belong to services other than the web, but for these.
const UNPRIVILEGED_PORT: u16 = 1024;
const WEB_PORTS: [u16; 2] = [80, 443];

/// A page as its server sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebPage {
    /// After redirects.
    pub url: String,
    /// As the server says.
    pub media_type: Option<String>,
    pub body: Bytes,
    /// Whether the page is longer than what was read.
    pub is_cut: bool,
}

/// Fetches pages; clones share their connections.
#[derive(Clone)]
pub(super) struct Fetcher {
    client: reqwest::Client,
    reach: Reach,
}

/// Which addresses may be connected to.
#[derive(Clone)]
struct Reach {
    /// Beside public ones.
    allowed: Arc<[IpAddr]>,
}

/// Looks names up, and refuses those that lead where nobody may go.
struct Guard {
    names: Arc<dyn Resolve>,
    reach: Reach,
}

/// The system's own way to look a name up.
struct SystemNames;

#[derive(Debug)]
struct Refused(IpAddr);

impl Fetcher {
    /// `allowed` are addresses that pages may be at although they are not public.
    pub(super) fn new(allowed: &[IpAddr]) -> Result<Self> {
        Self::with_names(allowed, Arc::new(SystemNames))
    }

    fn with_names(allowed: &[IpAddr], names: Arc<dyn Resolve>) -> Result<Self> {
        let reach = Reach { allowed: allowed.into() };
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(Guard { names, reach: reach.clone() }))
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("backstay/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|cause| Error::internal(format!("cannot build the HTTP client: {cause}")))?;
        Ok(Self { client, reach })
    }

    /// Fetches a page and follows its redirects. Fails with `invalid_request` for an address that is
    /// none or may not be called, and with an upstream's code when the page does not come.
    pub(super) async fn fetch(&self, url: &str) -> Result<WebPage> {
        let fetching = tokio::time::timeout(TIMEOUT, self.follow(url));
        fetching.await.unwrap_or_else(|_| {
            let what = format!("{url} did not come within {} s", TIMEOUT.as_secs());
            Err(Error::new(ErrorCode::TotalTimeout, what))
        })
    }

    async fn follow(&self, url: &str) -> Result<WebPage> {
        let mut at = Url::parse(url).map_err(|cause| {
            Error::invalid(format!("{url:?} is not the address of a page: {cause}"))
        })?;
        for _ in 0..=REDIRECTS_MAX {
            let response = self.get(&at).await?;
            let Some(next) = redirected(&response) else { return page(response).await };
            at = at.join(&next).map_err(|_| {
                unreachable(&at, &format!("it redirects to {next:?}, which is not an address"))
            })?;
        }
        Err(unreachable(&at, &format!("it redirects more than {REDIRECTS_MAX} times")))
    }

    async fn get(&self, url: &Url) -> Result<Response> {
        self.check(url)?;
        let request =
            self.client.get(url.clone()).header(ACCEPT, "text/html, text/*;q=0.9, */*;q=0.5");
        let response = request.send().await.map_err(|cause| match refused(&cause) {
            Some(Refused(address)) => forbidden(url, *address),
            None => unreachable(url, &innermost(&cause)),
        })?;
        let status = response.status();
        if status.is_success() || status.is_redirection() {
            return Ok(response);
        }
        Err(unreachable(url, &format!("its server answered {status}")))
    }

    /// What is wrong with an address before any name is looked up. A number stands for itself, so that
    /// nobody looks it up.
    fn check(&self, url: &Url) -> Result<()> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Error::invalid(format!(
                "{url} cannot be fetched: only http and https addresses can"
            )));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::invalid(
                "an address with a user name or password in it is not fetched; leave them out",
            ));
        }
        let port = url.port_or_known_default().unwrap_or_default();
        if port < UNPRIVILEGED_PORT && !WEB_PORTS.contains(&port) {
            return Err(Error::invalid(format!(
                "{url} is not fetched: no web server is at port {port}"
            )));
        }
        let host = url.host_str().unwrap_or_default();
        match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) if !self.reach.includes(address) => Err(forbidden(url, address)),
            _ => Ok(()),
        }
    }
}

impl Reach {
    fn includes(&self, address: IpAddr) -> bool {
        is_public(address) || self.allowed.contains(&address.to_canonical())
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (resolving, reach) = (self.names.resolve(name), self.reach.clone());
        Box::pin(async move {
            let found: Vec<SocketAddr> = resolving.await?.collect();
            // A name that has both kinds of addresses is not to be trusted with either.
            match found.iter().find(|address| !reach.includes(address.ip())) {
                Some(other) => Err(Refused(other.ip()).into()),
                None => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}

impl Resolve for SystemNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not a public address", self.0)
    }
}

impl std::error::Error for Refused {}

fn redirected(response: &Response) -> Option<String> {
    let location =
        response.headers().get(LOCATION).filter(|_| response.status().is_redirection())?;
    location.to_str().ok().map(str::to_owned)
}

async fn page(response: Response) -> Result<WebPage> {
    let url = response.url().clone();
    let media_type = response.headers().get(CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    let mut is_cut = false;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|cause| unreachable(&url, &innermost(&cause)))?;
        let left = PAGE_BYTES_MAX - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(left)]);
        if chunk.len() > left {
            is_cut = true;
            break;
        }
    }
    Ok(WebPage { url: url.into(), media_type, body: body.into(), is_cut })
}

fn refused(cause: &reqwest::Error) -> Option<&Refused> {
    let mut source = cause.source();
    while let Some(inner) = source {
        if let Some(refused) = inner.downcast_ref() {
            return Some(refused);
        }
        source = inner.source();
    }
    None
}

fn innermost(cause: &reqwest::Error) -> String {
    let mut text = cause.to_string();
    let mut source = cause.source();
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    text
}

fn forbidden(url: &Url, address: IpAddr) -> Error {
    Error::invalid(format!(
        "{url} is not fetched: it is at {address}, which is not a public address; an operator can allow \
         it with web_search.allowed_addresses"
    ))
}

fn unreachable(url: &Url, why: &str) -> Error {
    Error::new(ErrorCode::UpstreamUnreachable, format!("{url} cannot be fetched: {why}"))
}

#[cfg(test)]
#[path = "fetch_test.rs"]
mod tests;
