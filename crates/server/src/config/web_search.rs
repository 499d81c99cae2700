//! `[web_search]`: who searches the web for models, and which of its pages they may read.

use std::{fmt, net::IpAddr};

use backstay_core::{Error, Money, Result, Secret};
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
    /// In dollars, of a thousand searches; without it what they cost is unknown, but for a service that the
    /// operator runs, which charges nobody.
    #[serde(default)]
    price_per_thousand: Option<Money>,
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
            price: self.price_per_thousand.map(of_one).transpose()?.or(self.service.own_price()),
            allowed_addresses: self.allowed_addresses.clone(),
        })
    }
}

fn of_one(thousand: Money) -> Result<Money> {
    thousand.part_of(1_000).ok_or_else(|| {
        Error::invalid(format!(
            "web_search.price_per_thousand: a thousandth of {thousand} is not a whole number of \
             picodollars; write at most nine digits behind the point"
        ))
    })
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

    type Variables<'a> = &'a [(&'static str, &'static str)];

    fn found(toml: &str, variables: Variables<'_>) -> Result<Option<WebSearch>> {
        let environment = Environment::of(variables.iter().copied());
        let upstreams = Upstreams::new(TimeoutsMs::default())?;
        Config::parse(toml)?.web_search(&environment, &upstreams)
    }

    fn service(toml: &str, variables: Variables<'_>) -> Result<Option<WebSearchService>> {
        Ok(found(toml, variables)?.map(|found| found.service()))
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
    fn a_search_costs_a_thousandth_of_the_price_or_nobody_knows_what() {
        let of = |price: &str| {
            let toml = format!("[web_search]\nservice = \"exa\"\n{price}");
            found(&toml, &[("EXA_API_KEY", "k")]).unwrap().unwrap().price()
        };
        assert_eq!(of("price_per_thousand = \"5.00\""), Money::parse_dollars("0.005"));
        assert_eq!(of(""), None);
        let own = "[web_search]\nservice = \"searxng\"\nbase_url = \"http://10.1.1.1:8888\"";
        assert_eq!(found(own, &[]).unwrap().unwrap().price(), Some(Money::ZERO));
    }

    #[test]
    fn what_is_missing_or_wrong_is_said_at_the_start() {
        let told = |toml: &str| service(toml, &[]).unwrap_err().message().to_owned();
        assert!(told("[web_search]\nservice = \"brave\"").contains("BRAVE_API_KEY"));
        assert!(told("[web_search]\nservice = \"searxng\"").contains("base_url"));
        let priced =
            |price| format!("[web_search]\nservice = \"exa\"\nprice_per_thousand = {price}");
        assert!(told(&priced("5.0")).contains("price_per_thousand"));
        assert!(told(&priced("\"0.0000000001\"")).contains("picodollars"));
        assert!(told("[web_search]\nservice = \"google\"").contains("unknown variant"));
        assert!(told("[web_search]\nservice = \"exa\"\nkey = \"k\"").contains("api_key"));
        let hidden = "[web_search]\nservice = \"exa\"\napi_key = \"hunter2\"";
        assert!(!format!("{:?}", Config::parse(hidden).unwrap()).contains("hunter2"));
    }
}
