//! `[web_search]`: who searches the web for models, and which of its pages they may read.

use std::{fmt, net::IpAddr};

use backstay_core::{Result, Secret};
use backstay_providers::{Environment, Upstreams, WebSearch, WebSearchService, WebSearchSpec};
use serde::Deserialize;

use super::provider_credentials::secret;

/// Holds a key in clear text while it is read, so its `Debug` is written by hand.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebSearchSection {
    service: WebSearchService,
    /// Needed for SearXNG; in place of the service's own address otherwise.
    #[serde(default)]
    base_url: Option<String>,
    #[serde(default)]
    api_key: Option<String>,
    /// The environment variable that holds the key, if not the usual one.
    #[serde(default)]
    api_key_env: Option<String>,
    /// Addresses that pages may be read from although they are not public, such as an intranet's.
    #[serde(default)]
    allowed_addresses: Vec<IpAddr>,
}

impl fmt::Debug for WebSearchSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSearchSection").field("service", &self.service).finish_non_exhaustive()
    }
}

impl WebSearchSection {
    fn spec(&self, environment: &Environment) -> Result<WebSearchSpec> {
        let of_file =
            secret("web_search", "api_key", &self.api_key, &self.api_key_env, environment)?;
        let usual = || environment.get(self.service.key_variable()?).and_then(Secret::new);
        Ok(WebSearchSpec {
            service: self.service,
            base_url: self.base_url.clone(),
            key: of_file.or_else(usual),
            allowed_addresses: self.allowed_addresses.clone(),
        })
    }
}

/// What the section says; without one, the service whose key is in the environment if `discovers`.
pub(super) fn web_search(
    section: Option<&WebSearchSection>,
    discovers: bool,
    environment: &Environment,
    upstreams: &Upstreams,
) -> Result<Option<WebSearch>> {
    let spec = match section {
        Some(section) => Some(section.spec(environment)?),
        None => WebSearchSpec::from_environment(environment).filter(|_| discovers),
    };
    spec.map(|spec| WebSearch::new(spec, upstreams)).transpose()
}

#[cfg(test)]
mod tests {
    use backstay_providers::TimeoutsMs;

    use super::*;
    use crate::Config;

    fn service(
        toml: &str,
        variables: &[(&'static str, &'static str)],
    ) -> Result<Option<WebSearchService>> {
        let environment = Environment::of(variables.iter().copied());
        let upstreams = Upstreams::new(TimeoutsMs::default())?;
        let found = Config::parse(toml)?.web_search(&environment, &upstreams)?;
        Ok(found.map(|found| found.service()))
    }

    #[test]
    fn the_file_says_who_searches_and_else_the_environment() {
        let tavily = [("TAVILY_API_KEY", "k")];
        assert_eq!(service("", &[]).unwrap(), None);
        assert_eq!(service("", &tavily).unwrap(), Some(WebSearchService::Tavily));
        assert_eq!(service("[discovery]\nenabled = false", &tavily).unwrap(), None);
        let file = "[web_search]\nservice = \"searxng\"\nbase_url = \"http://10.1.1.1:8888\"";
        assert_eq!(service(file, &tavily).unwrap(), Some(WebSearchService::Searxng));
        let of_variable = "[web_search]\nservice = \"brave\"\napi_key_env = \"MINE\"";
        assert_eq!(service(of_variable, &[("MINE", "k")]).unwrap(), Some(WebSearchService::Brave));
    }

    #[test]
    fn what_is_missing_or_wrong_is_said_at_the_start() {
        let told = |toml| service(toml, &[]).unwrap_err().message().to_owned();
        assert!(told("[web_search]\nservice = \"brave\"").contains("BRAVE_API_KEY"));
        assert!(told("[web_search]\nservice = \"searxng\"").contains("base_url"));
        assert!(told("[web_search]\nservice = \"google\"").contains("unknown variant"));
        assert!(told("[web_search]\nservice = \"exa\"\nkey = \"k\"").contains("api_key"));
        let hidden = "[web_search]\nservice = \"exa\"\napi_key = \"hunter2\"";
        assert!(!format!("{:?}", Config::parse(hidden).unwrap()).contains("hunter2"));
    }
}
