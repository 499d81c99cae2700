//! Configuration: one TOML file, validated wholly before anything is used.

mod documents;
mod learning;
mod provider_credentials;
mod providers;
#[cfg(test)]
mod providers_test;
mod retention;
mod store;
mod unknown_key;
mod web_search;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use backstay_core::{Error, Result, RoutingPolicy, limits};
use backstay_engine::{EngineOptions, MemoryVectors};
use backstay_memory::MemoryOptions;
use backstay_providers::{Environment, Provider, TimeoutsMs, Upstreams, WebSearch};
use backstay_routing::{ConfiguredModel, Route, RouterOptions};
use backstay_store::StoreOptions;
use serde::Deserialize;

use documents::DocumentsSection;
use learning::LearningSection;
use providers::ProviderSection;
use retention::RetentionSection;
use store::StoreSection;
pub use store::StoreUrl;
use web_search::WebSearchSection;

/// In the data folder: calls that were answered while the database was away.
const SPOOL: &str = "late-calls";

/// Everything an operator can set. Without a file all of it has defaults.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub server: ServerSection,
    pub store: StoreSection,
    pub timeouts: TimeoutsMs,
    pub discovery: DiscoverySection,
    pub memory: MemorySection,
    pub routing: RoutingSection,
    pub budgets: BudgetsSection,
    pub retention: RetentionSection,
    pub documents: DocumentsSection,
    web_search: Option<WebSearchSection>,
    providers: Vec<ProviderSection>,
    /// Model names of the operator's own, each served by endpoints in order.
    models: Vec<Route>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSection {
    pub listen: SocketAddr,
    /// The folder of the database and of everything else that must survive.
    pub data: PathBuf,
    pub body_bytes_max: usize,
    pub connections_max: usize,
    /// How long a client may take to send a request's head.
    pub header_timeout_ms: u64,
    /// How long a stop waits for open answers.
    pub drain_timeout_ms: u64,
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7460)),
            data: PathBuf::from("data"),
            body_bytes_max: limits::BODY_BYTES_MAX,
            connections_max: 10_000,
            header_timeout_ms: 10_000,
            drain_timeout_ms: 30_000,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiscoverySection {
    /// Whether keys in the environment and model servers on this machine become providers.
    pub enabled: bool,
}

impl Default for DiscoverySection {
    fn default() -> Self {
        Self { enabled: true }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MemorySection {
    /// Tokens of recalled memories in one prompt.
    pub budget_tokens: u64,
    /// Tokens of thread history in one prompt.
    pub history_tokens: u64,
    /// `builtin`, `none`, or `provider/model` of an embedding model upstream.
    pub embedding: String,
    /// The folder with the built-in embedding model's weights; found by itself when absent.
    pub models: Option<PathBuf>,
    /// Memories of so many turns are searched by the database, where that is PostgreSQL with
    /// pgvector, instead of being held in memory.
    pub database_from_turns: u64,
    pub learning: LearningSection,
}

impl Default for MemorySection {
    fn default() -> Self {
        let engine = EngineOptions::default();
        Self {
            budget_tokens: engine.budget_tokens,
            history_tokens: engine.history_tokens,
            embedding: "builtin".to_owned(),
            models: None,
            database_from_turns: engine.memory.database_from_turns,
            learning: LearningSection::default(),
        }
    }
}

/// How endpoints are chosen, whatever requests ask for.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoutingSection {
    /// What no call may do, Backstay's own included.
    pub policy: RoutingPolicy,
    /// Whether a second endpoint is asked when the first is slower than it usually is.
    pub hedge: bool,
    /// How much more than one attempt a call may make on average, in per cent.
    pub retries_percent: u32,
}

impl Default for RoutingSection {
    fn default() -> Self {
        let RouterOptions { policy, hedge, retries_percent } = RouterOptions::default();
        Self { policy, hedge, retries_percent }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BudgetsSection {
    /// Tokens of answer for which money is reserved when neither the request's `max_tokens` nor the
    /// model's own limit says how many there may be.
    pub output_tokens_assumed: u64,
}

impl Default for BudgetsSection {
    fn default() -> Self {
        Self { output_tokens_assumed: EngineOptions::default().output_tokens_assumed }
    }
}

impl Config {
    /// Reads and checks a file. The error says where it is wrong and, for an unknown key, which
    /// known one is nearest.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|cause| {
            Error::invalid(format!("cannot read the configuration {}: {cause}", path.display()))
        })?;
        Self::parse(&text)
            .map_err(|error| Error::invalid(format!("{}: {}", path.display(), error.message())))
    }

    pub fn parse(text: &str) -> Result<Self> {
        let config: Self = toml::from_str(text).map_err(|cause| {
            let message = cause.to_string();
            match unknown_key::advice(cause.message()) {
                Some(advice) => Error::invalid(format!("{}\n{advice}", message.trim_end())),
                None => Error::invalid(message.trim_end()),
            }
        })?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        let timeouts = &self.timeouts;
        for (name, value) in [
            ("connect", timeouts.connect),
            ("first_token", timeouts.first_token),
            ("idle", timeouts.idle),
            ("whole", timeouts.whole),
            ("total", timeouts.total),
        ] {
            if value == 0 {
                return Err(Error::invalid(format!("timeouts.{name} must be above 0 ms")));
            }
        }
        if self.server.body_bytes_max > limits::BODY_BYTES_MAX {
            return Err(Error::invalid(format!(
                "server.body_bytes_max can be at most {}",
                limits::BODY_BYTES_MAX
            )));
        }
        if self.server.connections_max == 0 {
            return Err(Error::invalid("server.connections_max must be above 0"));
        }
        const RETRIES_PERCENT_MAX: u32 = 500;
        if self.routing.retries_percent > RETRIES_PERCENT_MAX {
            return Err(Error::invalid(format!(
                "routing.retries_percent can be at most {RETRIES_PERCENT_MAX}"
            )));
        }
        self.store.check()?;
        self.retention.check()?;
        self.documents.check()?;
        self.memory.learning.check()
    }

    /// Where the store is: the configured database, or the data folder.
    pub fn store_options(&self, environment: &Environment) -> Result<StoreOptions> {
        self.store.options(&self.server.data, environment)
    }

    /// The configured providers, with keys taken from the environment where the file says so.
    pub fn providers(&self, environment: &Environment) -> Result<Vec<Arc<Provider>>> {
        self.providers.iter().map(|section| section.provider(environment).map(Arc::new)).collect()
    }

    /// Who searches the web for models; `None` where nobody does.
    pub fn web_search(
        &self,
        environment: &Environment,
        upstreams: &Upstreams,
    ) -> Result<Option<WebSearch>> {
        let section = self.web_search.as_ref();
        web_search::web_search(section, self.discovery.enabled, environment, upstreams)
    }

    /// Configured models, by provider.
    pub fn models(&self) -> Vec<(String, ConfiguredModel)> {
        let of_section = |section: &ProviderSection| {
            let id = section.id.clone();
            section.models.clone().into_iter().map(move |model| (id.clone(), model))
        };
        self.providers.iter().flat_map(of_section).collect()
    }

    pub fn routes(&self) -> Vec<Route> {
        self.models.clone()
    }

    pub fn router_options(&self) -> RouterOptions {
        RouterOptions {
            policy: self.routing.policy.clone(),
            hedge: self.routing.hedge,
            retries_percent: self.routing.retries_percent,
        }
    }

    pub fn engine_options(&self) -> EngineOptions {
        EngineOptions {
            budget_tokens: self.memory.budget_tokens,
            history_tokens: self.memory.history_tokens,
            output_tokens_assumed: self.budgets.output_tokens_assumed,
            learning: self.memory.learning.options(),
            retention: self.retention.retention(),
            memory: MemoryOptions {
                database_from_turns: self.memory.database_from_turns,
                ..MemoryOptions::default()
            },
            vectors: match self.memory.embedding.as_str() {
                "none" => MemoryVectors::None,
                "builtin" => MemoryVectors::Builtin,
                name => MemoryVectors::Upstream(name.to_owned()),
            },
            documents: self.documents.options(),
            spool: Some(self.server.data.join(SPOOL)),
        }
    }
}

/// Where the built-in embedding model's weights are looked for.
pub struct ModelsFolder;

impl ModelsFolder {
    /// The user's cache folder: what `backstay models pull` fills when nothing else is said.
    pub fn default_for(environment: &Environment) -> PathBuf {
        let home = || environment.get("HOME").map(|home| Path::new(home).join(".cache"));
        let cache = environment.get("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
        cache.unwrap_or_else(std::env::temp_dir).join("backstay").join("models")
    }

    /// The first of: the configured folder, `BACKSTAY_MODELS`, `models` in the data folder if it
    /// is there, the user's cache folder.
    pub fn find(config: &Config, environment: &Environment) -> PathBuf {
        if let Some(configured) = &config.memory.models {
            return configured.clone();
        }
        if let Some(named) = environment.get("BACKSTAY_MODELS") {
            return PathBuf::from(named);
        }
        let in_data = config.server.data.join("models");
        if in_data.is_dir() { in_data } else { Self::default_for(environment) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_refused_with_the_nearest_known_one() {
        let error = Config::parse("[server]\nlissten = \"127.0.0.1:1\"").unwrap_err();
        assert!(error.message().contains("did you mean `listen`"), "{error}");
        assert!(error.message().contains("line 2"), "{error}");
    }

    #[test]
    fn a_zero_time_out_is_refused() {
        let error = Config::parse("[timeouts]\nidle = 0").unwrap_err();
        assert!(error.message().contains("timeouts.idle"), "{error}");
    }

    #[test]
    fn a_provider_takes_its_key_from_the_environment_and_prices_stay_exact() {
        let text = r#"
            [[providers]]
            id = "acme"
            format = "anthropic"
            base_url = "https://models.acme.test"
            api_key_env = "ACME_KEY"
            [[providers.models]]
            id = "large"
            price = { prompt = "0.0000025", completion = "0.00001" }
        "#;
        let config = Config::parse(text).unwrap();
        assert!(config.providers(&Environment::of([("ACME_KEY", "k")])).is_ok());
        let missing = config.providers(&Environment::default()).map(|_| ()).unwrap_err();
        assert!(missing.message().contains("ACME_KEY"), "{missing}");
        let price = config.models()[0].1.price.clone().unwrap();
        assert_eq!(price.prompt.to_string(), "0.0000025");
    }
}
