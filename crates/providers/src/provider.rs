//! A provider as this installation has it: where it is, how it is spoken to, with which key.

use backstay_core::{DataPolicy, Error, Result, Secret, WireFormat};

use crate::catalogue::Preset;

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
    Http(HttpProvider),
}

pub struct HttpProvider {
    pub format: WireFormat,
    /// Without a trailing slash.
    pub base_url: String,
    pub key: Option<Secret>,
}

impl Provider {
    /// Checks and takes a provider from configuration. `base_url` must be http or https, and http
    /// only to this machine or with no key: a key must not cross a network in clear text.
    pub fn http(
        id: &str,
        name: &str,
        format: WireFormat,
        base_url: &str,
        key: Option<Secret>,
    ) -> Result<Self> {
        check_id(id)?;
        let base_url = base_url.trim_end_matches('/').to_owned();
        let url = reqwest::Url::parse(&base_url).map_err(|cause| {
            Error::invalid(format!("provider {id}: base_url {base_url:?} is not a URL: {cause}"))
        })?;
        let host = url.host_str().unwrap_or_default();
        match url.scheme() {
            "https" => {}
            "http" if key.is_none() || is_this_machine(host) || is_private_network(host) => {}
            "http" => {
                return Err(Error::invalid(format!(
                    "provider {id}: base_url {base_url:?} would send the API key in clear text; \
                     use https"
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
        let http = HttpProvider { format, base_url, key };
        Ok(Self {
            id: id.to_owned(),
            name: name.to_owned(),
            is_aggregator: false,
            data: DataPolicy::default(),
            kind: ProviderKind::Http(http),
        })
    }

    pub fn from_preset(preset: &Preset, base_url: &str, key: Option<Secret>) -> Result<Self> {
        let provider = Self::http(preset.id, &preset.name, preset.format, base_url, key)?;
        // What runs on this machine leaves it for nobody.
        let data = if preset.local { DataPolicy::NOTHING_KEPT } else { preset.data.clone() };
        Ok(Self { is_aggregator: preset.aggregator, data, ..provider })
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

    pub fn format(&self) -> Option<WireFormat> {
        match &self.kind {
            ProviderKind::Builtin => None,
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
