//! A provider as this installation has it: where it is, how it is spoken to, with which credential.

use backstay_core::{DataPolicy, Error, Result, Secret, WireFormat};
use backstay_wire::ParameterRules;

use crate::{
    WebSearchService,
    address::{ModelList, Platform},
    credential::{AuthScheme, Credential},
};

/// Someone who runs models. Cheap to share behind an `Arc`; holds a secret, so it has no `Debug`.
pub struct Provider {
    /// The prefix of its models' names: `openai`, `acme`.
    pub id: String,
    /// For people: `OpenAI`.
    pub name: String,
    /// True for one that passes calls on to other providers under their models' catalogue names.
    pub is_aggregator: bool,
    /// What it is known to do with prompts, whatever the model.
    pub data: DataPolicy,
    pub kind: ProviderKind,
}

pub enum ProviderKind {
    /// Models inside this process, which need no key.
    Builtin,
    /// Searches the web and runs no model; its searches are entered like any provider's calls.
    WebSearch,
    Http(Box<HttpProvider>),
}

pub struct HttpProvider {
    pub format: WireFormat,
    /// Without a trailing slash.
    pub base_url: String,
    pub platform: Platform,
    pub credential: Credential,
    pub parameters: ParameterRules,
    pub models: ModelList,
}

/// Everything that is said of a provider, before it is checked.
pub struct ProviderSpec {
    pub id: String,
    pub name: String,
    pub format: WireFormat,
    pub base_url: String,
    pub platform: Platform,
    pub credential: Credential,
    pub parameters: ParameterRules,
    pub models: ModelList,
    /// See [`Provider::is_aggregator`].
    pub is_aggregator: bool,
    pub data: DataPolicy,
}

impl ProviderSpec {
    /// A provider that speaks its format as the format is.
    pub fn new(id: &str, format: WireFormat, base_url: &str, credential: Credential) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            format,
            base_url: base_url.to_owned(),
            platform: Platform::Direct,
            credential,
            parameters: ParameterRules::default(),
            models: ModelList::Standard,
            is_aggregator: false,
            data: DataPolicy::default(),
        }
    }
}

impl Provider {
    /// Checks and takes a provider. Its base URL must be http or https, and http only to this machine
    /// or a private network, or with no credential: a key must not cross a network in clear text.
    pub fn new(spec: ProviderSpec) -> Result<Self> {
        let (is_aggregator, data) = (spec.is_aggregator, spec.data);
        let ProviderSpec { id, name, format, base_url, platform, credential, .. } = spec;
        let (parameters, models) = (spec.parameters, spec.models);
        check_id(&id)?;
        let base_url = base_url.trim_end_matches('/').to_owned();
        check_url(&id, &base_url, !credential.is_none())?;
        if let ModelList::At(url) = &models {
            check_url(&id, url, !credential.is_none())?;
        }
        let http = HttpProvider { format, base_url, platform, credential, parameters, models };
        Ok(Self { id, name, is_aggregator, data, kind: ProviderKind::Http(Box::new(http)) })
    }

    /// One that is shown its key as its format is, at its format's own paths.
    pub fn http(
        id: &str,
        name: &str,
        format: WireFormat,
        base_url: &str,
        key: Option<Secret>,
    ) -> Result<Self> {
        let credential = Credential::key(AuthScheme::of(format), key);
        let spec = ProviderSpec::new(id, format, base_url, credential);
        Self::new(ProviderSpec { name: name.to_owned(), ..spec })
    }

    pub fn builtin() -> Self {
        Self {
            id: crate::BUILTIN_PROVIDER.to_owned(),
            name: "Built in".to_owned(),
            is_aggregator: false,
            data: DataPolicy::NOTHING_KEPT,
            kind: ProviderKind::Builtin,
        }
    }

    /// A service that searches the web. What it keeps of queries nobody knows.
    pub fn web_search(service: WebSearchService) -> Self {
        Self {
            id: service.id().to_owned(),
            name: service.name().to_owned(),
            is_aggregator: false,
            data: DataPolicy::default(),
            kind: ProviderKind::WebSearch,
        }
    }

    pub fn format(&self) -> Option<WireFormat> {
        match &self.kind {
            ProviderKind::Builtin | ProviderKind::WebSearch => None,
            ProviderKind::Http(http) => Some(http.format),
        }
    }
}

fn check_id(id: &str) -> Result<()> {
    let well_formed = !id.is_empty()
        && id.len() <= 64
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b));
    if well_formed && id != crate::BUILTIN_PROVIDER {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "provider id {id:?}: use 1 to 64 lower-case letters, digits, '-', '_' or '.', and not \
         \"builtin\""
    )))
}

fn check_url(id: &str, base_url: &str, has_credential: bool) -> Result<()> {
    let url = reqwest::Url::parse(base_url).map_err(|cause| {
        Error::invalid(format!("provider {id}: base_url {base_url:?} is not a URL: {cause}"))
    })?;
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "https" => {}
        "http" if !has_credential || is_this_machine(host) || is_private_network(host) => {}
        "http" => {
            return Err(Error::invalid(format!(
                "provider {id}: base_url {base_url:?} would send the API key in clear text; use \
                 https"
            )));
        }
        other => {
            return Err(Error::invalid(format!(
                "provider {id}: base_url has scheme {other:?}; use https or http"
            )));
        }
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::invalid(format!(
            "provider {id}: put the key in api_key or api_key_env, not in base_url"
        )));
    }
    Ok(())
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost"
        || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

/// Self-hosted model servers commonly stand on a private network without TLS.
fn is_private_network(host: &str) -> bool {
    host.parse().is_ok_and(|ip: std::net::Ipv4Addr| ip.is_private() || ip.is_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(base_url: &str, key: Option<&str>) -> Result<()> {
        let key = key.and_then(Secret::new);
        Provider::http("acme", "Acme", WireFormat::OpenAi, base_url, key).map(|_| ())
    }

    #[test]
    fn a_key_never_leaves_the_private_network_in_clear_text() {
        assert!(check("https://api.acme.test/v1/", Some("k")).is_ok());
        assert!(check("http://127.0.0.1:8000/v1", Some("k")).is_ok());
        assert!(check("http://[::1]:8000/v1", Some("k")).is_ok());
        assert!(check("http://10.0.0.4:8000/v1", Some("k")).is_ok());
        assert!(check("http://api.acme.test/v1", None).is_ok());
        for bad in ["http://api.acme.test/v1", "ftp://x/v1", "not a url", "https://u:p@x/v1"] {
            let error = check(bad, Some("secret-key")).unwrap_err();
            assert!(!error.to_string().contains("secret-key"));
        }
    }
}
